"""Manifests against what the provider of their Tenant can hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.problem import Problem
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


def find_errors(
    folder: Path, lines: str, capabilities: Capabilities | None = SMALL, tenant: str = TENANT
) -> list[Problem]:
    (folder / "tenant.yaml").write_text(tenant)
    (folder / "a.yaml").write_text(WEBHOOK + lines)
    request = replace(make_request((str(folder),)), find=lambda _name: capabilities)
    try:
        load(request)
    except InvalidManifests as error:
        return [item for item in error.problems if item.severity == "error"]
    return []


def rules(folder: Path, lines: str, capabilities: Capabilities | None = SMALL) -> list[str]:
    errors = find_errors(folder, lines, capabilities)
    return [f"{item.rule} {item.origin.line}" for item in errors]


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


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("label-studio", "write provider: http and product: label-studio"),
        ("pretix", "write provider: http and product: pretix"),
        ("tennant", "did you mean tenant?"),
        ("zz", "reconciler providers lists those that are installed"),
    ],
)
def test_a_provider_that_is_not_installed_has_a_hint(tmp_path: Path, name: str, hint: str) -> None:
    tenant = TENANT.replace("provider: small", f"provider: {name}")
    (error,) = find_errors(tmp_path, "", None, tenant)
    assert error.hint == hint


@pytest.mark.parametrize("project", ["5", '"5"'])
def test_a_part_of_a_product_files_target_may_be_a_number(tmp_path: Path, project: str) -> None:
    product = f"provider: http, product: label-studio, target: {{project: {project}}}"
    (tmp_path / "tenant.yaml").write_text(TENANT.replace("provider: small", product))
    manifests = load(make_request((str(tmp_path),)))
    assert manifests.tenant is not None
    assert manifests.tenant.target == {"project": "5"}


@pytest.mark.parametrize("project", ["true", "5.5", '""', "[5]"])
def test_a_target_of_another_type_is_an_error(tmp_path: Path, project: str) -> None:
    product = f"provider: http, product: label-studio, target: {{project: {project}}}"
    (tmp_path / "tenant.yaml").write_text(TENANT.replace("provider: small", product))
    with pytest.raises(InvalidManifests) as caught:
        load(make_request((str(tmp_path),)))
    assert [item.rule for item in caught.value.problems] == ["tenant/target"]
