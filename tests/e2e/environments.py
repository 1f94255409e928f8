"""Tenant manifests with waves and patches. Used by the tests of --all-tenants."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.processes import ROOT, Ended, Tenant, run, webhook
from tests.support.receiver import Receiver

LOCAL = ("--allow-network", "127.0.0.0/8")
SECRET = "wv-9c1f77e0aa"
SCHEMAS = {
    name: json.loads((ROOT / f"schemas/{name}.schema.json").read_text())
    for name in ("runs", "plan", "saved-plan", "report", "test", "drift")
}


def manifest(
    name: str, where: str, *, wave: int | None = None, patches: str = "", extra: str = ""
) -> str:
    """A Tenant; `where` is a url, or the file of an embedded one."""
    target = (
        f"url: '{where}', token: {{fromEnv: {name.upper()}_TOKEN}}"
        if where.startswith("http")
        else f"local: {where}"
    )
    turn = f", wave: {wave}" if wave is not None else ""
    merged = f", patches: [{patches}]" if patches else ""
    head = f"apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{{target}, owner: payments{turn}{merged}{extra}}}\n"


def everywhere(patch: str) -> str:
    return f"{{match: {{matchLabels: {{}}}}, patch: {patch}}}"


def count_webhooks(file: Path) -> int:
    """How many webhooks an embedded tenant holds."""
    with closing(sqlite3.connect(file)) as store:
        return int(store.execute("SELECT count(*) FROM webhooks").fetchone()[0])


class World:
    """One webhook; `dev` (served) in wave 1, `staging` (embedded) in wave 2, `production`
    (embedded) in wave 3.
    """

    def __init__(self, folder: Path, dev: Tenant, receiver: Receiver) -> None:
        self.folder, self.dev, self.receiver = folder, dev, receiver
        self.env = {"DEV_TOKEN": dev.token, "HOOK_TOKEN": SECRET}
        folder.mkdir()
        auth = "{type: bearer, token: {fromEnv: HOOK_TOKEN}, version: '1'}"
        (folder / "one.yaml").write_text(webhook("one", url=receiver.url("/ok"), auth=auth))
        self.put("dev", dev.url, patches=everywhere(f"{{url: '{receiver.url('/dev')}'}}"))
        self.put("staging", "staging.db", wave=2, patches=everywhere("{description: staged}"))
        self.put("production", "production.db", wave=3)
        receiver.script("/dev", 200)

    def put(self, name: str, where: str, **options: Any) -> None:
        (self.folder / f"t-{name}.yaml").write_text(manifest(name, where, **options))

    def run(self, command: str, *options: str) -> Ended:
        return run(command, ".", "--all-tenants", *options, cwd=self.folder, **self.env)

    def reconcile(self, *options: str) -> Ended:
        return self.run("reconcile", "--yes", *LOCAL, *options)

    def json(self, command: str, *options: str) -> tuple[int, dict[str, Any]]:
        """A run as JSON, held to its schemas: the exit code and each tenant's part."""
        more = ("--yes", *LOCAL) if command == "reconcile" else LOCAL
        done = self.run(command, *more, "-o", "json", *options)
        assert done.out, done.err
        Draft202012Validator(SCHEMAS["runs"]).validate(done.json)
        for part in done.json["runs"]:
            for name in SCHEMAS.keys() & part.keys():
                Draft202012Validator(SCHEMAS[name]).validate(part[name])
        assert done.json["exit_code"] == done.code
        assert SECRET not in done.out + done.err
        return done.code, {part["tenant"]: part for part in done.json["runs"]}


def codes(runs: dict[str, Any]) -> dict[str, int | None]:
    return {name: part["exit_code"] for name, part in runs.items()}
