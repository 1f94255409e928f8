"""One OpenBao and one moto a worker: they take a second or more to start.

age is the system's. Where it is missing, CI fails; elsewhere the tests of sops are left out, and
one line says what to install.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import Bao, Moto

AGE = shutil.which("age-keygen")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return (
        True
        if AGE is None and not os.environ.get("CI") and collection_path.name == "test_sops.py"
        else None
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if AGE is None:
        terminalreporter.write_line(
            "tests/sources needs age: apt-get install -y --no-install-recommends age"
        )


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
