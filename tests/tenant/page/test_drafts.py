"""What was typed into a form is kept for its session and its webhook, for half an hour, its secret
encrypted.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.tenant.store.rows import drafts, upkeep
from tests.support.database import database_of
from tests.tenant.harness import Clock, Tenant, receiver
from tests.tenant.page.filled import BEARER, CREATE, EVENTS, NEW, OLD, STARTED, get_path, step_2
from tests.tenant.page.visitor import Visitor, on_page, visitor, webhooks


def test_another_session_cannot_reach_a_draft(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint, visitor(made) as other:
            page = await me.press(
                await me.get(CREATE), "test", url=endpoint.url, auth="bearer", token=OLD
            )
            assert (await other.get(page.path)).status == 410
            mine = await other.get(CREATE)
            fields = {
                **mine.form("next").fields,
                "auth": "bearer",
                "url": endpoint.url,
                "action": "test",
            }
            stolen = await other.post(page.path, fields)
            assert stolen.error("token") == "Token is required"
            assert len(endpoint.heads) == 1
            assert (await me.get(page.path)).form("next").fields["url"] == endpoint.url

    on_page(tmp_path, story)


def test_after_half_an_hour_a_draft_is_gone_and_what_stands_in_the_form_is_kept(
    tmp_path: Path,
) -> None:
    clock = Clock()

    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.press(
            await step_2(me, auth="bearer", token=OLD),
            "add",
            event_type=STARTED,
            event_severity="info",
        )
        clock.now += drafts.SECONDS + 1
        gone = await me.get(page.path)
        assert (gone.status, "This form is no longer kept" in gone.text) == (410, True)
        page = await me.press(page, "save")
        assert page.error("token") == "Token is required"
        assert page.form("next").fields["name"] == "one"
        page = await me.press(page, "next", token=OLD)
        assert STARTED in page.text
        await me.press(page, "save")
        assert [item["name"] for item in await webhooks(made)] == ["one"]

    on_page(tmp_path, story, clock=clock)


def test_an_old_draft_is_removed_without_another_visit(tmp_path: Path) -> None:
    clock = Clock()

    async def story(made: Tenant, me: Visitor) -> None:
        await step_2(me, auth="bearer", token=OLD)
        for seconds, left in ((drafts.SECONDS - 1, 1), (1, 0)):
            clock.now += seconds
            await database_of(made.store).write(lambda c: upkeep.clean_up_some(c, clock.now))
            assert (
                await database_of(made.store).read(
                    lambda c: c.execute("SELECT COUNT(*) FROM drafts").fetchone()[0]
                )
                == left
            )

    on_page(tmp_path, story, clock=clock)


def test_a_session_keeps_only_its_last_drafts(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        blank = await me.get(CREATE)
        for _ in range(drafts.MOST + 5):
            await me.press(blank, "next", follow=False)
        assert (
            await database_of(made.store).read(
                lambda c: c.execute("SELECT COUNT(*) FROM drafts").fetchone()[0]
            )
            == drafts.MOST
        )

    on_page(tmp_path, story)


def test_a_draft_holds_texts_only_and_no_secret(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        await step_2(me, auth="basic", username="user", password=OLD)
        row = await database_of(made.store).read(
            lambda c: c.execute("SELECT fields, sealed FROM drafts").fetchone()
        )
        typed = json.loads(row["fields"])["typed"]
        assert {name: typed[name] for name in ("name", "auth", "username")} == {
            "name": "one",
            "auth": "basic",
            "username": "user",
        }
        assert not {"password", "token", "value"} & set(typed)
        assert OLD.encode() not in bytes(row["sealed"])

    on_page(tmp_path, story)


@pytest.mark.parametrize(
    "draft", ["nothing", "%00", "%ED%A0%80", "%FF", "x" * 3000, "..%2F..", "'"]
)
def test_an_unknown_draft_is_a_clear_page(tmp_path: Path, draft: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        for path in (f"{CREATE}/{draft}", f"{CREATE}/{draft}/events"):
            page = await me.get(path)
            assert page.status in {404, 410}, page.text

    on_page(tmp_path, story)


def test_a_draft_of_an_edit_is_forgotten_after_half_an_hour(tmp_path: Path) -> None:
    clock = Clock()

    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", auth=BEARER)
        page = await me.press(
            await me.get(get_path(one)), "test", token=NEW, url="http://127.0.0.1:1/"
        )
        clock.now += drafts.SECONDS + 1
        late = await me.get(page.path)
        assert "is forgotten" in late.text
        assert late.form("save").fields["url"] == one["url"]
        page = await me.press(page, "save", description="typed late")
        assert "must be given again" in page.error("token")
        assert page.form("save").fields["description"] == "typed late"

    on_page(tmp_path, story, clock=clock)


def test_a_draft_belongs_to_one_session_and_one_webhook(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint, visitor(made) as other:
            one, two = (
                await made.make("one", url=endpoint.url),
                await made.make("two", url=endpoint.url),
            )
            page = await me.press(await me.get(get_path(one)), "test", auth="bearer", token=NEW)
            draft = page.form("save").fields["draft"]
            for who, webhook in ((other, one), (me, two)):
                assert "is forgotten" in (await who.get(f"{get_path(webhook)}?draft={draft}")).text
                stolen = await who.press(
                    await who.get(get_path(webhook)), "test", draft=draft, auth="bearer"
                )
                assert stolen.error("token") == "Token is required"
                gone = await who.post(
                    get_path(webhook),
                    {**stolen.form("save").fields, "draft": draft, "action": "overwrite"},
                )
                assert gone.status == 410
            assert len(endpoint.heads) == 1
            assert (await me.get("/settings/webhooks/new/" + draft)).status == 410

    on_page(tmp_path, story)


def test_looking_at_another_period_keeps_a_draft_only_of_what_was_typed(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", auth=BEARER, description="two\r\nlines", events=EVENTS)
        page = await me.press(await me.get(get_path(one)), "period:30d")
        assert page.path == f"{get_path(one)}?period=30d"
        assert "Discard what was typed" not in page.text
        assert (
            await database_of(made.store).read(
                lambda c: c.execute("SELECT COUNT(*) FROM drafts").fetchone()[0]
            )
            == 0
        )
        for typed in ({"description": "typed"}, {"token": NEW}, {"event_severity": "info"}):
            page = await me.press(await me.get(get_path(one)), "period:30d", **typed)
            assert "Discard what was typed" in page.text
            assert "draft=" in page.path
            assert ('<details class="another" open>' in page.html) is ("event_severity" in typed)

    on_page(tmp_path, story)
