"""Objects that this operator does not understand: fields and versions of a newer one."""

from __future__ import annotations

import time

import yaml

from tests.kubernetes.kubectl import Kubectl, wait_until
from tests.kubernetes.operators import Operator, secret, tenant_object, webhook
from tests.support.processes import ROOT, Tenant

DEFINITIONS = ROOT / "deploy" / "base" / "crds.yaml"


def read_definition(plural: str) -> dict:  # type: ignore[type-arg]
    documents = yaml.safe_load_all(DEFINITIONS.read_text())
    return next(each for each in documents if each["spec"]["names"]["plural"] == plural)


def test_an_unknown_field_is_a_condition_and_nothing_is_written(
    kubectl: Kubectl, tenant: Tenant, operator: Operator
) -> None:
    kubectl.apply(secret("tenant", token=tenant.token), tenant_object(tenant.url))
    kubectl.apply(webhook("oncall"), webhook("audit"))
    kubectl.wait_ready("webhook", "oncall", "audit")
    newer = read_definition("webhooks")
    spec = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["later"] = {"type": "string", "maxLength": 10}
    try:
        kubectl.apply(newer)
        applied = webhook("oncall", later="x")
        wait_until(
            lambda: kubectl.call("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(applied))
            .returncode == 0, "the field is served",
        )  # fmt: skip
        found = kubectl.wait_for("webhook", "oncall", "Ready", "False", "InvalidManifest")
        assert "later" in found["message"]
        kubectl.wait_for("tenant", "production", "Stalled", "True", "InvalidManifest")
        assert set(tenant.by_name()) == {"oncall", "audit"}
        kubectl.run("delete", "webhook", "oncall", "--timeout=60s")
        kubectl.wait_ready("tenant", "production")
        assert set(tenant.by_name()) == {"audit"}
    finally:
        kubectl.run("apply", "--server-side", "--force-conflicts", "-f", str(DEFINITIONS))


def test_a_version_that_is_served_no_more_deletes_nothing(
    kubectl: Kubectl, tenant: Tenant, operator: Operator
) -> None:
    kubectl.apply(secret("tenant", token=tenant.token), tenant_object(tenant.url))
    kubectl.apply(webhook("oncall"), webhook("audit"))
    kubectl.wait_ready("webhook", "oncall", "audit")
    newer = read_definition("webhooks")
    [v1] = newer["spec"]["versions"]
    newer["spec"]["versions"] = [
        v1 | {"served": False},
        v1 | {"name": "v2", "storage": False},
    ]
    try:
        kubectl.run(
            "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump(newer)
        )
        kubectl.run("annotate", "tenant", "production", "webhooks.reconciler/request=1")
        time.sleep(8)
        assert set(tenant.by_name()) == {"oncall", "audit"}
    finally:
        kubectl.run("apply", "--server-side", "--force-conflicts", "-f", str(DEFINITIONS))
        kubectl.apply_definitions(DEFINITIONS)
    kubectl.apply(webhook("oncall", url="https://hooks.example.com/b"))
    wait_until(lambda: tenant.by_name()["oncall"]["url"].endswith("/b"), "followed", 90)
    assert set(tenant.by_name()) == {"oncall", "audit"}
