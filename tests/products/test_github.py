"""Every test of the provider `github` again, with GitHub's own description between the provider and
the stand-in: a request or an answer that violates it fails the test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from reconciler.providers.conformance import Place, Samples, conformance
from reconciler.providers.driver.places import find_scope
from reconciler.providers.github.plugin import PLUGIN
from tests.products.prism import CheckedGitHub, open_checked_github
from tests.providers.github_repository import Repository, verify
from tests.providers.test_github import *  # noqa: F403  its tests, with the fixture below
from tests.providers.test_github import EVENTS, OPTIONS
from tests.providers.test_github_ledger import *  # noqa: F403  its tests, with the fixture below
from tests.stand_ins.github import REPOSITORY, TOKEN
from tests.support.receiver import Receiver

NAMES = {"repository": REPOSITORY, "organization": "acme"}
OPEN: dict[str, CheckedGitHub] = {}  # for the checks of the kit, which are made before any fixture


@pytest.fixture(scope="module", autouse=True)
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with ExitStack() as stack:
        for kind, name in NAMES.items():
            opened = open_checked_github(find_scope({kind: name}), tmp_path_factory.mktemp(kind))
            OPEN[kind] = stack.enter_context(opened)
        yield


@contextmanager
def use_empty(kind: str) -> Iterator[CheckedGitHub]:
    """An empty stand-in, and the check of what passed since."""
    found = OPEN[kind]
    found.clear()
    yield found
    found.check()


def open_place(kind: str) -> Callable[[str], AbstractAsyncContextManager[Place]]:
    @asynccontextmanager
    async def empty_place(_endpoint: str) -> AsyncIterator[Place]:
        with use_empty(kind) as found:
            yield Place(found.url, TOKEN, {kind: NAMES[kind]}, deliver=found.server.push)

    return empty_place


SAMPLES = Samples(EVENTS, options=OPTIONS, verify=verify)
test_conformance = conformance(PLUGIN, open_place("repository"), SAMPLES)
test_conformance_of_an_organisation = conformance(PLUGIN, open_place("organization"), SAMPLES)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with use_empty("repository") as found:
        yield Repository(tmp_path, found.server, url=found.url)


def test_an_organisation_has_hooks_of_its_own(tmp_path: Path) -> None:
    with use_empty("organization") as found, Receiver() as receiver:
        organization = Repository(tmp_path, found.server, url=found.url)
        organization.write_tenant("platform", "{organization: acme}")
        organization.write("ci", receiver.url())
        removed = organization.write("other")
        organization.reconcile()
        removed.unlink()
        organization.reconcile()
        organization.hook["active"] = False
        organization.reconcile()
        assert organization.hook["active"] is True
        assert organization.run("test").code == 0
