"""A real API server, with the definitions of deploy/, for the whole session. `make test-kubernetes`
says where its programs are; without that command this folder is left out of a run.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes.control_plane import ControlPlane, find_assets
from tests.kubernetes.kubectl import Kubectl
from tests.kubernetes.operators import Operator
from tests.support.processes import ROOT, Tenant


def pytest_ignore_collect() -> bool | None:
    return None if os.environ.get("RECONCILER_TEST_KUBERNETES") else True


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    assets = find_assets()
    assert assets is not None, "KUBEBUILDER_ASSETS names no folder with the programs"
    with ControlPlane(tmp_path_factory.mktemp("control-plane"), assets) as running:
        yield running


@pytest.fixture(scope="session")
def definitions(control_plane: ControlPlane) -> Kubectl:
    """The CRDs are served; so is the namespace of the operator there."""
    kubectl = Kubectl(control_plane)
    kubectl.apply_definitions(ROOT / "deploy" / "base" / "crds.yaml")
    kubectl.run("create", "namespace", "reconciler-system")
    return kubectl


@pytest.fixture
def kubectl(definitions: Kubectl, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """kubectl in a namespace of the test's own, which is empty in the end; with another one for the
    operator.
    """
    words = re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))
    name = f"{words[:24]}-{zlib.crc32(words.encode()):08x}"
    own = definitions.make_namespace(name)
    home = definitions.make_namespace(own.home)
    yield own
    own.clear()
    home.clear()


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with Tenant(tmp_path / "tenant") as running:
        yield running


@pytest.fixture
def operator(kubectl: Kubectl, tmp_path: Path) -> Iterator[Operator]:
    """An operator of that namespace, with the rights of an administrator."""
    with Operator(kubectl, tmp_path / "operator") as running:
        yield running
