"""deploy/ as it is applied: the operator works with the ServiceAccount and the rights of install.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.kubectl import Kubectl, wait_until
from tests.kubernetes.operators import Operator, secret, tenant_object, webhook
from tests.support.processes import ROOT, Tenant

HOME = "reconciler-system"
ACCOUNT = "reconciler-operator"


def list_documents(kubectl: Kubectl) -> Iterator[dict[str, Any]]:
    """The documents of install.yaml, but for kinds that an old server does not know."""
    known = kubectl.run("api-resources", "-o", "name")
    for document in yaml.safe_load_all((ROOT / "deploy" / "install.yaml").read_text()):
        is_old = "policy" in document["apiVersion"] and "1.20" in server_version(kubectl)
        if is_old:
            assert "poddisruptionbudgets" in known  # of policy/v1beta1
            continue
        yield document


def server_version(kubectl: Kubectl) -> str:
    return str(json.loads(kubectl.run("get", "--raw", "/version"))["gitVersion"])


def make_token(kubectl: Kubectl) -> str:
    path = f"/api/v1/namespaces/{HOME}/serviceaccounts/{ACCOUNT}/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    status, found = kubectl.control_plane.call("POST", path, body)
    assert status == 201, found
    return str(found["status"]["token"])


@pytest.fixture
def token(kubectl: Kubectl) -> str:
    kubectl.apply_in(HOME, *list_documents(kubectl))
    return make_token(kubectl)


def test_the_operator_needs_no_more_than_the_rights_of_deploy(
    kubectl: Kubectl, tenant: Tenant, token: str, tmp_path: Path
) -> None:
    kubectl.home = HOME
    given = secret("tenant", token=tenant.token)
    kubectl.apply_in(HOME, secret("shared", token=tenant.token))
    other = kubectl.make_namespace(f"{kubectl.namespace}-b")
    shared = tenant_object(tenant.url, "shared", owner="shared")
    shared |= {"kind": "ClusterTenant"}
    shared["spec"] |= {
        "allowedNamespaces": [other.namespace],
        "token": {"fromSecret": {"name": "shared", "key": "token"}},
    }
    event = {"type": "elastio:recovery-point:create:failed", "version": "v0", "severity": ["error"]}
    subscription = webhook("failures", webhook="oncall", events=[event])
    subscription |= {"kind": "EventSubscription"}
    del subscription["spec"]["url"]
    kubectl.apply(given, tenant_object(tenant.url), shared)
    kubectl.apply(webhook("oncall"), webhook("audit"), subscription)
    other.apply(webhook("elsewhere"))
    with Operator(kubectl, tmp_path / "operator", token=token, is_cluster_wide=True) as operator:
        kubectl.wait_ready("webhook", "oncall", "audit")
        other.wait_ready("webhook", "elsewhere")
        kubectl.wait_ready("eventsubscription", "failures")
        kubectl.wait_ready("clustertenant", "shared")
        kubectl.run("delete", "webhook", "audit", "--timeout=60s")
        kubectl.run("delete", "eventsubscription", "failures", "--timeout=60s")
        wait_until(lambda: "Applied" in kubectl.run("get", "events.events.k8s.io"), "an Event")
        kubectl.run("delete", "tenant", "production", "--timeout=60s")
        # the namespace is asked for, and may be read
        other.run("delete", "namespace", other.namespace, "--wait=false")
        wait_until(lambda: not other.has_namespace(), "the namespace of one webhook is gone")
        assert set(tenant.by_name()) == {"oncall"}
        assert "forbidden" not in operator.log.read_text().lower()
    kubectl.run("delete", "clustertenant", "shared")


def test_the_rights_of_one_namespace_suffice_without_cluster_tenants(
    kubectl: Kubectl, tenant: Tenant, tmp_path: Path
) -> None:
    """The Role of the overlay `namespaced`, for the namespace of the test."""
    kubectl.run("create", "serviceaccount", ACCOUNT, "-n", kubectl.home)
    folder = ROOT / "deploy" / "overlays" / "namespaced"
    role = (folder / "namespace" / "role.yaml").read_text().replace(HOME, kubectl.home)
    leases = (ROOT / "deploy" / "base" / "lease-role.yaml").read_text()
    kubectl.apply(role)
    subjects = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": kubectl.home}]
    for document in yaml.safe_load_all(leases):
        document["metadata"]["namespace"] = kubectl.home
        if document["kind"] == "RoleBinding":
            document["subjects"] = subjects
        kubectl.run("apply", "-n", kubectl.home, "-f", "-", stdin=yaml.safe_dump(document))
    rules: list[dict[str, Any]] = [
        {
            "apiGroups": ["apiextensions.k8s.io"],
            "resources": ["customresourcedefinitions"],
            "verbs": ["get", "list", "watch"],
        },
        {
            "apiGroups": [""],
            "resources": ["namespaces"],
            "resourceNames": [kubectl.namespace, "kube-system"],
            "verbs": ["get"],
        },
    ]
    name = kubectl.namespace
    api = "rbac.authorization.k8s.io/v1"
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    kubectl.apply(
        {"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": reference, "subjects": subjects,
        },
    )  # fmt: skip
    path = f"/api/v1/namespaces/{kubectl.home}/serviceaccounts/{ACCOUNT}/token"
    status, found = kubectl.control_plane.call("POST", path, {"spec": {}})
    assert status == 201, found
    kubectl.apply(secret("tenant", token=tenant.token), tenant_object(tenant.url))
    token = found["status"]["token"]
    with Operator(kubectl, tmp_path / "operator", token=token):
        kubectl.apply(webhook("oncall"))
        kubectl.wait_ready("webhook", "oncall")
        kubectl.apply(webhook("oncall", url="https://hooks.example.com/b"))
        wait_until(lambda: tenant.by_name()["oncall"]["url"].endswith("/b"), "followed", 30)
