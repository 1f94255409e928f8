"""Two people at once: both versions are shown and nothing is written; a webhook that was deleted is
created again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tenant.harness import Tenant
from tests.tenant.page.filled import BEARER, EVENTS, MARK, NEW, get_path, read_again
from tests.tenant.page.visitor import Page, Visitor, on_page, visitor, webhooks


async def conflict(made: Tenant, me: Visitor, **fields: Any) -> tuple[dict[str, Any], Page]:
    one = await made.make("one", auth=BEARER, events=EVENTS, **fields)
    async with visitor(made) as other:
        mine, theirs = await me.get(get_path(one)), await other.get(get_path(one))
        await other.press(theirs, "save", description="theirs", url=one["url"])
        return one, await me.press(mine, "save", name="mine <b>", token=NEW)


def test_of_two_who_edit_the_second_sees_both_versions_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one, page = await conflict(made, me, managed_by=MARK)
        assert page.status == 409
        assert "Name differs mine <b> one" in page.text
        assert "Description differs empty theirs" in page.text
        assert "Secret differs a new one set" in page.text
        assert "Managed by Git" in page.text
        after = await read_again(made, one)
        assert (after["name"], after["description"], after["revision"]) == ("one", "theirs", "2")
        assert NEW not in page.html

    on_page(tmp_path, story)


def test_after_a_conflict_ones_own_version_can_be_saved_over_the_other(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one, page = await conflict(made, me)
        page = await me.press(page, "overwrite")
        assert "The changes were saved." in page.text
        after = await read_again(made, one)
        assert (after["name"], after["description"], after["revision"]) == ("mine <b>", "", "3")

    on_page(tmp_path, story)


def test_a_third_save_between_conflict_and_overwriting_is_a_conflict_again(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one, page = await conflict(made, me)
        assert (
            await made.patch(await read_again(made, one), {"description": "third"})
        ).status_code == 200
        page = await me.press(page, "overwrite")
        assert (page.status, "Description differs empty third" in page.text) == (409, True)
        assert (await read_again(made, one))["name"] == "one"

    on_page(tmp_path, story)


def test_a_webhook_deleted_during_an_edit_can_be_created_again_with_the_typed_values(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", events=EVENTS)
        page = await me.get(get_path(one))
        await made.call("DELETE", f"/webhooks/{one['id']}", If_Match="*")
        page = await me.press(page, "save", description="typed")
        assert (page.status, "Deleted by somebody else" in page.text) == (404, True)
        link = page.html.split('class="button primary" href="')[1].split('"')[0]
        page = await me.press(await me.get(link), "next")
        await me.press(page, "save")
        [again_] = await webhooks(made)
        assert (again_["name"], again_["description"], again_["events"]) == ("one", "typed", EVENTS)

    on_page(tmp_path, story)
