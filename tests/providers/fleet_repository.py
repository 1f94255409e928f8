"""Manifests of a Tenant over many repositories, and GitHub's stand-in with a whole organisation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.github_repository import Repository
from tests.stand_ins.fleet import Fleet, fleet_of
from tests.stand_ins.github import Server

NAMES = [*(f"acme/svc-{number:02}" for number in range(5)), "acme/web", "acme/legacy"]


ALL = "{organization: acme, repositories: {}}"


class FleetRepository(Repository):
    """Manifests of a Tenant over the organisation."""

    @property
    def fleet(self) -> Fleet:
        assert isinstance(self.stand_in, Fleet)
        return self.stand_in

    def place(self, name: str) -> Server:
        server = self.fleet.repositories[f"acme/{name}"]
        assert isinstance(server, Server)
        return server

    def count(self) -> dict[str, int]:
        """How many hooks each repository has, of those that have any."""
        return {
            name.removeprefix("acme/"): len(server.hooks)
            for name, server in self.fleet.repositories.items()
            if server.hooks
        }

    def narrow(self, path: Path, scopes: str) -> None:
        path.write_text(path.read_text().replace("  enabled:", f"  scopes: {scopes}\n  enabled:"))


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[FleetRepository]:
    with fleet_of("github", NAMES) as server:
        repository = FleetRepository(tmp_path, server)
        repository.write_tenant("platform", ALL)
        yield repository


def add_hook(server: Server, url: str, **config: str) -> dict[str, Any]:
    """A hook that somebody made by hand."""
    server.last += 1
    now = server.now()
    server.hooks[server.last] = hook = {
        "type": "Repository",
        "id": server.last,
        "name": "web",
        "active": True,
        "events": ["push"],
        "config": {"content_type": "json", "insecure_ssl": "0", "url": url, **config},
        "created_at": now,
        "updated_at": now,
        "deliveries": [],
    }
    return hook
