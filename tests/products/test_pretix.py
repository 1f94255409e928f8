"""The product file of pretix against its own server."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.webhook import Subscription
from reconciler.manifests.decode.products import read_built_in
from reconciler.providers.conformance import Place, Samples, conformance
from reconciler.providers.product_file.plugin import ProductFile
from tests.products.conftest import ENVIRONMENTS
from tests.products.product_files import (
    Server,
    check_edit_by_hand,
    check_rename,
    check_sixty,
    check_two_runs,
    check_wrong_token,
)
from tests.products.served import find_port, served
from tests.support.processes import environment
from tests.support.product_repository import ProductRepository

SERVERS: list[Server] = []  # one, for the checks of the kit, which are made before any fixture
FILE = read_built_in("pretix")
assert FILE is not None
PLUGIN = ProductFile(FILE)
CONFIG = """[pretix]
instance_name=Test
url={url}
datadir={folder}/data
[database]
backend=sqlite3
"""
SEED = """
from django.utils.timezone import now
from django_scopes import scopes_disabled
from pretix.base.models import Event, Organizer, Team, TeamAPIToken
organizer = Organizer.objects.create(name="Acme", slug="acme")
team = Team.objects.create(organizer=organizer, name="all", all_organizer_permissions=True)
with scopes_disabled(): Event.objects.create(organizer=organizer, name="Fair", slug="fair", date_from=now())
print("TOKEN", TeamAPIToken.objects.create(team=team, name="test").token)
"""


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("pretix"), find_port()
    url, binaries = f"http://127.0.0.1:{port}", ENVIRONMENTS / "pretix" / "bin"
    config = folder / "pretix.cfg"
    config.write_text(CONFIG.format(url=url, folder=folder))
    env = environment(
        PATH=f"{binaries}:/usr/bin:/bin", HOME=str(folder), PRETIX_CONFIG_FILE=str(config)
    )
    env.pop("PYTHONPATH", None)

    def manage(*arguments: str, stdin: str = "") -> str:
        command = [str(binaries / "python"), "-m", "pretix", *arguments]
        done = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    manage("migrate", "--verbosity", "0")
    token = manage("shell", stdin=SEED).rpartition("TOKEN ")[2].split()[0]
    command = [str(binaries / "python"), "-m", "pretix", "runserver", "--noreload"]
    command += ["--insecure", "--skip-checks", f"127.0.0.1:{port}"]
    with served(command, f"{url}/api/v1/organizers/", folder, env, seconds=300):
        made = Server("pretix", url, token, "", {"organizer": "acme"})
        made.path, made.field = "/api/v1/organizers/acme/webhooks/?enabled=true", "results"
        SERVERS[:] = [made]
        yield made


@asynccontextmanager
async def empty_server(_endpoint: str) -> AsyncIterator[Place]:
    SERVERS[0].remove_all()
    yield Place(SERVERS[0].url, SERVERS[0].token, SERVERS[0].target)


EVENTS = (
    Subscription("pretix.event.order.placed", None, None),
    Subscription("pretix.event.order.paid", None, None),
)
test_conformance = conformance(PLUGIN, empty_server, Samples(EVENTS, options={"all_events": False}))


@pytest.fixture
def repository(tmp_path: Path, server: Server) -> ProductRepository:
    server.remove_all()
    return server.make_repository(tmp_path, "pretix.event.order.placed")


def test_sixty_are_created_and_the_second_plan_is_empty(
    repository: ProductRepository, server: Server
) -> None:
    by_hand = {"enabled": True, "target_url": "https://by-hand.example.com/x", "action_types": []}
    by_hand |= {"all_events": True, "limit_events": []}
    check_sixty(server, repository, "target_url", by_hand)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"target_url": "https://elsewhere.example.com/"}, "url"),
        ({"action_types": ["pretix.event.order.paid"]}, "events"),
        ({"all_events": False}, "all_events"),
        ({"all_events": False, "limit_events": ["fair"]}, "limit_events"),
        ({"comment": "by hand\n{}"}, "description"),
    ],
)
def test_an_edit_by_hand_is_found_and_repaired(
    repository: ProductRepository, server: Server, edit: dict[str, Any], field: str
) -> None:
    check_edit_by_hand(server, repository, edit, field)


def test_a_rename_is_one_update_of_the_same_webhook(
    repository: ProductRepository, server: Server
) -> None:
    check_rename(server, repository)


def test_two_runs_at_once_lose_nothing(repository: ProductRepository, server: Server) -> None:
    check_two_runs(server, repository)


def test_a_wrong_token_is_named(repository: ProductRepository) -> None:
    check_wrong_token(repository)
