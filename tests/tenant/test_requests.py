"""What holds for every route: tokens, scopes, bodies that are none, methods, and the OpenAPI
document.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from reconciler.tenant.api.openapi import DOCUMENT
from reconciler.tenant.api.openapi_operations import LINES
from reconciler.tenant.server.app import OPERATIONS
from reconciler.tenant.store.values.token import EVENTS, READ, SCOPES, WRITE
from tests.tenant.harness import EVENT, Tenant, tenant, with_tenant

GUARDED = [operation for operation in OPERATIONS if operation.scopes is not None]
BODIES = [operation for operation in OPERATIONS if operation.method in {"POST", "PATCH"}]
SCHEMA = Path(__file__).parents[2] / "schemas" / "openapi.json"


def _path(path: str, webhook_id: str = "x") -> str:
    return path.replace("{id}", webhook_id).replace("{delivery}", "y")


def _challenge(answer: Any) -> bool:
    return answer.headers["www-authenticate"].startswith("Bearer")


def test_every_route_wants_a_token_and_its_scope(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        made = {scope: t.store.create_token(scope, [scope]) for scope in SCOPES}
        expired = t.store.create_token("old", SCOPES, None, t.clock() - 1)
        for operation in GUARDED:
            for wrong in (None, "nonsense", "rct_a_b", expired, made[READ] + "x", "\u00e9"):
                given = {} if wrong is None or wrong.isascii() else {"Authorization": "Bearer x x"}
                answer = await t.call(
                    operation.method, _path(operation.path), token=None if given else wrong, **given
                )
                assert (answer.status_code, _challenge(answer)) == (401, True), operation
            for scope, token in made.items():
                answer = await t.call(operation.method, _path(operation.path), token=token)
                may = scope in operation.scopes or (scope == WRITE and READ in operation.scopes)
                assert (answer.status_code == 403) is not may, (operation, scope)
                assert may or operation.scopes[0] in answer.json()["detail"]
        for base in ("http://t/public-api/v1", "http://t"):
            assert (await t.http.get(f"{base}/healthz")).status_code == 200
            assert (await t.http.get(f"{base}/openapi.json")).json() == DOCUMENT

    with_tenant(tmp_path, story)


def test_a_revoked_token_is_refused_at_once(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        token = t.store.create_token("ci", [EVENTS])
        assert [(item.name, item.scopes) for item in t.store.list_tokens()] == [("ci", (EVENTS,))]
        assert (await t.call("GET", "/events", token=token)).json()["complete"] is False
        assert t.store.revoke_token("ci")
        assert not t.store.revoke_token("ci")
        assert (await t.call("GET", "/events", token=token)).status_code == 401

    with_tenant(tmp_path, story)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 415),
        (b"{", 400),
        (b'{"name": 1, "name": 2}', 400),
        (b'{"name": NaN}', 400),
        (b'{"name": 1e999}', 400),
        (b'{"name": ' + b"9" * 5000 + b"}", 400),
        (b"[" * 100_000, 400),
        (b"[" * 70 + b"]" * 70, 400),
        (b"\xff", 400),
        (b'{"name": "\\ud800"}', 422),
        (b'"' + b"x" * 300_000 + b'"', 413),
        (b"null", 422),
    ],
)
def test_a_body_that_is_no_good_is_refused(tmp_path: Path, body: bytes, status: int) -> None:
    async def story(t: Tenant) -> None:
        headers = {} if not body else {"Content_Type": "application/json; charset=utf-8"}
        answer = await t.call("POST", "/webhooks", body or None, **headers)
        assert answer.status_code == status
        assert answer.json()["status"] == status

    with_tenant(tmp_path, story)


def test_a_compressed_body_is_415_and_the_answer_says_that_only_plain_bodies_are_read(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant) -> None:
        body = gzip.compress(b'{"name": "one", "url": "https://hooks.example.com/a"}')
        answer = await t.call("POST", "/webhooks", body, Content_Encoding="gzip")
        assert (answer.status_code, answer.json()["type"]) == (415, "media-type")
        assert answer.headers["Accept-Encoding"] == "identity"
        assert (
            await t.call("POST", "/webhooks", gzip.decompress(body), Content_Encoding="identity")
        ).status_code == 201

    with_tenant(tmp_path, story)


def test_a_streamed_body_is_counted(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        async def parts() -> Any:
            for _ in range(300):
                yield b" " * 1024

        headers = {
            "Authorization": "Bearer local-token-with-every-scope",
            "Content-Type": "application/json",
        }
        answer = await t.http.post(
            "http://t/public-api/v1/webhooks", content=parts(), headers=headers
        )
        assert answer.status_code == 413

    with_tenant(tmp_path, story)


def test_another_method_is_405_and_another_path_404(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        answer = await t.call("PUT", "/webhooks/x")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET, PATCH")
        for path in ("/webhooks%0A", "/healthz%0A", "/webhooks/", "//webhooks", "/webhooks/a%2Fb"):
            assert (await t.call("GET", path)).status_code == 404, path
        missing = await t.call("GET", "/nothing")
        assert (missing.status_code, missing.json()["type"]) == (404, "not-found")
        assert missing.headers["content-type"] == "application/problem+json"

    with_tenant(tmp_path, story)


def test_an_unknown_host_is_misdirected_where_hosts_are_named(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        assert (await t.call("GET", "/events")).status_code == 200
        assert (await t.call("GET", "/events", Host="evil.example")).status_code == 421

    with_tenant(tmp_path, story, allowed_hosts=("tenant.test",))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                (
                    "name",
                    "url",
                    "auth",
                    "type",
                    "token",
                    "events",
                    "event",
                    "webhook",
                    "id",
                    "version",
                    "from",
                    "to",
                )
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(value=JSON)
def test_any_json_is_answered_without_a_server_error(value: Any) -> None:
    async def run(folder: Path) -> None:
        async with tenant(folder) as t:
            webhook = await t.make()
            for operation in BODIES:
                path = _path(operation.path, webhook["id"])
                answer = await t.call(
                    operation.method, path, json.dumps(value).encode(), If_Match="*"
                )
                assert answer.status_code < 500, (operation.path, answer.text)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


def test_the_openapi_document_is_valid_is_the_file_and_names_every_route() -> None:
    validate(DOCUMENT)
    assert json.loads(SCHEMA.read_text("utf-8")) == DOCUMENT
    assert {(line.method, line.path) for line in LINES} == {(o.method, o.path) for o in OPERATIONS}
    assert DOCUMENT["info"]["title"] == "Tenant webhooks"
    assert "own contract, not an Elastio API" in DOCUMENT["info"]["description"]


def test_every_operation_has_a_name_of_its_own_for_generated_clients() -> None:
    names = [
        operation["operationId"]
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
    ]
    assert len(names) == len(set(names)) == len(OPERATIONS)
    assert all(re.fullmatch(r"[a-z]+(?:[A-Z][a-z]+)*", name) for name in names)


def test_an_event_of_the_catalogue_can_be_subscribed_to(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        known = (await t.call("GET", "/events")).json()["events"]
        assert EVENT["type"] in [item["type"] for item in known]
        made = await t.make(
            events=[{"type": item["type"], "version": "v0", "severity": "info"} for item in known]
        )
        assert len(made["events"]) == len(known)

    with_tenant(tmp_path, story)
