"""A run that is stopped, such as when its shard is lost, starts no change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reconciler.connection import Connection
from reconciler.continuous.results import State
from reconciler.continuous.run import Runner, Settings
from reconciler.continuous.source import Desired
from reconciler.core.model.schedule import Schedule
from reconciler.manifests import InputFiles, Request, SecretLookup, load
from reconciler.providers import registry
from tests.support.processes import Tenant, tenant_manifest, webhook


class FolderSource:
    """What a folder declares; `during` is called while it is read."""

    revision = ""

    def __init__(self, folder: Path, token: str, during: Callable[[], None]) -> None:
        self.folder, self.token, self.during = folder, token, during

    @property
    def tenants(self) -> Mapping[str, Schedule]:
        return {"production": Schedule()}

    async def read(self, key: str) -> Desired:
        assert key == "production"
        self.during()
        request = Request(
            find=registry.capabilities, files=InputFiles((str(self.folder),)),
            env={"TENANT_TOKEN": self.token}, secrets=SecretLookup(mode="require"),
        )  # fmt: skip
        return Desired(load(request), "r1")

    def note_applied(self, key: str, revision: str) -> None:
        assert (key, revision) == ("production", "r1")


@pytest.mark.parametrize("keys", [["production"], None])
def test_a_run_that_is_stopped_while_it_reads_writes_nothing(
    tmp_path: Path, keys: list[str] | None
) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        folder = tmp_path / "manifests"
        folder.mkdir()
        (folder / "all.yaml").write_text(f"{tenant_manifest(tenant.url)}---\n{webhook('oncall')}")
        during: list[Callable[[], None]] = []
        source = FolderSource(folder, tenant.token, lambda: [each() for each in during] and None)
        runner = Runner(source, Settings(Connection(), mode="apply"))
        during.append(lambda: runner.stop(keys))
        result = asyncio.run(runner.run("production"))
        assert result.state is State.FAILED
        assert tenant.webhooks() == []
        during.clear()
        runner.stop(["production", "unknown"])  # no run is under way
        assert asyncio.run(runner.run("production")).state is State.APPLIED
        assert set(tenant.by_name()) == {"oncall"}
