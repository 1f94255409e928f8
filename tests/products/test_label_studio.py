"""The product file of Label Studio against its own server."""

from __future__ import annotations

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

TOKEN = "0123456789abcdef0123456789abcdef01234567"
CONFIG = '<View><Text name="t" value="$text"/></View>'
SERVERS: list[Server] = []  # one, for the checks of the kit, which are made before any fixture
FILE = read_built_in("label-studio")
assert FILE is not None
PLUGIN = ProductFile(FILE)


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("label-studio"), find_port()
    url, binaries = f"http://127.0.0.1:{port}", ENVIRONMENTS / "label-studio" / "bin"
    command = [str(binaries / "label-studio"), "start", "--no-browser", "--port", str(port)]
    command += ["--username", "a@example.com", "--password", "password-0123456789"]
    env = environment(
        PATH=f"{binaries}:/usr/bin:/bin",
        HOME=str(folder),
        LABEL_STUDIO_BASE_DATA_DIR=str(folder / "data"),
        LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN="true",
        SSRF_PROTECTION_ENABLED="false",
        COLLECT_ANALYTICS="false",
        LATEST_VERSION_CHECK="false",
        SENTRY_DSN="",
    )
    env.pop("PYTHONPATH", None)
    with served([*command, "--user-token", TOKEN], f"{url}/health", folder, env, seconds=300):
        made = Server("label-studio", url, TOKEN, "", {})
        project = made.call("POST", "/api/projects/", {"title": "Hooks", "label_config": CONFIG})
        made.target = {"project": str(project["id"])}
        made.path = "/api/webhooks/"
        SERVERS[:] = [made]
        yield made


@asynccontextmanager
async def empty_server(_endpoint: str) -> AsyncIterator[Place]:
    SERVERS[0].remove_all()
    yield Place(SERVERS[0].url, TOKEN, SERVERS[0].target)


EVENTS = (
    Subscription("ANNOTATION_CREATED", None, None),
    Subscription("TASKS_CREATED", None, None),
)
test_conformance = conformance(
    PLUGIN, empty_server, Samples(EVENTS, options={"send_payload": False})
)


@pytest.fixture
def repository(tmp_path: Path, server: Server) -> ProductRepository:
    server.remove_all()
    return server.make_repository(tmp_path, "ANNOTATION_CREATED")


def test_sixty_are_created_and_the_second_plan_is_empty(
    repository: ProductRepository, server: Server
) -> None:
    by_hand = {"url": "https://by-hand.example.com/x", "project": server.target["project"]}
    check_sixty(server, repository, "url", by_hand)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"url": "https://elsewhere.example.com/"}, "url"),
        ({"actions": ["TASKS_CREATED"]}, "events"),
        ({"is_active": False, "actions": ["ANNOTATION_CREATED"]}, "enabled"),
        ({"send_for_all_actions": True, "actions": ["ANNOTATION_CREATED"]}, "events"),
        ({"send_payload": False, "actions": ["ANNOTATION_CREATED"]}, "send_payload"),
    ],
)
def test_an_edit_by_hand_is_found_and_repaired(
    repository: ProductRepository, server: Server, edit: dict[str, Any], field: str
) -> None:
    repository.webhook += "  enabled: true\n"
    check_edit_by_hand(server, repository, edit, field)


def test_a_rename_is_one_update_of_the_same_webhook(
    repository: ProductRepository, server: Server
) -> None:
    check_rename(server, repository)


def test_headers_that_somebody_added_stay(repository: ProductRepository, server: Server) -> None:
    path = repository.write("oncall")
    repository.reconcile()
    [webhook] = server.list()
    headers = {**webhook["headers"], "X-Team": "red"}
    server.edit(webhook["id"], {"headers": headers, "actions": webhook["actions"]})
    path.write_text(path.read_text().replace("hooks.example.com", "other.example.com"))
    repository.reconcile()
    [after] = server.list()
    assert (after["url"], after["headers"]) == ("https://other.example.com/oncall", headers)


def test_two_runs_at_once_lose_nothing(repository: ProductRepository, server: Server) -> None:
    check_two_runs(server, repository)


def test_a_wrong_token_is_named(repository: ProductRepository) -> None:
    check_wrong_token(repository)
