"""Editing on the page: every setting, the stored secret's rules, tests with unsaved values, and two people at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.tenant.page import drafts
from tests.tenant.harness import Clock, Tenant, receiver
from tests.tenant.page.visitor import Page, Visitor, dump, on_page, visitor, webhooks

STARTED = "elastio:recovery-point:create:started"
EVENTS = [{"type": STARTED, "version": "v0", "severity": "info"}]
MARK = {"owner": "payments", "key": "payments-oncall", "sources": ["webhooks/payments.yaml"], "revision": "4fd1c2e"}
OLD, NEW = "sesame-open-4711", "another-one-0815"
BEARER = {"type": "bearer", "token": OLD, "credential_version": "7"}
API_KEY = {"type": "apiKey", "header": "X-API-Key", "value": OLD, "credential_version": "7"}


def at(webhook: dict[str, Any]) -> str:
    return f"/settings/webhooks/{webhook['id']}"


async def again(made: Tenant, webhook: dict[str, Any]) -> dict[str, Any]:
    return dict((await made.call("GET", f"/webhooks/{webhook['id']}")).json())


def test_saving_what_was_not_touched_changes_nothing(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        full = await made.make(
            "one",
            description="\n two\r\nlines\nthree",
            auth=BEARER,
            events=EVENTS,
            managed_by=MARK,
            protected=True,
            enabled=False,
        )
        page = await me.press(await me.get(at(full)), "save")
        assert page.path == at(full) + "?said=unchanged"
        assert await again(made, full) == full

    on_page(tmp_path, story)


def test_every_setting_can_be_edited(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", events=EVENTS, protected=True)
        page = await me.press(await me.get(at(one)), "Remove " + STARTED)
        assert await again(made, one) == one
        page = await me.press(page, "add-other", other_type="acme:done", other_version="v1", other_severity="loud")
        form = page.form("save").fields
        form = {name: text for name, text in form.items() if name not in {"enabled", "protected"}}
        typed = {
            "name": "two",
            "url": "https://b.example/",
            "description": "d",
            "auth": "basic",
            "username": "u",
            "password": NEW,
        }
        page = await me.post(at(one), {**form, **typed, "action": "save"}, follow=True)
        assert "The changes were saved." in page.text
        after = await again(made, one)
        assert (after["name"], after["url"], after["description"]) == ("two", "https://b.example/", "d")
        assert after["auth"] == {"type": "basic", "username": "u", "credential_version": None}
        assert after["events"] == [{"type": "acme:done", "version": "v1", "severity": "loud"}]
        assert (after["enabled"], after["protected"], after["revision"]) == (False, False, "2")
        assert NEW not in dump(made)

    on_page(tmp_path, story)


def test_a_stored_secret_is_shown_as_set_and_stays_when_nothing_is_typed(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint:
            one = await made.make("one", url=endpoint.url, auth=BEARER, managed_by=MARK)
            page = await me.get(at(one))
            assert "Set; it is never shown." in page.text
            assert OLD not in page.html
            await me.press(page, "save", description="other")
            after = await again(made, one)
            assert (after["auth"], after["managed_by"]) == (one["auth"], MARK)
            await made.call("POST", f"/webhooks/{one['id']}/test", {})
            assert f"Authorization: Bearer {OLD}" in endpoint.heads[0]

    on_page(tmp_path, story)


@pytest.mark.parametrize(
    ("auth", "typed", "field"),
    [
        (BEARER, {"url": "http://127.0.0.1:1/other"}, "token"),
        (BEARER, {"auth": "basic", "username": "u"}, "password"),
        (BEARER, {"auth": "apiKey", "header": "X-Key"}, "value"),
        (API_KEY, {"header": "X-Other"}, "value"),
    ],
)
@pytest.mark.parametrize("button", ["test", "save"])
def test_a_stored_secret_goes_only_where_it_was_stored_for(
    tmp_path: Path, auth: dict[str, str], typed: dict[str, str], field: str, button: str
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint:
            one = await made.make("one", url=endpoint.url, auth=auth)
            page = await me.press(await me.get(at(one)), button, **typed)
            assert "must be given again: the stored one is for another url, type or header" in page.error(field)
            assert await again(made, one) == one
            page = await me.press(page, "save", **{field: NEW, "url": endpoint.url})
            assert "The changes were saved." in page.text
            await made.call("POST", f"/webhooks/{one['id']}/test", {})
            assert len(endpoint.heads) == 1
            assert OLD not in endpoint.heads[0]

    on_page(tmp_path, story)


def test_an_unsaved_test_sends_what_is_typed_and_changes_nothing(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint:
            one = await made.make("one", url=endpoint.url, auth=BEARER)
            page = await me.press(await me.get(at(one)), "test", token=NEW, description="kept")
            assert "Test delivered" in page.text
            assert page.form("save").fields["description"] == "kept"
            page = await me.press(page, "test", token="")
            assert [f"Authorization: Bearer {NEW}" in head for head in endpoint.heads] == [True, True]
            assert await again(made, one) == one
            await me.press(page, "save")
            after = await again(made, one)
            assert (after["description"], after["auth"]["credential_version"]) == ("kept", None)
            await made.call("POST", f"/webhooks/{one['id']}/test", {})
            assert f"Authorization: Bearer {NEW}" in endpoint.heads[2]
            assert NEW not in dump(made)

    on_page(tmp_path, story)


async def conflict(made: Tenant, me: Visitor, **fields: Any) -> tuple[dict[str, Any], Page]:
    one = await made.make("one", auth=BEARER, events=EVENTS, **fields)
    async with visitor(made) as other:
        mine, theirs = await me.get(at(one)), await other.get(at(one))
        await other.press(theirs, "save", description="theirs", url=one["url"])
        return one, await me.press(mine, "save", name="mine <b>", token=NEW)


def test_of_two_who_edit_the_second_sees_both_versions_and_nothing_is_written(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one, page = await conflict(made, me, managed_by=MARK)
        assert page.status == 409
        assert "Name differs mine <b> one" in page.text
        assert "Description differs empty theirs" in page.text
        assert "Secret differs a new one set" in page.text
        assert "Managed by Git" in page.text
        after = await again(made, one)
        assert (after["name"], after["description"], after["revision"]) == ("one", "theirs", "2")
        assert NEW not in page.html

    on_page(tmp_path, story)


def test_after_a_conflict_ones_own_version_can_be_saved_over_the_other(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one, page = await conflict(made, me)
        page = await me.press(page, "overwrite")
        assert "The changes were saved." in page.text
        after = await again(made, one)
        assert (after["name"], after["description"], after["revision"]) == ("mine <b>", "", "3")

    on_page(tmp_path, story)


def test_a_third_save_between_conflict_and_overwriting_is_a_conflict_again(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one, page = await conflict(made, me)
        assert (await made.patch(await again(made, one), {"description": "third"})).status_code == 200
        page = await me.press(page, "overwrite")
        assert (page.status, "Description differs empty third" in page.text) == (409, True)
        assert (await again(made, one))["name"] == "one"

    on_page(tmp_path, story)


def test_a_webhook_that_was_deleted_meanwhile_can_be_created_again_with_what_was_typed(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", events=EVENTS)
        page = await me.get(at(one))
        await made.call("DELETE", f"/webhooks/{one['id']}", If_Match="*")
        page = await me.press(page, "save", description="typed")
        assert (page.status, "Deleted meanwhile" in page.text) == (404, True)
        link = page.html.split('class="button primary" href="')[1].split('"')[0]
        page = await me.press(await me.get(link), "next")
        await me.press(page, "save")
        [again_] = await webhooks(made)
        assert (again_["name"], again_["description"], again_["events"]) == ("one", "typed", EVENTS)

    on_page(tmp_path, story)


def test_a_draft_of_an_edit_is_forgotten_after_half_an_hour(tmp_path: Path) -> None:
    clock = Clock()

    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", auth=BEARER)
        page = await me.press(await me.get(at(one)), "test", token=NEW, url="http://127.0.0.1:1/")
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
            one, two = await made.make("one", url=endpoint.url), await made.make("two", url=endpoint.url)
            page = await me.press(await me.get(at(one)), "test", auth="bearer", token=NEW)
            draft = page.form("save").fields["draft"]
            for who, webhook in ((other, one), (me, two)):
                assert "is forgotten" in (await who.get(f"{at(webhook)}?draft={draft}")).text
                stolen = await who.press(await who.get(at(webhook)), "test", draft=draft, auth="bearer")
                assert stolen.error("token") == "Token is required"
                gone = await who.post(at(webhook), {**stolen.form("save").fields, "draft": draft, "action": "overwrite"})
                assert gone.status == 410
            assert len(endpoint.heads) == 1
            assert (await me.get("/settings/webhooks/new/" + draft)).status == 410

    on_page(tmp_path, story)


def test_a_managed_webhook_says_so_with_sources_and_revision(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", managed_by={**MARK, "sources": ["<b>.yaml", "b.yaml"]})
        page = await me.get(at(one))
        said = "Declared as payments-oncall by owner payments in <b>.yaml, b.yaml, revision 4fd1c2e."
        assert said in page.text
        assert "the next reconcile puts it back" in page.text
        assert "Managed by Git" not in (await me.get(at(await made.make("two")))).text

    on_page(tmp_path, story)


def test_a_taken_name_is_an_error_at_the_name(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        await made.make("two")
        page = await me.press(await me.get(at(one)), "save", name="two")
        assert page.error("name") == "Name is taken: another webhook has it"

    on_page(tmp_path, story)


@pytest.mark.parametrize("left_out", ["events", "revision"])
def test_a_form_without_its_hidden_fields_changes_nothing(tmp_path: Path, left_out: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", events=EVENTS)
        fields = {**(await me.get(at(one))).form("save").fields, "description": "x"}
        del fields[left_out]
        assert (await me.post(at(one), fields)).status in {400, 409}
        assert await again(made, one) == one

    on_page(tmp_path, story)


@pytest.mark.parametrize("webhook_id", ["nothing", "%00", "%ED%A0%80", "x" * 3000])
def test_an_unknown_webhook_is_a_clear_page(tmp_path: Path, webhook_id: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        for path in (f"/settings/webhooks/{webhook_id}", f"/settings/webhooks/{webhook_id}/delete"):
            assert (await me.get(path)).status == 404

    on_page(tmp_path, story)


def test_a_stored_secret_that_cannot_be_read_is_asked_for_by_a_test_and_not_by_a_rename(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", auth=BEARER)
        assert "cannot read it any more" not in (await me.get(at(one))).text
        await made.store.write(lambda c: c.execute("UPDATE webhooks SET sealed = ?", (bytes(40),)))
        page = await me.get(at(one))
        assert "Set, but the tenant cannot read it any more, so nothing can be delivered: type it again." in page.text
        page = await me.press(page, "save", name="renamed")
        assert "The changes were saved." in page.text
        page = await me.press(page, "test")
        assert page.error("token") == "Token cannot be read any more: type it again"
        page = await me.press(page, "save", url="https://elsewhere.example.com/")
        assert page.error("token").startswith("Token must be given again")
        page = await me.press(page, "save", url=one["url"], token=NEW)
        assert "The changes were saved." in page.text
        assert "cannot read it any more" not in page.text

    on_page(tmp_path, story)


def test_looking_at_another_period_keeps_a_draft_only_of_what_was_typed(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", auth=BEARER, description="two\r\nlines", events=EVENTS)
        page = await me.press(await me.get(at(one)), "period:30d")
        assert page.path == f"{at(one)}?period=30d"
        assert "Discard what was typed" not in page.text
        assert await made.store.read(lambda c: c.execute("SELECT COUNT(*) FROM drafts").fetchone()[0]) == 0
        for typed in ({"description": "typed"}, {"token": NEW}, {"event_severity": "info"}):
            page = await me.press(await me.get(at(one)), "period:30d", **typed)
            assert "Discard what was typed" in page.text
            assert "draft=" in page.path
            assert ('<details class="another" open>' in page.html) is ("event_severity" in typed)

    on_page(tmp_path, story)
