"""A Webhook from `kubectl apply` to `kubectl delete`, against a real API server."""

from __future__ import annotations

from pathlib import Path

from tests.kubernetes.kubectl import Kubectl, wait_until
from tests.kubernetes.operators import Operator, secret, tenant_object, webhook
from tests.support.processes import Tenant


def test_apply_edit_and_delete(kubectl: Kubectl, tenant: Tenant, operator: Operator) -> None:
    kubectl.apply(secret("tenant", token=tenant.token), tenant_object(tenant.url))
    kubectl.apply(webhook("oncall"), webhook("audit"))
    kubectl.wait_ready("webhook", "oncall", "audit")
    kubectl.wait_ready("tenant", "production")
    assert set(tenant.by_name()) == {"oncall", "audit"}
    entry = kubectl.get("webhook", "oncall")["status"]["tenants"][0]
    assert entry["id"] == tenant.by_name()["oncall"]["id"]

    kubectl.apply(webhook("oncall", url="https://hooks.example.com/new"))
    wait_until(lambda: tenant.by_name()["oncall"]["url"].endswith("/new"), "the new url")

    assert kubectl.get("webhook", "audit")["metadata"]["finalizers"] == [
        "webhooks.reconciler/tenant"
    ]
    kubectl.run("delete", "webhook", "audit", "--timeout=60s")
    assert set(tenant.by_name()) == {"oncall"}


def test_a_rotated_secret_reaches_the_tenant(
    kubectl: Kubectl, tenant: Tenant, tmp_path: Path
) -> None:
    auth = {"type": "bearer", "token": {"fromSecret": {"name": "hook", "key": "value"}}}
    kubectl.apply(secret("tenant", token=tenant.token), secret("hook", value="first"))
    kubectl.apply(tenant_object(tenant.url), webhook("oncall", auth=auth))
    key = "a long random text that stays the same"
    with Operator(kubectl, tmp_path / "operator", RECONCILER_FINGERPRINT_KEY=key):
        kubectl.wait_ready("webhook", "oncall")
        first = tenant.by_name()["oncall"]["auth"]
        kubectl.apply(secret("hook", value="second"))
        # the operator may not watch Secrets: the next run sees it, or one that is asked for
        kubectl.run("annotate", "tenant", "production", "webhooks.reconciler/request=1")
        wait_until(lambda: tenant.by_name()["oncall"]["auth"] != first, "the new version")
        kubectl.wait_ready("webhook", "oncall")
    assert tenant.by_name()["oncall"]["auth"]["type"] == "bearer"


def test_a_missing_secret_is_a_condition_and_deletes_nothing(
    kubectl: Kubectl, tenant: Tenant, operator: Operator
) -> None:
    auth = {"type": "bearer", "token": {"fromSecret": {"name": "hook", "key": "value"}}}
    kubectl.apply(secret("tenant", token=tenant.token), secret("hook", value="first"))
    kubectl.apply(tenant_object(tenant.url), webhook("oncall", auth=auth), webhook("audit"))
    kubectl.wait_ready("webhook", "oncall", "audit")
    kubectl.run("delete", "secret", "hook")
    kubectl.run("annotate", "tenant", "production", "webhooks.reconciler/request=1")
    found = kubectl.wait_for("webhook", "oncall", "Ready", "False", "SecretMissing")
    assert "there is no Secret hook" in found["message"]
    kubectl.wait_for("tenant", "production", "Ready", "False", "SecretMissing")
    assert set(tenant.by_name()) == {"oncall", "audit"}
    kubectl.apply(secret("hook", value="again"))
    kubectl.run("annotate", "tenant", "production", "--overwrite", "webhooks.reconciler/request=2")
    kubectl.wait_ready("webhook", "oncall")


def test_an_event_subscription_and_a_cluster_tenant(
    kubectl: Kubectl, tenant: Tenant, tmp_path: Path
) -> None:
    """Two namespaces of one ClusterTenant; its Secret is in the operator's own namespace."""
    other = kubectl.make_namespace(f"{kubectl.namespace}-b")
    spec = tenant_object(tenant.url)["spec"] | {
        "allowedNamespaces": [kubectl.namespace, other.namespace]
    }
    shared = {
        "apiVersion": "webhooks.reconciler/v1", "kind": "ClusterTenant",
        "metadata": {"name": "shared"}, "spec": spec,
    }  # fmt: skip
    event = {"type": "elastio:recovery-point:create:failed", "version": "v0", "severity": ["error"]}
    subscription = {
        "apiVersion": "webhooks.reconciler/v1", "kind": "EventSubscription",
        "metadata": {"name": "failures"}, "spec": {"webhook": "one", "events": [event]},
    }  # fmt: skip
    kubectl.apply_in(kubectl.home, secret("tenant", token=tenant.token), shared)
    namespaces = ("--namespace", other.namespace)
    with Operator(kubectl, tmp_path / "operator", *namespaces):
        kubectl.apply(webhook("one"), subscription)
        other.apply(webhook("two"))
        kubectl.wait_ready("webhook", "one")
        other.wait_ready("webhook", "two")
        kubectl.wait_ready("eventsubscription", "failures")
        kubectl.wait_ready("clustertenant", "shared")
        assert len(tenant.by_name()["one"]["events"]) == 2
        owners = {each["managed_by"]["owner"] for each in tenant.webhooks()}
        assert owners == {f"payments.{kubectl.namespace}", f"payments.{other.namespace}"}
        kubectl.run("delete", "clustertenant", "shared")
        kubectl.wait_for("webhook", "one", "Ready", "False", "NoTenant")
        kubectl.run("delete", "webhook", "one", "--timeout=60s")
        assert set(tenant.by_name()) == {"one", "two"}
    other.clear()
