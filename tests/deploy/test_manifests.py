"""deploy/: what kustomize renders, and what the operator may do."""

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml

from reconciler import __version__
from reconciler.cli.commands import operator
from reconciler.continuous.operator.objects import KINDS
from reconciler.crds.definitions import make_definitions
from reconciler.manifests.schema_texts import load_schema
from tests.deploy.kustomize import DEPLOY, find, objects_of, render

OVERLAYS = ["base", "overlays/namespaced", "overlays/sharded", "overlays/monitored"]
OWN = "webhooks.reconciler"


def test_install_yaml_is_the_rendered_base() -> None:
    """RECONCILER_UPDATE_GOLDENS=1 writes it."""
    if os.environ.get("RECONCILER_UPDATE_GOLDENS") == "1":
        (DEPLOY / "install.yaml").write_text(render(DEPLOY / "base"))
    assert (DEPLOY / "install.yaml").read_text() == render(DEPLOY / "base")


def test_the_base_has_each_object_once_and_every_definition() -> None:
    kinds = [item["kind"] for item in objects_of("base")]
    assert sorted(set(kinds)) == [
        "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Deployment", "Namespace",
        "NetworkPolicy", "PodDisruptionBudget", "Role", "RoleBinding", "Service", "ServiceAccount",
    ]  # fmt: skip
    wanted = {definition["metadata"]["name"] for definition in make_definitions(load_schema)}
    found = [item for item in objects_of("base") if item["kind"] == "CustomResourceDefinition"]
    assert {item["metadata"]["name"] for item in found} == wanted


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_with_a_namespace_is_in_one_that_is_meant(name: str) -> None:
    places = {item["metadata"].get("namespace") for item in objects_of(name)}
    teams = {"payments", "search"} if name == "overlays/namespaced" else set()
    assert places == {None, "reconciler-system"} | teams


