"""Tenant manifests with waves and patches. Used by the tests of --all-tenants."""

from __future__ import annotations

LOCAL = ("--allow-network", "127.0.0.0/8")
SECRET = "wv-9c1f77e0aa"


def manifest(name: str, where: str, *, wave: int | None = None, patches: str = "", extra: str = "") -> str:
    """A Tenant; `where` is a url, or the file of an embedded one."""
    target = f"url: '{where}', token: {{fromEnv: {name.upper()}_TOKEN}}" if where.startswith("http") else f"local: {where}"
    turn = f", wave: {wave}" if wave is not None else ""
    merged = f", patches: [{patches}]" if patches else ""
    head = f"apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{{target}, owner: payments{turn}{merged}{extra}}}\n"


def everywhere(patch: str) -> str:
    return f"{{match: {{matchLabels: {{}}}}, patch: {patch}}}"
