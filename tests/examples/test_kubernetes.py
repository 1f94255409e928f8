"""The examples for a cluster: our objects are valid there and for the command line, and the documents
of Argo CD and Flux lead to folders that exist. Their own definitions are in no package of the
requirements, so their documents are checked by the fields that they use.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.crds.kinds import KINDS
from tests.support.cluster_objects import assert_valid, documents_of
from tests.support.processes import ROOT, run

EXAMPLES = ROOT / "examples"
OURS = "webhooks.reconciler/v1"
# Fields of `spec` by apiVersion and kind: those that have to be there, and those that may.
SPECS = {
    ("argoproj.io/v1alpha1", "Application"): (
        {"project", "source", "destination"},
        {"syncPolicy", "ignoreDifferences"},
    ),
    ("source.toolkit.fluxcd.io/v1", "GitRepository"): (
        {"url", "interval"},
        {"ref", "secretRef"},
    ),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"): (
        {"interval", "prune", "sourceRef"},
        {"path", "wait", "timeout", "images", "dependsOn", "deletionPolicy"},
    ),
}
FILES = sorted(
    path for name in ("argocd", "flux", "kubernetes") for path in (EXAMPLES / name).rglob("*.yaml")
)


def read(*parts: str) -> list[dict[str, Any]]:
    return documents_of((EXAMPLES / Path(*parts)).read_text())


def render(*parts: str) -> list[dict[str, Any]]:
    """The objects of a kustomization, by kubectl."""
    done = subprocess.run(
        [Path(sys.executable).with_name("kubectl"), "kustomize", EXAMPLES / Path(*parts)],
        env={}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return documents_of(done.stdout)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_every_document_has_a_kind_and_those_of_other_products_the_fields_they_know(
    path: Path,
) -> None:
    for document in documents_of(path.read_text()):
        assert {"apiVersion", "kind"} <= set(document)
        known = SPECS.get((document["apiVersion"], document["kind"]))
        if known is not None:
            required, optional = known
            assert required <= set(document["spec"]) <= required | optional


def test_the_objects_of_the_cluster_are_valid_there_and_for_the_command_line() -> None:
    objects = [value for value in render("kubernetes") if value["apiVersion"] == OURS]
    assert {value["kind"] for value in objects} == {
        "Tenant", "Webhook", "EventSubscription", "Policy"
    }  # fmt: skip
    assert {value["metadata"]["namespace"] for value in objects} == {"payments"}
    assert_valid(objects)
    checked = run("validate", "kubernetes", "--strict", cwd=EXAMPLES)
    assert checked.code == 0, checked.err
    assert "5 documents (2 skipped): 0 errors, 0 warnings." in checked.out


def test_the_readme_creates_every_secret_that_the_objects_need() -> None:
    text = (EXAMPLES / "kubernetes" / "README.md").read_text()
    created = set(re.findall(r"secret generic (\S+) -n payments --from-literal=(\w+)=", text))
    shown = "".join(
        path.read_text() for path in FILES if path.is_relative_to(EXAMPLES / "kubernetes")
    )
    assert created == set(re.findall(r"fromSecret: \{name: (\S+), key: (\w+)\}", shown))


def test_the_example_survives_the_way_to_a_folder_of_manifests_and_back(tmp_path: Path) -> None:
    back = run("import", "kubernetes", "kubernetes", "--reverse", cwd=EXAMPLES)
    assert back.code == 0, back.err
    (tmp_path / "back.yaml").write_text(back.out)
    again = run("import", "kubernetes", "back.yaml", "--namespace", "payments", cwd=tmp_path)
    assert again.code == 0, again.err
    ours = [value for value in render("kubernetes") if value["apiVersion"] == OURS]
    assert sorted(map(str, map(sort_keys, documents_of(again.out)))) == sorted(
        map(str, map(sort_keys, ours))
    )


def sort_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: sort_keys(value[name]) for name in sorted(value)}
    return [sort_keys(item) for item in value] if isinstance(value, list) else value


def test_argo_cd_gets_health_for_each_kind_and_applications_of_folders_that_exist() -> None:
    [config] = render("argocd", "install")
    health = {f"resource.customizations.health.webhooks.reconciler_{kind.name}" for kind in KINDS}
    assert health <= set(config["data"])
    assert config["metadata"]["name"] == "argocd-cm"
    for name in ("application.yaml", "operator.yaml"):
        [application] = read("argocd", name)
        spec = application["spec"]
        assert (ROOT / spec["source"]["path"] / "kustomization.yaml").is_file()
        assert "ServerSideApply=true" in spec["syncPolicy"]["syncOptions"]
        assert "finalizers" not in application["metadata"]
    namespaces = {value["metadata"].get("namespace") for value in render("kubernetes")} - {None}
    assert namespaces == {read("argocd", "application.yaml")[0]["spec"]["destination"]["namespace"]}


def test_what_argo_cd_ignores_is_a_field_of_a_kind_with_that_action() -> None:
    [application] = read("argocd", "application.yaml")
    for part in application["spec"]["ignoreDifferences"]:
        assert part["group"] == "webhooks.reconciler"
        assert part["kind"] in {kind.name for kind in KINDS}
        assert part["jsonPointers"] == ["/spec/suspend"]


def test_flux_applies_folders_that_exist_from_sources_that_are_there() -> None:
    sources = {value["metadata"]["name"] for value in read("flux", "source.yaml")}
    kustomizations = read("flux", "kustomizations.yaml")
    names = {value["metadata"]["name"] for value in kustomizations}
    for value in kustomizations:
        spec = value["spec"]
        assert spec["sourceRef"] == {"kind": "GitRepository", "name": spec["sourceRef"]["name"]}
        assert spec["sourceRef"]["name"] in sources
        assert (ROOT / spec["path"] / "kustomization.yaml").is_file()
        assert spec["wait"] is True
        assert {each["name"] for each in spec.get("dependsOn", ())} <= names


@pytest.mark.parametrize("name", ["argocd", "flux"])
def test_the_page_shows_the_files_of_the_example(name: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / f"docs/{name}.md").read_text(), re.DOTALL)
    files = [path.read_text() for path in FILES if path.parent == EXAMPLES / name]
    assert [text for text in files if text not in blocks] == []


def test_images_of_the_operator_are_those_of_its_kustomization() -> None:
    [base] = documents_of((ROOT / "deploy/base/kustomization.yaml").read_text())
    [image] = base["images"]
    [application] = read("argocd", "operator.yaml")
    [argo] = application["spec"]["source"]["kustomize"]["images"]
    [flux] = read("flux", "kustomizations.yaml")[0]["spec"]["images"]
    assert argo == f"{image['name']}={flux['newName']}:{image['newTag']}"
    assert (flux["name"], flux["newTag"]) == (image["name"], image["newTag"])


def test_the_page_of_alerts_has_each_alert_with_its_expression() -> None:
    text = (ROOT / "docs/alerts.md").read_text()
    shown = re.findall(r"^## (\w+)\n\n```text\n(.*?)\n```", text, re.DOTALL | re.MULTILINE)
    [rule] = documents_of((ROOT / "deploy/components/monitoring/prometheus-rule.yaml").read_text())
    alerts = [each for group in rule["spec"]["groups"] for each in group["rules"]]
    assert [(name, "".join(expression.split())) for name, expression in shown] == [
        (each["alert"], "".join(each["expr"].split())) for each in alerts
    ]
