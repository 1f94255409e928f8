"""One OpenBao and one moto a worker: they take a second or more to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import Bao, Moto


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    with Bao(tmp_path_factory.mktemp("bao")) as served:
        yield served


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    with Moto(tmp_path_factory.mktemp("moto")) as served:
        yield served


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A folder for manifests, with nothing else in it."""
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder
