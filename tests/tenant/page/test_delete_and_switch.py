"""Deleting with its confirmation, and the switch of the list: both only for the revision that was
shown.
"""

from __future__ import annotations

from pathlib import Path

from tests.tenant.harness import EVENT, Tenant, receiver
from tests.tenant.page.filled import MARK, get_path, read_again
from tests.tenant.page.visitor import Visitor, on_page, webhooks

LIST = "/settings/webhooks"


def test_a_delete_names_the_webhook_and_its_use_and_is_done_by_a_button(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint:
            one = await made.make("one <b>", url=endpoint.url, events=[EVENT])
            await made.call("POST", "/events", {**EVENT, "event": {}})
            await made.engine.wait_until_idle()
            page = await me.get(get_path(one) + "/delete")
            assert "Delete one <b>?" in page.text
            assert "Last 24 hours 1 successful, 0 failed" in page.text
            assert "Since it was made 1 successful, 0 failed" in page.text
            assert "Waiting 0 deliveries" in page.text
            assert len(await webhooks(made)) == 1
            page = await me.press(page, "Yes, proceed")
            assert page.path == f"{LIST}?said=deleted"
            assert await webhooks(made) == []

    on_page(tmp_path, story)


def test_a_webhook_that_changed_since_is_shown_again_before_it_is_deleted(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        page = await me.get(get_path(one) + "/delete")
        await made.patch(one, {"name": "now important"})
        page = await me.press(page, "Yes, proceed")
        assert (page.status, "Nothing was deleted" in page.text, "now important" in page.text) == (
            409,
            True,
            True,
        )
        assert len(await webhooks(made)) == 1
        await me.press(page, "Yes, proceed")
        assert await webhooks(made) == []

    on_page(tmp_path, story)


def test_a_protected_webhook_has_no_button_and_is_not_deleted(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        page = await me.get(get_path(one) + "/delete")
        held = (await made.patch(one, {"protected": True})).json()
        fields = {**page.form("Yes, proceed").fields, "revision": held["revision"]}
        refused = await me.post(get_path(one) + "/delete", fields)
        assert (refused.status, "This webhook is protected" in refused.text) == (409, True)
        assert "Yes, proceed" not in refused.text
        assert len(await webhooks(made)) == 1
        form = (await me.get(get_path(one))).form("save").fields
        await me.post(
            get_path(one), {name: text for name, text in form.items() if name != "protected"}
        )
        await me.press(await me.get(get_path(one) + "/delete"), "Yes, proceed")
        assert await webhooks(made) == []

    on_page(tmp_path, story)


def test_deleting_what_is_gone_is_said_and_no_error(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.get(get_path(await made.make("one")) + "/delete")
        await me.press(page, "Yes, proceed")
        assert "had been deleted already" in (await me.press(page, "Yes, proceed")).text

    on_page(tmp_path, story)


def test_deleting_what_git_manages_warns_that_it_comes_back(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.get(get_path(await made.make("one", managed_by=MARK)) + "/delete")
        assert (
            "in webhooks/payments.yaml of repository forge.example/acme/webhooks, revision 4fd1c2e."
            in page.text
        )
        assert "the next reconcile creates it again: remove its manifest instead" in page.text

    on_page(tmp_path, story)


def test_the_switch_disables_and_enables_and_comes_back_to_the_same_list(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", managed_by=MARK)
        page = await me.press(await me.get(f"{LIST}?search=on"), "Disable")
        assert page.path.startswith(f"{LIST}?search=on&page=1&said=disabled")
        off = await read_again(made, one)
        assert (off["enabled"], off["managed_by"]) == (False, MARK)
        await me.press(page, "Enable")
        assert (await read_again(made, one))["enabled"] is True

    on_page(tmp_path, story)


def test_a_switch_of_what_changed_since_asks_again_with_what_it_is_now(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        page = await me.get(LIST)
        await made.patch(one, {"name": "other"})
        page = await me.press(page, "Disable")
        assert (page.status, "Nothing was done" in page.text, "Disable other?" in page.text) == (
            409,
            True,
            True,
        )
        assert (await read_again(made, one))["enabled"] is True
        await me.press(page, "Disable it")
        assert (await read_again(made, one))["enabled"] is False

    on_page(tmp_path, story)


def test_a_switch_to_what_it_is_already_says_that_it_is(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        page = await me.get(LIST)
        await made.patch(one, {"enabled": False})
        assert "The webhook is disabled." in (await me.press(page, "Disable")).text
        assert (await read_again(made, one))["revision"] == "2"

    on_page(tmp_path, story)


def test_a_switch_that_says_nothing_or_nonsense_is_refused(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        fields = (await me.get(LIST)).form("Disable").fields
        for enabled in ("", "yes", "\x00"):
            assert (
                await me.post(get_path(one) + "/switch", {**fields, "enabled": enabled})
            ).status == 400
        assert (await me.post(LIST + "/nothing/switch", fields)).status == 404
        assert await read_again(made, one) == one

    on_page(tmp_path, story)
