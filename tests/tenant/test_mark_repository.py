"""The repository in a webhook's mark: kept, checked, replaced with the mark, on the page, and in
the file.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.webhook import ManagedBy, Webhook
from reconciler.tenant.store.rows import webhooks
from reconciler.tenant.store.store import open_store
from reconciler.tenant.store.values.webhook import StoredWebhook
from tests.support.database import database_of
from tests.tenant.harness import Tenant, tenant, with_tenant
from tests.tenant.page.visitor import visitor

REPOSITORY = "forge.example/acme/webhooks"
MARK = {
    "owner": "payments",
    "key": "one",
    "sources": ["a.yaml"],
    "revision": "4fd1c2e",
    "repository": REPOSITORY,
}


def test_it_is_returned_as_it_was_sent_and_null_where_it_was_not(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        named = await t.make("named", managed_by=MARK)
        unknown = await t.make("unknown", managed_by={"owner": "payments", "key": "two"})
        listed = (await t.call("GET", "/webhooks")).json()["items"]
        found = {item["name"]: item["managed_by"] for item in listed}
        assert found["named"] == named["managed_by"] == MARK
        assert found["unknown"] == unknown["managed_by"]
        assert found["unknown"] == {
            "owner": "payments",
            "key": "two",
            "sources": [],
            "revision": None,
            "repository": None,
        }

    with_tenant(tmp_path, story)


def test_a_patch_replaces_the_mark_as_a_whole_and_changes_the_revision(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        made = await t.make("one", managed_by=MARK)
        path = f"/webhooks/{made['id']}"

        async def patched(mark: dict[str, Any]) -> dict[str, Any]:
            answer = await t.call("PATCH", path, {"managed_by": mark}, If_Match="*")
            assert answer.status_code == 200
            body: dict[str, Any] = answer.json()
            return body

        same = await patched(MARK)
        other = await patched({**MARK, "repository": "forge.example/acme/other"})
        gone = await patched({name: value for name, value in MARK.items() if name != "repository"})
        assert same["revision"] == made["revision"]
        assert [other["managed_by"]["repository"], gone["managed_by"]["repository"]] == [
            "forge.example/acme/other",
            None,
        ]
        assert len({made["revision"], other["revision"], gone["revision"]}) == 3

    with_tenant(tmp_path, story)


@pytest.mark.parametrize(
    "value",
    [
        *[
            "",
            "webhooks",
            "/acme/webhooks",
            "forge.example/",
            "https://forge.example/a/b",
            "git@forge.example:a/b",
            "Forge.example/a/b",
        ],
        *[
            "forge.example/a b",
            "forge.example/a\n",
            "forge.example/\u202ea",
            "forge.example/ü",
            "u:p@forge.example/a",
            "forge.example/a?t=1",
        ],
        *["forge.example/" + "a" * 1011, 7, ["forge.example/a"], {"host": "forge.example"}],
    ],
)
def test_what_is_no_repository_is_refused_at_its_field(tmp_path: Path, value: object) -> None:
    async def story(t: Tenant) -> None:
        body = {
            "name": "one",
            "url": "https://x.example",
            "managed_by": {**MARK, "repository": value},
        }
        answer = await t.call("POST", "/webhooks", body)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/managed_by/repository"]
        longest = "forge.example/" + "a" * 1010
        assert (await t.make("two", managed_by={**MARK, "repository": longest}))["managed_by"][
            "repository"
        ] == longest

    with_tenant(tmp_path, story)


def test_the_page_says_it_where_it_says_that_git_manages_the_webhook(tmp_path: Path) -> None:
    async def run() -> None:
        async with tenant(tmp_path) as made, visitor(made) as me:
            one = await made.make("one", managed_by=MARK)
            for page in (
                f"/settings/webhooks/{one['id']}",
                f"/settings/webhooks/{one['id']}/delete",
            ):
                assert f"of repository {REPOSITORY}, revision 4fd1c2e" in " ".join(
                    (await me.get(page)).text.split()
                )

    asyncio.run(run())


def test_a_mark_without_a_repository_and_no_mark_are_kept_in_the_file(tmp_path: Path) -> None:
    marks = (("a", ManagedBy("payments", "one", ("ä.yaml",))), ("b", None))
    with open_store(str(tmp_path / "tenant.db")) as store:
        for name, mark in marks:
            stored = StoredWebhook(name, 1, Webhook(name, "https://a.example"), managed_by=mark)
            database_of(store).write_now(lambda c, stored=stored: webhooks.insert(c, stored))
    for _ in range(2):
        with open_store(str(tmp_path / "tenant.db")):
            pass
    read = sqlite3.connect(tmp_path / "tenant.db")
    found = dict(read.execute("SELECT id, managed_by FROM webhooks"))
    read.close()
    assert json.loads(found["a"]) == ["payments", "one", ["ä.yaml"], None, None]
    assert found["b"] is None

    async def story(t: Tenant) -> None:
        items = {
            item["id"]: item["managed_by"]
            for item in (await t.call("GET", "/webhooks")).json()["items"]
        }
        assert items["a"] == {
            "owner": "payments",
            "key": "one",
            "sources": ["ä.yaml"],
            "revision": None,
            "repository": None,
        }

    with_tenant(tmp_path, story)
