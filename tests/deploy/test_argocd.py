"""deploy/argocd: health and actions in Lua 5.1, the language of Argo CD."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

from reconciler.crds.kinds import KINDS
from reconciler.manifests.schema_texts import load_schema
from tests.deploy.kustomize import DEPLOY, render

HEALTH = (DEPLOY / "argocd" / "health.lua").read_text()
ACTIONS = yaml.safe_load((DEPLOY / "argocd" / "actions.yaml").read_text())
KEY = "resource.customizations.{}.webhooks.reconciler_{}"


def to_lua(runtime: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return runtime.table_from({name: to_lua(runtime, item) for name, item in value.items()})
    if isinstance(value, list):
        return runtime.table_from([to_lua(runtime, item) for item in value])
    return value


def to_python(value: Any) -> Any:
    if not hasattr(value, "items"):
        return value
    return {name: to_python(item) for name, item in value.items()}


def run_lua(script: str, obj: dict[str, Any]) -> Any:
    """What a script returns for an object."""
    runtime = LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    runtime.globals()["obj"] = to_lua(runtime, copy.deepcopy(obj))
    return to_python(runtime.execute(script))


def make_object(
    conditions: dict[str, str] | None = None,
    *,
    spec: dict[str, Any] | None = None,
    observed: int | None = 1,
    **metadata: Any,
) -> dict[str, Any]:
    """An object with conditions, each with a message of its own."""
    made: dict[str, Any] = {
        "metadata": {"name": "a", "generation": 1, **metadata},
        "spec": spec or {},
    }
    if conditions is not None:
        made["status"] = {
            "conditions": [
                {"type": kind, "status": status, "reason": "Reason", "message": f"about {kind}"}
                for kind, status in conditions.items()
            ]
        }
        if observed is not None:
            made["status"]["observedGeneration"] = observed
    return made


CASES = {
    "new": (make_object(), "Progressing", "Waiting for the operator"),
    "no condition yet": (make_object({}), "Progressing", "Waiting for the operator"),
    "ready": (make_object({"Ready": "True"}), "Healthy", "about Ready"),
    "ready without a generation": (make_object({"Ready": "True"}, observed=None), "Healthy", "about Ready"),
    "not ready": (make_object({"Ready": "False"}), "Degraded", "about Ready"),
    "unreachable": (make_object({"Ready": "Unknown"}), "Progressing", "about Ready"),
    "drifted": (make_object({"Ready": "True", "Drifted": "True"}), "Healthy", "about Ready"),
    "reconciling": (make_object({"Ready": "False", "Reconciling": "True"}), "Progressing", "about Reconciling"),
    "stalled": (make_object({"Ready": "False", "Stalled": "True"}), "Degraded", "about Stalled"),
    "stalled and reconciling": (make_object({"Stalled": "True", "Reconciling": "True"}), "Degraded", "about Stalled"),
    "no longer stalled": (make_object({"Ready": "True", "Stalled": "False"}), "Healthy", "about Ready"),
    "changed since": (make_object({"Ready": "True"}, generation=2), "Progressing", "The operator has not seen this generation"),
    "suspended": (make_object({"Ready": "True"}, spec={"suspend": True}), "Suspended", "spec.suspend is true"),
    "resumed": (make_object({"Ready": "True"}, spec={"suspend": False}), "Healthy", "about Ready"),
    "deleted": (make_object({"Ready": "True"}, deletionTimestamp="2026-01-01T00:00:00Z"), "Progressing", "Being deleted"),
    "deletion is refused": (make_object({"Stalled": "True"}, deletionTimestamp="2026-01-01T00:00:00Z"), "Degraded", "about Stalled"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_health_of_an_object_is_that_of_its_conditions(case: str) -> None:
    obj, status, message = CASES[case]
    assert run_lua(HEALTH, obj) == {"status": status, "message": message}


@pytest.mark.parametrize(
    ("suspend", "enabled"), [(True, {"resume"}), (False, {"reconcile", "suspend"})]
)
def test_argo_cd_offers_the_actions_that_make_sense(*, suspend: bool, enabled: set[str]) -> None:
    found = run_lua(ACTIONS["discovery.lua"], make_object(spec={"suspend": suspend}))
    assert {name for name, item in found.items() if not item["disabled"]} == enabled
    assert set(found) == {item["name"] for item in ACTIONS["definitions"]}


def act(name: str, obj: dict[str, Any]) -> dict[str, Any]:
    (script,) = [item["action.lua"] for item in ACTIONS["definitions"] if item["name"] == name]
    return dict(run_lua(script, obj))


def test_an_action_changes_one_field_and_nothing_else() -> None:
    obj = make_object(spec={"owner": "a"})
    assert act("suspend", obj)["spec"] == {"owner": "a", "suspend": True}
    assert act("resume", make_object(spec={"owner": "a", "suspend": True}))["spec"] == {
        "owner": "a"
    }
    assert act("suspend", obj)["metadata"] == obj["metadata"]


@pytest.mark.parametrize("annotations", [None, {"a": "b"}])
def test_a_request_is_an_annotation_with_the_time(annotations: dict[str, str] | None) -> None:
    obj = make_object(**({} if annotations is None else {"annotations": annotations}))
    changed = act("reconcile", obj)
    found = changed["metadata"]["annotations"]
    time = found.pop("webhooks.reconciler/request")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time)
    assert found == (annotations or {})
    assert changed["spec"] == {}


def test_the_component_adds_health_to_each_kind_and_keeps_what_argo_cd_has(tmp_path: Path) -> None:
    for file in (DEPLOY / "argocd").iterdir():
        (tmp_path / "argocd").mkdir(exist_ok=True)
        (tmp_path / "argocd" / file.name).write_text(file.read_text())
    (tmp_path / "cm.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {url: https://argocd.example.com}\n"
    )
    (tmp_path / "kustomization.yaml").write_text("resources: [cm.yaml]\ncomponents: [argocd]\n")
    (config,) = yaml.safe_load_all(render(tmp_path))
    actions = {"Webhook", "Tenant", "ClusterTenant"}
    assert config["metadata"]["name"] == "argocd-cm"
    assert config["data"].pop("url") == "https://argocd.example.com"
    assert set(config["data"]) == {KEY.format("health", kind.name) for kind in KINDS} | {
        KEY.format("actions", name) for name in actions
    }
    assert {item for name, item in config["data"].items() if ".health." in name} == {HEALTH}
    assert yaml.safe_load(config["data"][KEY.format("actions", "Tenant")]) == ACTIONS


def test_the_example_patch_has_the_same_scripts() -> None:
    patch = yaml.safe_load((DEPLOY / "argocd" / "example-patch.yaml").read_text())["data"]
    assert patch[KEY.format("health", "Tenant")] == HEALTH
    assert yaml.safe_load(patch[KEY.format("actions", "Tenant")]) == ACTIONS


def test_only_kinds_that_can_be_suspended_have_actions() -> None:
    fields = {
        kind.name: load_schema(kind.schema)["properties"]["spec"]["properties"] for kind in KINDS
    }
    assert {name for name, spec in fields.items() if "suspend" in spec} == {
        "Webhook",
        "Tenant",
        "ClusterTenant",
    }
