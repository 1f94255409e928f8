"""Webhooks over the API: shapes, order of checks, revisions, secrets, owners."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.tenant.harness import BEARER, EVENT, LOCAL, Tenant, with_tenant

MARK = {
    "owner": "payments",
    "key": "one",
    "sources": ["a.yaml"],
    "revision": "4fd1c2e",
    "repository": "forge.example/acme/webhooks",
}


def test_a_created_webhook_has_defaults_a_strong_etag_and_no_secret(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        answer = await t.call(
            "POST",
            "/webhooks",
            {
                "name": "e\u0301",
                "url": "https://x.example",
                "auth": BEARER,
                "events": [EVENT],
                "managed_by": MARK,
            },
        )
        made = answer.json()
        assert answer.status_code == 201
        assert answer.headers["ETag"] == f'"{made["revision"]}"'
        assert answer.headers["Location"] == f"/public-api/v1/webhooks/{made['id']}"
        assert made["name"] == "\u00e9"
        assert made["auth"] == {"type": "bearer", "credential_version": "1"}
        assert (made["description"], made["enabled"], made["protected"]) == ("", True, False)
        assert made["managed_by"] == MARK
        assert made["invocations"]["last_day"] == {"succeeded": 0, "failed": 0}
        read = await t.call("GET", f"/webhooks/{made['id']}")
        assert read.json() == made
        assert "sesame" not in read.text + answer.text

    with_tenant(tmp_path, story)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"url": "ftp://x"}, "/url"),
        ({"enabled": None}, "/enabled"),
        ({"id": "x"}, "/id"),
        ({"a/b~": 1}, "/a~1b~0"),
        ({"events": {}}, "/events"),
        ({"events": [{"type": "a", "version": "v0"}]}, "/events/0/severity"),
        ({"events": [EVENT, EVENT]}, "/events/1"),
        ({"auth": {"type": "bearer"}}, "/auth/token"),
        ({"auth": {"type": "basic", "username": "a:b", "password": "x"}}, "/auth/username"),
        ({"auth": {"type": "apiKey", "header": "Host", "value": "x"}}, "/auth/header"),
        ({"auth": {"type": "bearer", "token": "\u00e9"}}, "/auth/token"),
        ({"auth": {"type": "what"}}, "/auth/type"),
        ({"auth": {"type": ["none"]}}, "/auth/type"),
        ({"managed_by": {"owner": "o", "key": "Not A Key"}}, "/managed_by/key"),
        ({"managed_by": {"owner": "o", "key": "k", "sources": [1]}}, "/managed_by/sources/0"),
    ],
)
def test_a_field_at_fault_is_named_by_its_pointer(
    tmp_path: Path, fields: dict[str, Any], pointer: str
) -> None:
    async def story(t: Tenant) -> None:
        answer = await t.call(
            "POST", "/webhooks", {"name": "one", "url": "https://x.example", **fields}
        )
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]

    with_tenant(tmp_path, story)


def test_checks_come_in_the_order_404_428_412_409_422(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        one, _ = await t.make("one"), await t.make("two")
        bad = {"name": "two", "url": "no"}
        path = f"/webhooks/{one['id']}"
        assert (await t.call("PATCH", "/webhooks/none", bad)).status_code == 404
        assert (await t.call("PATCH", path, bad)).status_code == 428
        for tag in ('"7"', 'W/"1"', "1"):
            assert (await t.call("PATCH", path, bad, If_Match=tag)).status_code == 412
        taken = await t.patch(one, bad)
        assert (taken.status_code, taken.json()["type"]) == (409, "name-taken")
        assert (await t.patch(one, {"url": "no"})).status_code == 422
        other = await t.patch(one, {"url": "no"}, Content_Type="application/json")
        assert (other.status_code, other.headers["Accept-Patch"]) == (
            415,
            "application/merge-patch+json",
        )
        assert (await t.call("GET", path)).json() == one

    with_tenant(tmp_path, story)


def test_a_patch_that_changes_nothing_keeps_the_revision_and_the_time(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make(auth=BEARER, events=[EVENT], managed_by=MARK)
        t.clock.now += 10
        same = await t.patch(
            one, {"name": "one", "auth": BEARER, "events": [EVENT], "managed_by": MARK}
        )
        assert (same.status_code, same.json()) == (200, one)
        for change in (
            {"description": "d"},
            {"auth": {**BEARER, "token": "other"}},
            {"auth": {**BEARER, "token": "other", "credential_version": "2"}},
            {"protected": True},
            {"managed_by": None},
            {"events": []},
            {"auth": None},
        ):
            before, t.clock.now = one, t.clock.now + 1
            one = (await t.patch(one, change)).json()
            assert one["revision"] != before["revision"], change
            assert one["updated_at"] > before["updated_at"]
        assert one["auth"] == {"type": "none"}

    with_tenant(tmp_path, story)


def test_a_patch_keeps_a_stored_secret_only_for_what_it_was_stored_for(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make(auth=BEARER)
        moved = await t.patch(one, {"url": "https://other.example"})
        assert moved.status_code == 422
        assert moved.json()["errors"][0]["pointer"] == "/auth/token"
        typed = await t.patch(one, {"auth": {"type": "apiKey", "header": "X-Key"}})
        assert typed.json()["errors"][0]["pointer"] == "/auth/value"
        assert (await t.patch(one, {"auth": {"type": "bearer"}})).json()["auth"][
            "credential_version"
        ] is None
        one = (await t.call("GET", f"/webhooks/{one['id']}")).json()
        assert (
            await t.patch(one, {"url": "https://other.example", "auth": BEARER})
        ).status_code == 200

    with_tenant(tmp_path, story)


def test_a_protected_webhook_is_deleted_only_after_a_patch_lifted_that(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make(protected=True)
        path = f"/webhooks/{one['id']}"
        refused = await t.call("DELETE", path, If_Match='"1"')
        assert (refused.status_code, refused.json()["type"]) == (409, "protected")
        assert (await t.call("DELETE", path)).status_code == 428
        assert (await t.patch(one, {"protected": False})).status_code == 200
        assert (await t.call("DELETE", path, If_Match='"2"')).status_code == 204
        assert (await t.call("GET", path)).status_code == 404

    with_tenant(tmp_path, story)


def test_a_token_with_an_owner_writes_only_for_that_owner(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        token = t.store.create_token("ci", ["Webhooks: Write"], "search")
        theirs, free = await t.make("a", managed_by=MARK), await t.make("b")
        ours = {**MARK, "owner": "search"}
        refused = await t.call(
            "PATCH", f"/webhooks/{theirs['id']}", {}, token=token, If_Match='"1"'
        )
        assert (refused.status_code, refused.json()["type"]) == (403, "owner")
        assert (
            await t.call("DELETE", f"/webhooks/{theirs['id']}", token=token, If_Match='"1"')
        ).status_code == 403
        for mark, status in ((MARK, 403), (ours, 200)):
            path, body = f"/webhooks/{free['id']}", {"managed_by": mark}
            marked = await t.call("PATCH", path, body, token=token, If_Match='"1"')
            assert marked.status_code == status
        made = await t.call(
            "POST",
            "/webhooks",
            {"name": "c", "url": "https://x.example", "managed_by": MARK},
            token=token,
        )
        assert made.status_code == 403

    with_tenant(tmp_path, story)


def test_a_listing_shows_what_stays_exactly_once_while_others_come_and_go(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        stay = {(await t.make(f"stay {n}"))["id"] for n in range(12)}
        gone = [await t.make(f"gone {n}") for n in range(4)]
        seen: list[str] = []
        cursor = ""
        while True:
            page = (await t.call("GET", f"/webhooks?limit=3{cursor}")).json()
            seen += [item["id"] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
            await t.make(f"new {len(seen)}")
            if gone:
                await t.call("DELETE", f"/webhooks/{gone.pop()['id']}", If_Match='"1"')
        assert seen == sorted(set(seen))
        assert stay <= set(seen)
        named = (await t.call("GET", "/webhooks?name=stay%203")).json()
        assert [item["name"] for item in named["items"]] == ["stay 3"]

    with_tenant(tmp_path, story)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=",
        "cursor=",
        "cursor=abc",
        "cursor=%C3%A9",
        "limit=1&limit=2",
    ],
)
def test_a_bad_limit_or_cursor_is_400(tmp_path: Path, query: str) -> None:
    async def story(t: Tenant) -> None:
        assert (await t.call("GET", f"/webhooks?{query}")).status_code == 400
        one, _ = await t.make("one"), await t.make("two")
        cursor = (await t.call("GET", "/webhooks?limit=1")).json()["next_cursor"]
        for path in ("/webhooks?name=one&", f"/webhooks/{one['id']}/deliveries?"):
            assert (await t.call("GET", f"{path}cursor={cursor}")).status_code == 400

    with_tenant(tmp_path, story)


def test_an_idempotency_key_makes_one_webhook(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        body = {"name": "one", "url": "https://x.example", "auth": BEARER}
        first = await t.call("POST", "/webhooks", body, Idempotency_Key="k")
        changed = (await t.patch(first.json(), {"description": "now"})).json()
        again = await t.call("POST", "/webhooks", dict(reversed(body.items())), Idempotency_Key="k")
        assert (again.status_code, again.json()) == (201, changed)
        other = await t.call("POST", "/webhooks", {**body, "name": "two"}, Idempotency_Key="k")
        assert (other.status_code, other.json()["type"]) == (422, "idempotency")
        token = t.store.create_token("other", ["Webhooks: Write"])
        assert (
            await t.call("POST", "/webhooks", body, token=token, Idempotency_Key="k")
        ).status_code == 409
        await t.call("DELETE", f"/webhooks/{changed['id']}", If_Match='"2"')
        assert (await t.call("POST", "/webhooks", body, Idempotency_Key="k")).status_code == 409
        t.clock.now += 86401
        assert (await t.call("POST", "/webhooks", body, Idempotency_Key="k")).json()[
            "id"
        ] != changed["id"]

    with_tenant(tmp_path, story)


def test_a_key_is_for_equal_json_however_it_is_written_and_not_kept_for_a_refusal(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant) -> None:
        assert (
            await t.call("POST", "/webhooks", {"name": "one"}, Idempotency_Key="k")
        ).status_code == 422
        first = await t.call(
            "POST", "/webhooks", {"name": "one", "url": "https://x.example"}, Idempotency_Key="k"
        )
        spaced = b'{ "url": "https:\\/\\/x.example",\n "name": "\\u006fne" }'
        again = await t.call("POST", "/webhooks", spaced, Idempotency_Key="k")
        assert (again.status_code, again.json(), again.headers["ETag"]) == (
            201,
            first.json(),
            first.headers["ETag"],
        )
        for keys in ([b""], [b"a b"], [b"k" * 256], [b"\xe9"], [b"n", b"n"]):
            refused = await t.http.post(
                "http://t/public-api/v1/webhooks",
                json={"name": "two", "url": "https://x.example"},
                headers=[
                    (b"Authorization", f"Bearer {LOCAL}".encode()),
                    *((b"Idempotency-Key", key) for key in keys),
                ],
            )
            assert refused.status_code == 400
        assert [item["name"] for item in (await t.call("GET", "/webhooks")).json()["items"]] == [
            "one"
        ]

    with_tenant(tmp_path, story)


def test_fifty_equal_creates_with_one_key_make_one_webhook(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        body = {"name": "one", "url": "https://x.example"}
        answers = await asyncio.gather(
            *(t.call("POST", "/webhooks", body, Idempotency_Key="k") for _ in range(50))
        )
        kinds = {(a.status_code, a.json().get("type")) for a in answers}
        assert kinds <= {(201, None), (409, "idempotency-in-progress")}
        assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
        assert len((await t.call("GET", "/webhooks")).json()["items"]) == 1

    with_tenant(tmp_path, story)


def test_of_two_racing_patches_exactly_one_wins(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        one = await t.make()
        answers = await asyncio.gather(*(t.patch(one, {"description": f"d{n}"}) for n in range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 412]

    with_tenant(tmp_path, story)