def labels_match(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_selector_selects_the_pods_of_the_operator(name: str) -> None:
    objects = objects_of(name)
    labels = find(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        find(objects, "Deployment")["spec"]["selector"]["matchLabels"],
        find(objects, "Service")["spec"]["selector"],
        find(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        find(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
    ]
    assert all(labels_match(selector, labels) for selector in selectors)
    spread = find(objects, "Deployment")["spec"]["template"]["spec"].get(
        "topologySpreadConstraints", []
    )
    assert all(labels_match(item["labelSelector"]["matchLabels"], labels) for item in spread)


def container_of(name: str) -> dict[str, Any]:
    (container,) = find(objects_of(name), "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(container)


def test_the_container_has_no_right_that_it_does_not_need() -> None:
    pod = find(objects_of("base"), "Deployment")["spec"]["template"]["spec"]
    container = container_of("base")
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 10_000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "hostNetwork" not in pod
    assert set(container["resources"]) == {"requests", "limits"}
    namespace = find(objects_of("base"), "Namespace", "reconciler-system")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_probes_metrics_and_service_use_one_port() -> None:
    container = container_of("base")
    assert container["image"] == f"webhook-reconciler:{__version__}"
    assert container["args"][0] == "operator"
    assert "--port=8081" in container["args"]
    assert [(port["name"], port["containerPort"]) for port in container["ports"]] == [
        ("http", 8081)
    ]
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    (port,) = find(objects_of("base"), "Service")["spec"]["ports"]
    assert (port["name"], port["targetPort"]) == ("http", "http")
    monitor = find(objects_of("overlays/monitored"), "ServiceMonitor")["spec"]
    assert [item["port"] for item in monitor["endpoints"]] == ["http"]
    labels = find(objects_of("base"), "Service")["metadata"]["labels"]
    assert labels_match(monitor["selector"]["matchLabels"], labels)


def rights_of(*roles: dict[str, Any]) -> dict[str, set[str]]:
    """The verbs of each resource, as `group/resource`."""
    found: dict[str, set[str]] = {}
    for role in roles:
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    found.setdefault(f"{group}/{resource}", set()).update(rule["verbs"])
    return found


def test_the_operator_has_these_rights_and_no_others() -> None:
    objects = objects_of("base")
    names = ("reconciler-operator", "reconciler-operator-cluster")
    read, status = {"get", "list", "watch"}, {"patch"}
    assert rights_of(*(find(objects, "ClusterRole", name) for name in names)) == {
        f"{OWN}/webhooks": read | {"patch"},
        f"{OWN}/tenants": read | {"patch"},
        f"{OWN}/clustertenants": read,
        f"{OWN}/eventsubscriptions": read | {"patch"},
        f"{OWN}/policies": read,
        f"{OWN}/webhooks/status": status,
        f"{OWN}/tenants/status": status,
        f"{OWN}/clustertenants/status": status,
        f"{OWN}/eventsubscriptions/status": status,
        f"{OWN}/policies/status": status,
        "/secrets": {"get"},
        "events.k8s.io/events": {"create"},
        "apiextensions.k8s.io/customresourcedefinitions": {"get"},
        "/namespaces": {"get"},
    }
    assert rights_of(find(objects, "Role")) == {
        "coordination.k8s.io/leases": {"get", "create", "update"}
    }


def test_the_rights_are_about_the_kinds_of_the_operator() -> None:
    cluster = find(objects_of("base"), "ClusterRole", "reconciler-operator-cluster")
    rights = rights_of(find(objects_of("base"), "ClusterRole"), cluster)
    finalized = {f"{OWN}/{kind.plural}" for kind in KINDS.values() if kind.has_finalizer}
    assert {name for name, verbs in rights.items() if name.startswith(OWN) and verbs == {
        "get", "list", "watch", "patch",
    }} == finalized  # fmt: skip
    assert {f"{OWN}/{kind.plural}/status" for kind in KINDS.values()} <= set(rights)
    (names,) = [rule["resourceNames"] for rule in cluster["rules"] if "resourceNames" in rule]
    assert set(names) == {f"{kind.plural}.{OWN}" for kind in KINDS.values()}


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_command_line_knows_the_arguments_of_the_container(name: str) -> None:
    first, *args = container_of(name)["args"]
    assert first == "operator"
    context = operator.command.make_context(first, list(args))
    assert context.params["port"] == 8081
    assert context.params["host"] == "0.0.0.0"  # noqa: S104  of a container
    assert context.params["allow_plain_http"] is True


def test_the_overlay_of_namespaces_has_the_rules_of_the_cluster_role_there_and_nowhere_else() -> (
    None
):
    objects = objects_of("overlays/namespaced")
    wanted = find(objects_of("base"), "ClusterRole")["rules"]
    roles = [item for item in objects if item["metadata"]["name"] == "reconciler-operator-objects"]
    assert sorted((item["kind"], item["metadata"]["namespace"]) for item in roles) == [
        ("Role", "payments"), ("Role", "search"), ("RoleBinding", "payments"), ("RoleBinding", "search"),
    ]  # fmt: skip
    for item in roles:
        if item["kind"] == "Role":
            assert item["rules"] == wanted
        else:
            (subject,) = item["subjects"]
            assert subject["namespace"] == "reconciler-system"
            assert item["roleRef"]["kind"] == "Role"
    cluster = [item for item in objects if item["kind"] == "ClusterRole"]
    assert set(rights_of(*cluster)) == {
        "apiextensions.k8s.io/customresourcedefinitions",
        "/namespaces",
    }
    args = container_of("overlays/namespaced")["args"]
    assert [arg for arg in args if "namespace" in arg] == [
        "--namespace=payments",
        "--namespace=search",
    ]


def test_the_sharded_overlay_has_two_replicas_and_four_shards() -> None:
    assert find(objects_of("overlays/sharded"), "Deployment")["spec"]["replicas"] == 2
    assert container_of("overlays/sharded")["args"][-1] == "--shards=4"


def test_every_file_of_deploy_is_rendered_or_named() -> None:
    named = {
        "README.md",
        "Dockerfile",
        "Dockerfile.dockerignore",
        "requirements.lock",
        "install.yaml",
    }
    for folder in DEPLOY.rglob("kustomization.yaml"):
        content = yaml.safe_load(folder.read_text())
        listed = {*content.get("resources", ())}
        listed |= {
            file.partition("=")[2]
            for item in content.get("configMapGenerator", ())
            for file in item["files"]
        }
        others = {path.name for path in folder.parent.iterdir() if path.is_file()}
        assert others - listed - {"kustomization.yaml", "example-patch.yaml"} == set(), folder
    assert {path.name for path in DEPLOY.iterdir() if path.is_file()} == named
