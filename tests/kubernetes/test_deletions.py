"""What goes all at once: a namespace, a Tenant, a CustomResourceDefinition."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.kubernetes.kubectl import PLURALS, Kubectl, wait_until
from tests.kubernetes.operators import Operator, secret, tenant_object, webhook
from tests.support.processes import COMMAND, ROOT, Tenant, environment


def test_deleting_a_namespace_deletes_nothing_until_its_plan_is_accepted(
    kubectl: Kubectl, tenant: Tenant, operator: Operator
) -> None:
    names = [f"hook-{number}" for number in range(20)]
    kubectl.apply(secret("tenant", token=tenant.token), tenant_object(tenant.url))
    kubectl.apply(*map(webhook, names))
    kubectl.wait_ready("webhook", *names)
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")
    found = kubectl.wait_for("tenant", "production", "Stalled", "True", "GuardRefused")
    assert "20 of 20 webhooks would be deleted" in found["message"]
    assert set(tenant.by_name()) == set(names)
    status = kubectl.get("tenant", "production")["status"]
    accept = f"webhooks.reconciler/accept={status['planDigest']}"
    assert f"kubectl annotate tenant production -n {kubectl.namespace}" in found["message"]
    assert accept in found["message"]
    kubectl.run("annotate", "tenant", "production", "--overwrite", accept)
    wait_until(lambda: not tenant.webhooks(), "deleted at the tenant")
    wait_until(lambda: not kubectl.has_namespace(), "the namespace is gone")


def test_deleting_a_tenant_leaves_its_webhooks(
    kubectl: Kubectl, tenant: Tenant, operator: Operator
) -> None:
    kubectl.apply(secret("tenant", token=tenant.token), tenant_object(tenant.url))
    kubectl.apply(webhook("oncall"), webhook("kept", deletionPolicy="Orphan"))
    kubectl.wait_ready("webhook", "oncall", "kept")
    kubectl.run("delete", "webhook", "kept", "--timeout=60s")
    kubectl.run("delete", "tenant", "production", "--timeout=60s")
    kubectl.wait_for("webhook", "oncall", "Ready", "False", "NoTenant")
    kubectl.run("delete", "webhook", "oncall", "--timeout=60s")
    assert set(tenant.by_name()) == {"oncall", "kept"}


def test_a_removed_definition_deletes_nothing_and_release_lets_it_go(
    kubectl: Kubectl, tenant: Tenant, operator: Operator
) -> None:
    kubectl.apply(secret("tenant", token=tenant.token), tenant_object(tenant.url))
    kubectl.apply(*(webhook(f"hook-{number}") for number in range(4)))
    kubectl.wait_ready("webhook")
    plane = kubectl.control_plane
    try:
        kubectl.run("delete", "crd", "webhooks.webhooks.reconciler", "--wait=false")
        found = kubectl.wait_for("tenant", "production", "Ready", "False", "ClusterNotReady")
        assert "CustomResourceDefinition of Webhook" in found["message"]
        time.sleep(3)
        assert len(tenant.webhooks()) == 4
        operator.stop()
        released = subprocess.run(
            [*COMMAND, "operator", "release", "--kubeconfig", str(plane.kubeconfig)],
            env=environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert released.returncode == 0, released.stderr
        assert "objects released" in released.stdout
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/webhooks."
        wait_until(
            lambda: plane.call("GET", f"{path}webhooks.reconciler")[0] == 404, "the CRD is gone"
        )
        assert len(tenant.webhooks()) == 4
    finally:
        kubectl.apply_definitions(ROOT / "deploy" / "base" / "crds.yaml")


def test_an_operator_that_starts_without_definitions_waits_for_them(
    kubectl: Kubectl, tenant: Tenant, tmp_path: Path
) -> None:
    names = [f"crd/{plural}.webhooks.reconciler" for plural in (*PLURALS, "clustertenants")]
    kubectl.run("delete", *names, "--timeout=60s")
    try:
        with Operator(kubectl, tmp_path / "operator") as operator:
            wait_until(lambda: "cannot be read" in operator.log.read_text(), "it says so")
            assert not operator.is_ready()
            kubectl.apply_definitions(ROOT / "deploy" / "base" / "crds.yaml")
            kubectl.apply(secret("tenant", token=tenant.token), tenant_object(tenant.url))
            kubectl.apply(webhook("oncall"))
            kubectl.wait_ready("webhook", "oncall")
            assert operator.is_ready()
    finally:
        kubectl.apply_definitions(ROOT / "deploy" / "base" / "crds.yaml")
