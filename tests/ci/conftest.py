from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ci.forges import served
from tests.ci.recipes import Repository, git, source
from tests.support.processes import Tenant, run, webhook


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a repository of its own, for what installs it from there."""
    folder = tmp_path_factory.mktemp("source") / "reconciler"
    source(folder)
    return folder


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A tenant's folder with a token that may write and one that may read, to be copied for each
    test.
    """
    tenant = Tenant(tmp_path_factory.mktemp("seed") / "tenant")
    return (
        tenant.folder,
        tenant.token,
        tenant.make_token("plan", "Webhooks: Read", owner="payments"),
    )


@pytest.fixture
def repository_at(
    tmp_path: Path, checkout: Path, tokens: tuple[Path, str, str]
) -> Iterator[Callable[[str], Repository]]:
    """A repository of manifests at a kind of forge, with a served tenant."""
    with ExitStack() as stack:

        def make(kind: str) -> Repository:
            seed, write, read = tokens
            shutil.copytree(seed, tmp_path / "tenant")
            tenant = stack.enter_context(Tenant(tmp_path / "tenant", token=write))
            forge = stack.enter_context(served(kind))
            found = Repository(tmp_path / "repository", forge, tenant, read, checkout)
            found.make()
            return found

        yield make


@pytest.fixture
def repository(repository_at: Callable[[str], Repository]) -> Repository:
    """One webhook is applied; a branch with a second is checked out."""
    found = repository_at("github")
    found.commit(first=webhook("first"))
    assert (
        run("reconcile", ".", "--yes", cwd=found.folder, TENANT_TOKEN=found.tenant.token).code == 0
    )
    git(found.folder, "checkout", "-q", "-b", "change")
    found.commit(second=webhook("second"))
    return found
