"""The provider `mlflow` against MLflow's own server."""

from __future__ import annotations

import json
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from reconciler.core.model.webhook import Subscription
from reconciler.providers.conformance import Place, Samples, conformance
from reconciler.providers.mlflow.plugin import PLUGIN
from tests.products.conftest import ENVIRONMENTS
from tests.products.served import find_port, served
from tests.support.processes import environment
from tests.support.product_repository import ProductRepository
from tests.support.receiver import Receiver

LOGIN, KEY, NEW_KEY = "admin:password-0123456789", "mlflow-key-0123456789", "mlflow-key-9876543210"
PATH = "/api/2.0/mlflow/webhooks"
SERVER: list[str] = []  # the url, for the checks of the kit, which are made before any fixture
TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {{name: registry}}
spec:
  provider: mlflow
  url: {url}
  token: {{fromEnv: MLFLOW_LOGIN}}
  owner: ml-platform
"""
WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {{name: {name}}}
spec:
  url: {url}
  enabled: true
  auth: {{type: signature, secret: {{fromEnv: HOOK_KEY}}, version: "{version}"}}
  events: [{{type: model_version.created}}, {{type: registered_model.created}}]
"""


def call(url: str, method: str, path: str = "", body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}{PATH}{path}", data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or "null")


def list_webhooks(url: str) -> list[dict[str, Any]]:
    return list(call(url, "GET", "?max_results=1000").get("webhooks", []))


def remove_all(url: str) -> None:
    for webhook in list_webhooks(url):
        call(url, "DELETE", f"/{webhook['webhook_id']}")


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("mlflow"), find_port()
    url, binaries = f"http://127.0.0.1:{port}", ENVIRONMENTS / "mlflow" / "bin"
    command = [str(binaries / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", "sqlite:///mlflow.db", "--workers", "1"]
    env = environment(
        PATH=f"{binaries}:/usr/bin:/bin",
        MLFLOW_WEBHOOK_ALLOWED_SCHEMES="http,https",
        MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS="true",
        MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY=urlsafe_b64encode(b"k" * 32).decode(),
        MLFLOW_DISABLE_TELEMETRY="true",
    )
    env.pop("PYTHONPATH")
    with served(command, f"{url}/health", folder, env):
        SERVER[:] = [url]
        yield url


def verify(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    """As a receiver does it; MLflow signs as Standard Webhooks do, under names of its own."""
    names = {"id": "delivery-id", "timestamp": "timestamp", "signature": "signature"}
    signed = {f"webhook-{name}": headers.get(f"x-mlflow-{own}", "") for name, own in names.items()}
    try:
        Verifier(key.encode()).verify(body, signed)
    except WebhookVerificationError:
        return False
    return True


@asynccontextmanager
async def empty_server(_endpoint: str) -> AsyncIterator[Place]:
    remove_all(SERVER[0])
    yield Place(SERVER[0], LOGIN)


EVENTS = (
    Subscription("model_version.created", None, None),
    Subscription("prompt_tag.set", None, None),
)
test_conformance = conformance(PLUGIN, empty_server, Samples(EVENTS, verify=verify))


@pytest.fixture
def repository(tmp_path: Path, server: str) -> ProductRepository:
    remove_all(server)
    env = {"MLFLOW_LOGIN": LOGIN, "HOOK_KEY": KEY}
    secrets = (LOGIN.partition(":")[2], KEY, NEW_KEY)
    return ProductRepository(tmp_path, TENANT.format(url=server), WEBHOOK, env, secrets)


def test_sixty_are_created_and_the_second_plan_is_empty(
    repository: ProductRepository, server: str
) -> None:
    by_hand = {"name": "by-hand", "url": "https://by-hand.example.com/x"}
    events = [{"entity": "PROMPT", "action": "CREATED"}]
    call(server, "POST", body={**by_hand, "events": events})
    [unmanaged] = list_webhooks(server)
    for number in range(60):
        repository.write(f"hook-{number:02}")
    created = repository.run("reconcile", "--yes")
    assert created.code == 0, created.out + created.err
    assert "No changes" in repository.run("plan").out
    assert len(list_webhooks(server)) == 61
    (repository.folder / "hook-07.yaml").unlink()
    assert repository.run("reconcile", "--yes").code == 0
    left = list_webhooks(server)
    assert {item["name"] for item in left} == {
        "by-hand",
        *(f"hook-{number:02}" for number in range(60) if number != 7),
    }
    assert unmanaged in left


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"name": "by-hand"}, "name"),
        ({"url": "https://elsewhere.example.com/"}, "url"),
        ({"status": "DISABLED"}, "enabled"),
        ({"description": "by hand\n{}"}, "description"),
        ({"events": [{"entity": "PROMPT", "action": "CREATED"}]}, "events"),
    ],
)
def test_an_edit_by_hand_is_found_and_repaired(
    repository: ProductRepository, server: str, edit: dict[str, Any], field: str
) -> None:
    repository.write("oncall")
    repository.run("reconcile", "--yes")
    [before] = list_webhooks(server)
    texts = {name: text for name, text in edit.items() if isinstance(text, str)}
    edit |= {name: text.format(before[name]) for name, text in texts.items()}
    call(server, "PATCH", f"/{before['webhook_id']}", edit)
    drift = repository.run("drift", "-o", "json")
    assert drift.code == 7
    assert field in drift.out
    repaired = repository.run("reconcile", "--yes")
    assert repaired.code == 0, repaired.out + repaired.err
    [after] = list_webhooks(server)
    moved = {"last_updated_timestamp", "events"}
    assert {name: after[name] for name in after if name not in moved} == {
        name: before[name] for name in before if name not in moved
    }
    assert sorted(map(str, after["events"])) == sorted(map(str, before["events"]))


