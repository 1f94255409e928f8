"""Each example of examples/, written for a cluster, is accepted by the API server."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.kubernetes.kubectl import Kubectl
from tests.support.cluster_manifests import for_cluster
from tests.support.processes import ROOT

EXAMPLES = ROOT / "examples"
KINDS = {"Webhook", "EventSubscription", "Tenant", "Policy"}
FOLDERS = sorted(
    {path.relative_to(EXAMPLES).parts[0] for path in EXAMPLES.rglob("*.yaml")}
    - {"argocd", "ci", "flux", "products", "provider", "terraform", "python-api"}
)


def find_documents(folder: Path) -> dict[tuple[str, str], str]:
    """The manifests of an example by kind and name: of one that it has for several stages the
    last.
    """
    found: dict[tuple[str, str], str] = {}
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if isinstance(document, dict) and document.get("kind") in KINDS:
                made = for_cluster(document)
                found[made["kind"], made["metadata"]["name"]] = yaml.safe_dump(made)
    return found


@pytest.mark.parametrize("name", FOLDERS)
def test_an_example_applies(kubectl: Kubectl, name: str) -> None:
    documents = find_documents(EXAMPLES / name)
    assert documents
    kubectl.apply(*documents.values())
    for kind, each in documents:
        assert kubectl.get(kind, each)["spec"]
