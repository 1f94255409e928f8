"""Editing on the page: every setting, the stored secret's rules, tests with unsaved values."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.database import database_of
from tests.tenant.harness import Tenant, receiver
from tests.tenant.page.filled import (
    API_KEY,
    BEARER,
    EVENTS,
    MARK,
    NEW,
    OLD,
    STARTED,
    get_path,
    read_again,
)
from tests.tenant.page.visitor import Visitor, dump, on_page


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
        page = await me.press(await me.get(get_path(full)), "save")
        assert page.path == get_path(full) + "?said=unchanged"
        assert await read_again(made, full) == full

    on_page(tmp_path, story)


def test_every_setting_can_be_edited(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", events=EVENTS, protected=True)
        page = await me.press(await me.get(get_path(one)), "Remove " + STARTED)
        assert await read_again(made, one) == one
        page = await me.press(
            page, "add-other", other_type="acme:done", other_version="v1", other_severity="loud"
        )
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
        page = await me.post(get_path(one), {**form, **typed, "action": "save"}, follow=True)
        assert "The changes were saved." in page.text
        after = await read_again(made, one)
        assert (after["name"], after["url"], after["description"]) == (
            "two",
            "https://b.example/",
            "d",
        )
        assert after["auth"] == {"type": "basic", "username": "u", "credential_version": None}
        assert after["events"] == [{"type": "acme:done", "version": "v1", "severity": "loud"}]
        assert (after["enabled"], after["protected"], after["revision"]) == (False, False, "2")
        assert NEW not in dump(made)

    on_page(tmp_path, story)


def test_a_stored_secret_is_shown_as_set_and_stays_when_nothing_is_typed(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint:
            one = await made.make("one", url=endpoint.url, auth=BEARER, managed_by=MARK)
            page = await me.get(get_path(one))
            assert "Set; it is never shown." in page.text
            assert OLD not in page.html
            await me.press(page, "save", description="other")
            after = await read_again(made, one)
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
            page = await me.press(await me.get(get_path(one)), button, **typed)
            assert (
                "must be given again: the stored one is for another url, type or header"
                in page.error(field)
            )
            assert await read_again(made, one) == one
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
            page = await me.press(
                await me.get(get_path(one)), "test", token=NEW, description="kept"
            )
            assert "Test delivered" in page.text
            assert page.form("save").fields["description"] == "kept"
            page = await me.press(page, "test", token="")
            assert [f"Authorization: Bearer {NEW}" in head for head in endpoint.heads] == [
                True,
                True,
            ]
            assert await read_again(made, one) == one
            await me.press(page, "save")
            after = await read_again(made, one)
            assert (after["description"], after["auth"]["credential_version"]) == ("kept", None)
            await made.call("POST", f"/webhooks/{one['id']}/test", {})
            assert f"Authorization: Bearer {NEW}" in endpoint.heads[2]
            assert NEW not in dump(made)

    on_page(tmp_path, story)


def test_a_managed_webhook_says_so_with_sources_and_revision(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", managed_by={**MARK, "sources": ["<b>.yaml", "b.yaml"]})
        page = await me.get(get_path(one))
        where = "<b>.yaml, b.yaml of repository forge.example/acme/webhooks"
        assert (
            f"Declared as payments-oncall by owner payments in {where}, revision 4fd1c2e."
            in page.text
        )
        assert "the next reconcile puts it back" in page.text
        assert "whether it is enabled is put back only if the manifest says enabled" in page.text
        assert "put back only if" not in (await me.get(f"{get_path(one)}/delete")).text
        assert "Managed by Git" not in (await me.get(get_path(await made.make("two")))).text

    on_page(tmp_path, story)


def test_a_taken_name_is_an_error_at_the_name(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        await made.make("two")
        page = await me.press(await me.get(get_path(one)), "save", name="two")
        assert page.error("name") == "Name is taken: another webhook has it"

    on_page(tmp_path, story)


@pytest.mark.parametrize("left_out", ["events", "revision"])
def test_a_form_without_its_hidden_fields_changes_nothing(tmp_path: Path, left_out: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", events=EVENTS)
        fields = {**(await me.get(get_path(one))).form("save").fields, "description": "x"}
        del fields[left_out]
        assert (await me.post(get_path(one), fields)).status in {400, 409}
        assert await read_again(made, one) == one

    on_page(tmp_path, story)


@pytest.mark.parametrize("webhook_id", ["nothing", "%00", "%ED%A0%80", "x" * 3000])
def test_an_unknown_webhook_is_a_clear_page(tmp_path: Path, webhook_id: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        for path in (f"/settings/webhooks/{webhook_id}", f"/settings/webhooks/{webhook_id}/delete"):
            assert (await me.get(path)).status == 404

    on_page(tmp_path, story)


def test_a_stored_secret_that_cannot_be_read_is_asked_for_by_a_test_and_not_by_a_rename(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", auth=BEARER)
        assert "cannot read it any more" not in (await me.get(get_path(one))).text
        await database_of(made.store).write(
            lambda c: c.execute("UPDATE webhooks SET sealed = ?", (bytes(40),))
        )
        page = await me.get(get_path(one))
        assert (
            "Set, but the tenant cannot read it any more, so nothing can be delivered: "
            "type it again." in page.text
        )
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
