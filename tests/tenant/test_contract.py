"""Sentences of the contract that no other file holds: nulls, order of checks, owners, unreadable
credentials, examples.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.tenant.api.openapi import DOCUMENT
from reconciler.tenant.times import parse_time
from tests.support.database import database_of
from tests.tenant.documented import faults
from tests.tenant.harness import BEARER, EVENT, Tenant, with_tenant

MARK = {"owner": "payments", "key": "one", "sources": ["a.yaml"], "revision": None}
KEY = {"type": "apiKey", "header": "X-Key", "value": "sesame-key-4711"}
BASIC = {"type": "basic", "username": "ann", "password": "sesame-word-4711"}


def _without(auth: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An authentication without its secret."""
    return {
        name: value for name, value in auth.items() if name not in {"token", "value", "password"}
    } | more


def test_null_is_the_default_where_there_is_one(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        nulls = dict.fromkeys(("description", "auth", "events", "managed_by", "protected"))
        plain = await t.make("two", **nulls)
        full = {
            "description": "d",
            "auth": BEARER,
            "events": [EVENT],
            "managed_by": MARK,
            "protected": True,
        }
        one = (await t.patch(await t.make("one", **full), nulls)).json()
        assert {name: one[name] for name in nulls} == {name: plain[name] for name in nulls}
        assert (plain["events"], plain["protected"], plain["managed_by"]) == ([], False, None)
        for name in ("name", "url", "enabled"):
            refused = await t.patch(one, {name: None})
            assert [error["pointer"] for error in refused.json()["errors"]] == [f"/{name}"]

    with_tenant(tmp_path, story)


@pytest.mark.parametrize(
    "body", [b'{"name": "\\ud800"}', b'{"\\udfff": 1}', b'{"name": "\\u202e"}', b"[]", b"7"]
)
def test_a_field_at_fault_comes_after_everything_about_the_webhook(
    tmp_path: Path, body: bytes
) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make(managed_by=MARK)
        path, other = (
            f"/webhooks/{one['id']}",
            t.store.create_token("x", ["Webhooks: Write"], "search"),
        )
        assert (await t.call("PATCH", "/webhooks/none", body)).status_code == 404
        assert (await t.call("PATCH", path, body, token=other)).status_code == 403
        assert (await t.call("PATCH", path, body)).status_code == 428
        assert (await t.call("PATCH", path, body, If_Match='"9"')).status_code == 412
        assert (await t.call("PATCH", path, body, If_Match="*")).status_code == 422

    with_tenant(tmp_path, story)


@pytest.mark.parametrize(
    ("tag", "status"),
    [('"1"', 200), ('"7", "1"', 200), ("*", 200), ('W/"1"', 412), ("", 412), ("1", 412)],
)
def test_if_match_takes_strong_tags_lists_and_the_star(
    tmp_path: Path, tag: str, status: int
) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make()
        assert (await t.patch(one, {"description": "d"}, If_Match=tag)).status_code == status
        assert (
            await t.call("DELETE", f"/webhooks/{one['id']}", If_Match='W/"2"')
        ).status_code == 412

    with_tenant(tmp_path, story)


KEPT: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    (BEARER, {"auth": _without(BEARER)}, None),
    (BEARER, {"url": "https://other.example"}, "/auth/token"),
    (BEARER, {"url": "https://hooks.example.com/a/", "auth": _without(BEARER)}, "/auth/token"),
    (BEARER, {"auth": _without(BASIC)}, "/auth/password"),
    (BASIC, {"auth": _without(BASIC, username="bob")}, None),
    (BASIC, {"auth": _without(KEY)}, "/auth/value"),
    (KEY, {"auth": _without(KEY, header="x-KEY")}, None),
    (KEY, {"auth": _without(KEY, header="X-Other")}, "/auth/value"),
    (KEY, {"url": "https://other.example", "auth": {"type": "none"}}, None),
    (KEY, {"url": "https://other.example", "auth": KEY}, None),
]


@pytest.mark.parametrize(("stored", "body", "pointer"), KEPT)
def test_a_stored_secret_stays_only_for_its_url_type_and_header(
    tmp_path: Path, stored: dict[str, Any], body: dict[str, Any], pointer: str | None
) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make(auth=stored)
        tested = {"url": one["url"], **body}
        test = await t.call("POST", "/webhooks/test", {"webhook": tested, "id": one["id"]})
        patched = await t.patch(one, body)
        found = [
            answer.json()["errors"][0]["pointer"]
            for answer in (test, patched)
            if answer.status_code == 422
        ]
        assert found == ([] if pointer is None else [f"/webhook{pointer}", pointer])
        assert (patched.status_code, test.status_code) == (
            (200, 200) if pointer is None else (422, 422)
        )

    with_tenant(tmp_path, story)