def test_a_rename_is_one_update_of_the_same_webhook(
    repository: ProductRepository, server: str
) -> None:
    repository.write("before")
    repository.run("reconcile", "--yes")
    [before] = list_webhooks(server)
    (repository.folder / "before.yaml").unlink()
    repository.write("after", more="  previously: [before]\n")
    assert repository.run("reconcile", "--yes").code == 0
    [after] = list_webhooks(server)
    assert (after["webhook_id"], after["name"]) == (before["webhook_id"], "after")


def test_two_runs_at_once_lose_nothing(repository: ProductRepository, server: str) -> None:
    for number in range(4):
        repository.write(f"hook-{number}")
    repository.reconcile()
    before = {item["webhook_id"] for item in list_webhooks(server)}
    (repository.folder / "hook-3.yaml").unlink()
    repository.write("hook-2", "https://hooks.example.com/moved")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: repository.run("reconcile", "--yes"), range(2)))
    repository.reconcile()
    after = {item["webhook_id"]: item["url"] for item in list_webhooks(server)}
    assert after.keys() < before
    assert {url.rpartition("/")[2] for url in after.values()} == {"hook-0", "hook-1", "moved"}


def test_a_rotation_reaches_the_receiver(repository: ProductRepository) -> None:
    with Receiver() as receiver:
        repository.write("signed", receiver.url())
        assert repository.run("reconcile", "--yes").code == 0
        assert repository.run("test").code == 0
        repository.write("signed", receiver.url(), version="2")
        repository.env["HOOK_KEY"] = NEW_KEY
        assert repository.run("reconcile", "--yes").code == 0
        assert repository.run("test").code == 0
        first, second = (
            {name.lower(): value for name, value in request.headers}
            for request in receiver.requests
        )
        bodies = [request.body for request in receiver.requests]
    assert verify(first, bodies[0], KEY)
    assert verify(second, bodies[1], NEW_KEY)
    assert not verify(second, bodies[1], KEY)


def test_a_key_that_a_manifest_removes_is_removed(repository: ProductRepository) -> None:
    with Receiver() as receiver:
        repository.write("signed", receiver.url())
        repository.run("reconcile", "--yes")
        repository.remove_auth(repository.folder / "signed.yaml")
        assert repository.run("reconcile", "--yes").code == 0
        assert "No changes" in repository.run("plan").out
        assert repository.run("test").code == 0
        assert receiver.requests[-1].header("X-MLflow-Signature") is None


def test_what_the_server_refuses_is_an_error_before_anything_is_sent(
    repository: ProductRepository,
) -> None:
    repository.write("oncall")
    manifest = repository.folder / "oncall.yaml"
    text = manifest.read_text()
    for wrong, rule in (
        (text.replace("registered_model.created", "registered_model.creatd"), "provider/event"),
        (text.replace("spec:\n", "spec:\n  name: On call\n"), "provider/name"),
        (text.replace("type: signature, secret", "type: bearer, token"), "provider/auth"),
    ):
        manifest.write_text(wrong)
        ended = repository.run("validate")
        assert ended.code == 1
        assert f"[{rule}]" in ended.err
        assert "oncall.yaml:" in ended.err
