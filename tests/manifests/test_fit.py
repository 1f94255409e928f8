"""Manifests against what the provider of their Tenant can hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.capabilities import Capabilities
from reconciler.manifests import load
from tests.support.requests import make_request

TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {name: main}
spec: {provider: small, url: "https://small.example.com", token: {fromEnv: T}, owner: me}
"""
WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {name: a}
spec:
  url: https://hooks.example.com/a
"""
SMALL = Capabilities("small", fields=frozenset({"name"}))


def rules(folder: Path, lines: str, capabilities: Capabilities | None = SMALL) -> list[str]:
    (folder / "tenant.yaml").write_text(TENANT)
    (folder / "a.yaml").write_text(WEBHOOK + lines)
    request = replace(make_request((str(folder),)), find=lambda _name: capabilities)
    try:
        load(request)
    except InvalidManifests as error:
        errors = [item for item in error.problems if item.severity == "error"]
        return [f"{item.rule} {item.origin.line}" for item in errors]
    return []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", []),
        ("  name: A\n", []),
        ("  description: ''\n  enabled: true\n", []),
        ("  description: Text\n", ["provider/field 6"]),
        ("  enabled: false\n", ["provider/field 6"]),
        ("  options: {a: 1}\n", ["provider/option 6"]),
        ("  auth: {type: bearer, token: {fromEnv: B}}\n", ["provider/auth 6"]),
        ("  events: [{type: any.thing}]\n", []),
        ("  events: [{type: any.thing, severity: info}]\n", ["provider/event 6"]),
    ],
)
def test_a_field_that_the_product_lacks_is_an_error_unless_it_is_the_default(
    tmp_path: Path, lines: str, expected: list[str]
) -> None:
    assert rules(tmp_path, lines) == expected


def test_of_a_provider_that_is_not_installed_nothing_else_is_reported(tmp_path: Path) -> None:
    assert rules(tmp_path, "  description: Text\n", None) == ["schema/enum 4"]
