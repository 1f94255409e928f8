"""What several files of these tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.environments import LOCAL, World
from tests.support.processes import Tenant
from tests.support.receiver import Receiver


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Tenant(tmp_path / "dev-tenant", *LOCAL) as dev, Receiver() as receiver:
        yield World(tmp_path / "repository", dev, receiver)