def test_another_owners_token_neither_tests_nor_sends_again_with_a_stored_credential(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make(auth=BEARER, managed_by=MARK)
        path, token = (
            f"/webhooks/{one['id']}",
            t.store.create_token("x", ["Webhooks: Write"], "search"),
        )
        span = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
        same = {"webhook": {"url": one["url"]}, "id": one["id"]}
        calls = [
            (f"{path}/test", None),
            ("/webhooks/test", same),
            (f"{path}/redeliver", span),
            (f"{path}/deliveries/x/redeliver", None),
        ]
        for place, body in calls:
            answer = await t.call("POST", place, body, token=token)
            assert (answer.status_code, answer.json()["type"]) == (403, "owner"), place
        free = await t.patch(one, {"managed_by": None})
        assert (await t.call("POST", f"{path}/redeliver", span, token=token)).status_code == 202
        taken = await t.call(
            "PATCH",
            path,
            {"managed_by": {**MARK, "owner": "search"}},
            token=token,
            If_Match=free.headers["ETag"],
        )
        assert taken.json()["managed_by"]["owner"] == "search"

    with_tenant(tmp_path, story)


def test_a_credential_that_was_moved_to_another_webhook_is_not_sent_and_can_be_given_again(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant) -> None:
        one, two = (
            await t.make("one", auth=BEARER),
            await t.make("two", auth={**BEARER, "token": "another-4711"}),
        )
        sealed = await database_of(t.store).read(
            lambda c: dict(tuple(row) for row in c.execute("SELECT id, sealed FROM webhooks"))
        )
        swapped = [(sealed[two["id"]], one["id"]), (sealed[one["id"]], two["id"])]
        await database_of(t.store).write(
            lambda c: c.executemany("UPDATE webhooks SET sealed = ? WHERE id = ?", swapped)
        )
        for webhook in (one, two):
            answer = await t.call("POST", f"/webhooks/{webhook['id']}/test")
            assert (answer.status_code, answer.json()["type"]) == (500, "credential")
            assert (await t.patch(webhook, {"auth": BEARER})).status_code == 200
            assert (await t.call("POST", f"/webhooks/{webhook['id']}/test")).status_code == 200

    with_tenant(tmp_path, story)


def test_a_credential_that_cannot_be_read_stands_in_the_way_of_sending_only(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make(auth=BEARER, events=[EVENT])
        await database_of(t.store).write(
            lambda c: c.execute("UPDATE webhooks SET sealed = ?", (bytes(40),))
        )
        kept = {"auth": _without(BEARER, credential_version="1")}
        for body in (
            {"enabled": False},
            {"name": "two"},
            kept,
            {"description": "d", **kept},
            {"enabled": True},
        ):
            answer = await t.patch(one, body)
            assert answer.status_code == 200, body
            one = answer.json()
        assert (one["name"], one["revision"]) == ("two", "5")
        test = await t.call("POST", f"/webhooks/{one['id']}/test")
        assert (test.status_code, test.json()["type"]) == (500, "credential")
        unsaved = await t.call(
            "POST", "/webhooks/test", {"webhook": {"url": one["url"]}, "id": one["id"]}
        )
        assert (unsaved.status_code, unsaved.json()["type"]) == (500, "credential")
        await t.call("POST", "/events", {**EVENT, "event": {}})
        await t.engine.wait_until_idle()
        listed = (await t.call("GET", f"/webhooks/{one['id']}/deliveries")).json()["items"]
        assert [attempt["verdict"] for attempt in listed[0]["attempts"]] == ["interrupted"]
        moved = await t.patch(one, {"url": "https://other.example"})
        assert (moved.status_code, moved.json()["errors"][0]["pointer"]) == (422, "/auth/token")
        assert (await t.patch(one, {"auth": BEARER})).status_code == 200

    with_tenant(tmp_path, story)


def test_two_authorization_headers_are_no_authorization(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        token = t.store.create_token("x", ["Webhooks: Read"])
        both = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]
        assert (
            await t.http.get("http://t/public-api/v1/webhooks", headers=both[:1])
        ).status_code == 200
        assert (
            await t.http.get("http://t/public-api/v1/webhooks", headers=both)
        ).status_code == 401

    with_tenant(tmp_path, story)


MOMENTS = [
    ("2026-01-31T12:00:00Z", True),
    ("2026-01-31t12:00:00.123456789z", True),
    ("2026-01-31T12:00:00+05:30", True),
    ("2026-01-31T12:00:00", False),
    ("2026-01-31 12:00:00Z", False),
    ("20260131T120000Z", False),
    ("2026-W05-6T12:00Z", False),
    ("2026-02-30T12:00:00Z", False),
    ("2026-01-31T12:00:00Z\n", False),
]


@pytest.mark.parametrize(("text", "fine"), MOMENTS)
def test_a_moment_is_rfc_3339_and_nothing_else(text: str, fine: bool) -> None:
    assert (parse_time(text) is not None) is fine


def test_a_lone_surrogate_anywhere_in_an_event_is_refused_and_nesting_ends_at_64(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant) -> None:
        answer = await t.call(
            "POST", "/events", {**EVENT, "event": {"a": [1, "\ud800"], "b\udfff": 1}}
        )
        assert [error["pointer"] for error in answer.json()["errors"]] == [
            "/event/b\udfff",
            "/event/a/1",
        ]
        for levels, status in ((62, 202), (63, 400)):
            deep: Any = 1
            for _ in range(levels):
                deep = [deep]
            assert (
                await t.call("POST", "/events", {**EVENT, "event": {"a": deep}})
            ).status_code == status

    with_tenant(tmp_path, story)


def _examples(node: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Every schema with an example of its own or beside it."""
    if not isinstance(node, dict):
        return (
            [found for item in node for found in _examples(item, path)]
            if isinstance(node, list)
            else []
        )
    own = (
        [(path, node.get("schema", node), node["example"])]
        if "example" in node and not path.endswith("/properties")
        else []
    )
    return own + [
        found
        for name, inner in node.items()
        if name != "example"
        for found in _examples(inner, f"{path}/{name}")
    ]


def test_every_example_of_the_document_fits_its_schema() -> None:
    found = _examples(DOCUMENT)
    assert len(found) > 50
    assert [
        (path, faults(schema, example))
        for path, schema, example in found
        if faults(schema, example)
    ] == []
    assert "sesame" not in json.dumps(DOCUMENT)
