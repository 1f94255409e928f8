"""`test --via probe` sends what the product would send: each receiver verifies as the product's
documentation says, by Standard Webhooks' own package or by hmac alone.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.providers.probe_cases import ALLOW, CASES, Case
from tests.support import receiver as receivers
from tests.support.processes import Ended, run
from tests.support.receiver import Receiver, Request

TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {{name: {name}}}
spec:
  provider: {provider}
  url: https://product.example.com
  token: {{fromEnv: PRODUCT_TOKEN}}
  owner: platform
"""


WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {{name: ci}}
spec:
  url: {url}
  events: [{{type: {event}}}]
"""


def write(folder: Path, case: Case, url: str, auth: str | None = None, more: str = "") -> None:
    tenant = TENANT.format(name=case.provider, provider=case.provider)
    tenant += f"  target: {case.target}\n" if case.target else ""
    (folder / "tenant.yaml").write_text(tenant + more)
    text = WEBHOOK.format(url=url, event=case.event)
    text += f"  auth: {case.auth if auth is None else auth}\n"
    text += f"  options: {{{case.options}}}\n" if case.options else ""
    (folder / "hook.yaml").write_text(text)


def probe(folder: Path, case: Case, *options: str, key: int = 0) -> Ended:
    env = {"HOOK_KEY": case.keys[key], "PRODUCT_TOKEN": "token-of-the-product"}
    command = ("test", ".", "--via", "probe", *ALLOW, *options)
    ended = run(*command, cwd=folder, timeout=60, **env)
    for secret in (*case.keys, "token-of-the-product"):
        assert secret not in ended.out + ended.err
        assert secret.removeprefix("whsec_") not in ended.out + ended.err
    return ended


def lowered(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def receiver(case: Case, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """At `/verified` it takes what the first key signed, and no message twice if it can tell; at
    `/lax` everything.
    """

    def behave(handler: Any, body: bytes) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        sent = [item.header(case.identity) for item in handler.server.requests]
        is_new = not case.identity or sent.count(headers[case.identity]) == 1
        is_right = is_new and case.verify(headers, body, case.keys[0])
        handler.answer(200 if is_right else 401)

    monkeypatch.setitem(receivers.BEHAVIOURS, "/verified", behave)
    monkeypatch.setitem(receivers.BEHAVIOURS, "/lax", lambda handler, _body: handler.answer(200))
    with Receiver() as running:
        yield running


def test_a_receiver_of_the_product_accepts_a_probe(
    tmp_path: Path, case: Case, receiver: Receiver
) -> None:
    write(tmp_path, case, receiver.url("/verified"))
    ended = probe(tmp_path, case)
    assert ended.code == 0, ended.out + ended.err
    (request,) = receiver.requests
    for name, value in case.expected.items():
        assert [text for key, text in request.headers if key == name] == [value]
    assert request.header("Webhook-Test") == "true"
    assert request.header("Webhook-Id") is None
    names = [name.lower() for name, _ in request.headers]
    assert len(names) == len(set(names))


def test_a_probe_with_another_key_is_refused(
    tmp_path: Path, case: Case, receiver: Receiver
) -> None:
    write(tmp_path, case, receiver.url("/verified"))
    ended = probe(tmp_path, case, "-o", "json", key=1)
    assert ended.code == 8
    assert [item["verdict"] for item in ended.json["deliveries"]] == ["auth-refused"]


@pytest.mark.parametrize("path", ["/verified", "/lax"])
def test_check_auth_tries_what_the_signature_covers(
    tmp_path: Path, case: Case, receiver: Receiver, path: str
) -> None:
    write(tmp_path, case, receiver.url(path))
    ended = probe(tmp_path, case, "--check-auth", "-o", "json")
    checks = [item for item in ended.json["deliveries"] if item["check"] == "auth"]
    assert len(checks) == (3 if case.identity else 1)
    assert {item["passed"] for item in checks} == {path == "/verified"}
    assert ended.code == (0 if path == "/verified" else 8)
    if case.identity:
        found = [lowered(request) for request in receiver.requests]
        stamp = case.identity.replace("delivery-id", "timestamp").replace("-id", "-timestamp")
        assert int(found[2][stamp]) < time.time() - 3000
        assert found[3] == found[0]
        assert receiver.requests[3].body == receiver.requests[0].body


def test_a_webhook_without_authentication_gets_no_signature(
    tmp_path: Path, case: Case, receiver: Receiver
) -> None:
    write(tmp_path, case, receiver.url("/lax"), auth="{type: none}")
    ended = probe(tmp_path, case)
    if case.provider == "svix":  # it signs by a key of its own
        assert ended.code == 1
        assert "a key of its own, which no manifest has; use --via tenant" in ended.err
        return
    assert ended.code == 0, ended.out + ended.err
    names = {name.lower() for name, _ in receiver.requests[0].headers}
    assert not {name for name in names if "signature" in name or "token" in name}


def test_the_example_of_a_catalogue_is_the_body(
    tmp_path: Path, case: Case, receiver: Receiver
) -> None:
    body = {"id": "in_1", "text": "Ä & b"}
    name = case.event.strip('"')
    message = {"payload": {"type": "object"}, "examples": [{"payload": body}]}
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Product", "version": "1"},
        "channels": {"hooks": {"address": None, "messages": {name: message}}},
    }
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "catalog.yaml").write_text(json.dumps(document))
    write(tmp_path, case, receiver.url("/verified"), more="  catalog: api/catalog.yaml\n")
    ended = probe(tmp_path, case)
    assert ended.code == 0, ended.out + ended.err
    assert read_payload(receiver.requests[0]) == body


def read_payload(request: Request) -> Any:
    if request.header("Content-Type") == "application/x-www-form-urlencoded":
        return json.loads(parse_qs(request.body.decode())["payload"][0])
    return request.json


BODIES: dict[str, Any] = {
    "github": {
        "repository": {"full_name": "acme/api"},
        "sender": {"login": "ghost", "type": "User"},
    },
    "githubcontent_type: json": {
        "organization": {"login": "acme"},
        "sender": {"login": "ghost", "type": "User"},
        "zen": "A test of the reconciler.",
        "hook_id": 0,
    },
    "gitlab": {"object_kind": "merge_request", "project": {"path_with_namespace": "acme/api"}},
    "gitea": {"repository": {"full_name": "acme/api"}, "sender": {"login": "reconciler"}},
}


@pytest.mark.parametrize("case", [CASES[name] for name in BODIES], ids=list(BODIES))
def test_a_sample_has_what_every_event_has_and_nothing_that_is_not_known(
    tmp_path: Path, case: Case, receiver: Receiver
) -> None:
    write(tmp_path, case, receiver.url("/verified"))
    assert probe(tmp_path, case).code == 0
    assert read_payload(receiver.requests[0]) == BODIES[case.provider + case.options]


@pytest.mark.parametrize("case", [CASES["mlflow"]], ids=["mlflow"])
def test_a_sample_of_mlflow_has_the_members_of_its_event(
    tmp_path: Path, case: Case, receiver: Receiver
) -> None:
    write(tmp_path, case, receiver.url("/verified"))
    assert probe(tmp_path, case).code == 0
    body = receiver.requests[0].json
    assert (body["entity"], body["action"]) == ("model_version", "created")
    assert set(body["data"]) == {"name", "version", "source", "run_id", "tags", "description"}
    assert uuid.UUID(receiver.requests[0].header("X-MLflow-Delivery-Id"))


@pytest.mark.parametrize("case", [CASES["gitlab"]], ids=["gitlab"])
def test_a_body_that_only_the_product_can_make_is_not_sent(
    tmp_path: Path, case: Case, receiver: Receiver
) -> None:
    write(tmp_path, case, receiver.url("/verified"))
    path = tmp_path / "hook.yaml"
    path.write_text(path.read_text() + '  options: {custom_webhook_template: ""}\n')
    assert probe(tmp_path, case).code == 0
    path.write_text(path.read_text().replace('""', '\'{"text": "{{ref}}"}\''))
    ended = probe(tmp_path, case)
    assert ended.code == 1
    assert "by options.custom_webhook_template only its product can make the body" in ended.err
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("case", [CASES["github"]], ids=["github"])
def test_a_probe_of_several_products_needs_to_know_which(
    tmp_path: Path, case: Case, receiver: Receiver
) -> None:
    write(tmp_path, case, receiver.url("/verified"))
    second = TENANT.format(name="second", provider="github")
    (tmp_path / "second.yaml").write_text(second + "  target: {repository: acme/web}\n")
    unknown = probe(tmp_path, case)
    assert unknown.code == 64
    assert "choose one with --tenant NAME, or --all-tenants" in unknown.err
    assert probe(tmp_path, case, "--tenant", "second").code == 0
    assert probe(tmp_path, case, "--all-tenants").code == 0
    names = [read_payload(item)["repository"]["full_name"] for item in receiver.requests]
    assert sorted(names) == ["acme/api", "acme/web", "acme/web"]


@pytest.mark.parametrize("case", [CASES["github"]], ids=["github"])
def test_a_probe_checks_the_address_and_sends_nothing_to_a_forbidden_one(
    tmp_path: Path, case: Case, receiver: Receiver
) -> None:
    write(tmp_path, case, receiver.url("/verified"))
    env = {"HOOK_KEY": case.keys[0], "PRODUCT_TOKEN": "token-of-the-product"}
    ended = run("test", ".", "--via", "probe", "-o", "json", cwd=tmp_path, timeout=60, **env)
    assert [item["verdict"] for item in ended.json["deliveries"]] == ["blocked"]
    assert receiver.requests == ()


@pytest.mark.parametrize(
    ("product", "target", "event", "body"),
    [
        ("label-studio", "project: '1'", "TASKS_CREATED", {"action": "TASKS_CREATED"}),
        ("label-studio", "project: '1'", "'*'", {"action": "ANNOTATION_CREATED"}),
        (
            "pretix",
            "organizer: acme",
            "pretix.event.order.paid",
            {"notification_id": 0, "organizer": "acme", "action": "pretix.event.order.paid"},
        ),
    ],
)
def test_a_product_file_that_is_built_in_says_what_its_product_sends(
    tmp_path: Path, product: str, target: str, event: str, body: dict[str, Any]
) -> None:
    tenant = TENANT.format(name="here", provider="http")
    tenant += f"  product: {product}\n  target: {{{target}}}\n"
    (tmp_path / "tenant.yaml").write_text(tenant)
    with Receiver() as receiver:
        (tmp_path / "hook.yaml").write_text(WEBHOOK.format(url=receiver.url(), event=event))
        env = {"PRODUCT_TOKEN": "token-of-the-product"}
        ended = run("test", ".", "--via", "probe", *ALLOW, cwd=tmp_path, timeout=60, **env)
        assert ended.code == 0, ended.out + ended.err
        assert [request.json for request in receiver.requests] == [body]
