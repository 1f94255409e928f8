"""Forms that are refused, above all of a session that is over: nothing is done and nothing typed is
lost but its secret.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.tenant.page.routes import PAGES
from reconciler.tenant.page.session.visit import Page as Route
from reconciler.tenant.store.rows import drafts, sessions
from tests.support.database import database_of
from tests.tenant.harness import BEARER, EVENT, Clock, Tenant
from tests.tenant.page.filled import CREATE, get_path, read_again
from tests.tenant.page.visitor import ORIGIN, Page, Visitor, dump, on_page, visitor, webhooks

KEEPING = [page for page in PAGES if page.again is not None]
SECRETS = {"password": "sesame-open-4711", "token": "sesame-shut-4712", "value": "sesame-ajar-4713"}
TYPED = {
    "name": '"><script>alert(1)</script>',
    "url": "https://hooks.example.com/typed?a=1&b='",
    "description": "two\r\nlines",
    "auth": "basic",
    "username": "user",
    "header": "X-API-Key",
    "events": '[{"type":"acme:done","version":"v1","severity":"loud"}]',
}
FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


def make_signed_out_visitor(made: Tenant) -> Visitor:
    """Somebody whose session has ended; the browser still sends its cookie."""
    return Visitor(made, "a-session-that-is-over", "")


def address(page: Route, webhook: dict[str, Any]) -> str:
    return page.path.format(id=webhook["id"], draft="nothing")


def stands_there(page: Page, button: str) -> None:
    """Every text that was typed is in the form with this button, its markup is text, and no secret
    is anywhere.
    """
    fields = {name: text.replace("\r\n", "\n") for name, text in page.form(button).fields.items()}
    assert {name: fields[name] for name in TYPED} == {**TYPED, "description": "two\nlines"}
    assert "<script>alert" not in page.html
    nowhere(page)


def nowhere(page: Page) -> None:
    assert not [text for text in SECRETS.values() if text in page.html]


async def nothing_done(made: Tenant, webhook: dict[str, Any]) -> None:
    assert [item["id"] for item in await webhooks(made)] == [webhook["id"]]
    assert await read_again(made, webhook) == webhook
    assert (
        await database_of(made.store).read(
            lambda c: c.execute("SELECT COUNT(*) FROM drafts").fetchone()[0]
        )
        == 0
    )
    assert not [text for text in SECRETS.values() if text in dump(made)]


def test_the_addresses_that_show_a_form_again_are_those_of_a_webhooks_form() -> None:
    assert {(page.method, page.path) for page in KEEPING} == {
        ("POST", CREATE),
        ("POST", f"{CREATE}/{{draft}}"),
        ("POST", f"{CREATE}/{{draft}}/events"),
        ("POST", "/settings/webhooks/{id}"),
    }


@pytest.mark.parametrize("action", ["save", "next", "test", "add", "remove", "overwrite", ""])
@pytest.mark.parametrize("route", KEEPING, ids=lambda route: str(route.path))
def test_a_form_of_another_session_is_shown_again_and_nothing_is_done(
    tmp_path: Path, route: Route, action: str
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        async with visitor(made) as other:
            token = (await other.get(CREATE)).form("next").fields["csrf"]
        sent = {**TYPED, **SECRETS, "revision": "1", "action": action, "csrf": token}
        page = await me.post(address(route, one), sent)
        assert page.status == 403
        assert "opened in an earlier session. Nothing was saved." in page.text
        assert "A password, token or key that you typed is not kept: type it again." in page.text
        stands_there(page, "test")
        assert (
            page.form("test").fields["csrf"]
            == (await me.get(CREATE)).form("next").fields["csrf"]
            != token
        )
        await nothing_done(made, one)

    on_page(tmp_path, story)


@pytest.mark.parametrize("route", KEEPING, ids=lambda route: str(route.path))
def test_who_is_not_signed_in_any_more_sends_the_form_again_after_signing_in(
    tmp_path: Path, route: Route
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        page = await make_signed_out_visitor(made).post(
            address(route, one), {**TYPED, **SECRETS, "revision": "1", "csrf": "x"}
        )
        for _ in range(2):  # pressed too early, it is still there
            assert (page.status, "You are not signed in Nothing was done." in page.text) == (
                401,
                True,
            )
            assert "reconciler tenant login" in page.text
            stands_there(page, "Go on with what you typed")
            assert "csrf" not in page.form("Go on").fields
            page = await make_signed_out_visitor(made).press(page, "Go on with what you typed")
        page = await me.press(page, "Go on with what you typed")
        assert page.status == 403
        stands_there(page, "test")
        await nothing_done(made, one)

    on_page(tmp_path, story)


def test_a_new_webhook_is_added_in_the_next_session_after_its_secret_is_typed_again(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with visitor(made) as before:
            typed = {
                "name": "one",
                "url": "https://a.example/",
                "auth": "bearer",
                "token": "first-time",
            }
            page = await before.press(await before.get(CREATE), "next", **typed)
            page = await before.press(
                page, "add-other", other_type="acme:done", other_version="v1", other_severity="loud"
            )
        page = await me.press(page, "save", event_type=EVENT["type"])
        assert (page.status, "Select events" in page.text) == (403, True)
        assert page.form("save").fields["event_type"] == EVENT["type"]
        page = await me.press(page, "save", event_type="")
        assert page.error("token") == "Token is required"
        page = await me.press(page, "next", token="second-time")
        page = await me.press(page, "save")
        assert "The webhook was added." in page.text
        [one] = await webhooks(made)
        assert (one["name"], one["auth"]["type"], one["events"][0]["type"]) == (
            "one",
            "bearer",
            "acme:done",
        )

    on_page(tmp_path, story)


def test_an_edit_is_saved_in_the_next_session_and_the_stored_secret_stays(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", auth=BEARER, protected=True)
        async with visitor(made) as before:
            page = await before.get(get_path(one))
        fields = {
            name: text for name, text in page.form("save").fields.items() if name != "enabled"
        }
        page = await me.post(get_path(one), {**fields, "description": "typed", "action": "save"})
        assert (page.status, "Set; it is never shown." in page.text) == (403, True)
        assert "Discard what was typed" in page.text
        page = await me.press(page, "save")
        assert "The changes were saved." in page.text
        after = await read_again(made, one)
        assert (after["description"], after["enabled"], after["protected"], after["auth"]) == (
            "typed",
            False,
            True,
            one["auth"],
        )

    on_page(tmp_path, story)


def test_an_edit_of_an_earlier_session_that_somebody_else_overtook_is_a_conflict_still(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        async with visitor(made) as before:
            page = await before.get(get_path(one))
        await made.patch(one, {"description": "theirs"})
        page = await me.press(page, "save", description="mine")
        page = await me.press(page, "save")
        assert (page.status, "Description differs mine theirs" in page.text) == (409, True)
        async with visitor(made) as later:
            page = await later.press(page, "overwrite")
            assert (page.status, page.form("save").fields["description"]) == (403, "mine")
            assert "The changes were saved." in (await later.press(page, "save")).text
        assert (await read_again(made, one))["description"] == "mine"

    on_page(tmp_path, story)


def test_after_half_an_hour_a_conflict_shows_what_was_typed_again_without_its_secret(
    tmp_path: Path,
) -> None:
    clock = Clock()

    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        page = await me.get(get_path(one))
        await made.patch(one, {"description": "theirs"})
        page = await me.press(
            page, "save", description="mine", auth="bearer", token=SECRETS["token"]
        )
        assert page.status == 409
        nowhere(page)
        clock.now += drafts.SECONDS + 1
        page = await me.press(page, "overwrite")
        assert (page.status, page.form("save").fields["description"]) == (410, "mine")
        assert "kept for 30 minutes, which are over. Nothing was saved." in page.text
        assert (await read_again(made, one))["description"] == "theirs"
        page = await me.press(page, "save")
        assert page.error("token") == "Token is required"

    on_page(tmp_path, story, clock=clock)


def test_a_form_that_a_full_disk_refuses_is_shown_again_and_saved_when_there_is_room(
    tmp_path: Path,
) -> None:
    events = json.dumps(
        [{"type": f"t{n}", "version": "v1", "severity": "loud"} for n in range(1000)],
        separators=(",", ":"),
    )

    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        for path, step, button in (
            (get_path(one), get_path(one), "save"),
            (CREATE, CREATE, "next"),
            (f"{CREATE}/x/events", CREATE, "save"),
        ):
            page = await me.get(step)
            await database_of(made.store).write(
                lambda c: c.execute("PRAGMA max_page_count = 1").fetchone()
            )  # as many as there are
            fields = {
                **page.form("test").fields,
                **TYPED,
                **SECRETS,
                "name": path,
                "auth": "bearer",
                "events": events,
            }
            page = await me.post(path, {**fields, "action": button})
            assert (page.status, page.answer.headers["retry-after"]) == (503, "30")
            assert (
                "The storage is full. Nothing was saved. What you typed stands below" in page.text
            )
            assert (page.form("test").fields["name"], page.form("test").fields["events"]) == (
                path,
                events,
            )
            nowhere(page)
            await nothing_done(made, one)
            await database_of(made.store).write(
                lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone()
            )
        page = await me.press(page, "save", auth="none")
        assert "The webhook was added." in page.text

    on_page(tmp_path, story)


def test_an_edit_of_an_earlier_session_whose_webhook_is_gone_makes_a_new_one(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one", events=[EVENT])
        async with visitor(made) as before:
            page = await before.get(get_path(one))
        await made.call("DELETE", f"/webhooks/{one['id']}", If_Match="*")
        page = await me.press(page, "save", description="typed")
        assert (page.status, "Somebody has deleted the webhook since" in page.text) == (403, True)
        page = await me.press(await me.press(page, "next"), "save")
        [new] = await webhooks(made)
        assert (new["name"], new["description"], new["events"]) == ("one", "typed", [EVENT])

    on_page(tmp_path, story)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_nothing_is_kept_of_what_another_site_sends_with_a_session_or_without(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        for route in KEEPING:
            for who, status in ((me, 403), (make_signed_out_visitor(made), 401)):
                page = await who.post(
                    address(route, one), {**TYPED, **SECRETS, "csrf": "x"}, **headers
                )
                assert page.status == status
                assert "hooks.example.com" not in page.html
                nowhere(page)
            bare = {
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": "reconciler_session=over",
            }
            answer = await made.http.post(ORIGIN + address(route, one), headers=bare, data=TYPED)
            assert (answer.status_code, "hooks.example.com" in answer.text) == (401, False)
        await nothing_done(made, one)

    on_page(tmp_path, story)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"events": "[]"}', "application/json"),
        (b"events=[]&name=typed", "text/plain"),
        (b"events=[]&name=typed&x=" + b"x" * 300_000, "application/x-www-form-urlencoded"),
        (b"events=[]&name=typed&name=typed", "application/x-www-form-urlencoded"),
        (b"events=[]&name=typed&x=%ff", "application/x-www-form-urlencoded"),
        (b"name=typed", "application/x-www-form-urlencoded"),
    ],
    ids=lambda value: value[:40].decode() if isinstance(value, bytes) else str(value),
)
def test_without_a_session_what_no_form_of_this_page_sends_is_refused_alike(
    tmp_path: Path, body: bytes, kind: str
) -> None:
    async def story(made: Tenant, _me: Visitor) -> None:
        for path in (CREATE, f"{CREATE}/x", f"{CREATE}/x/events", "/settings/webhooks/x"):
            page = await make_signed_out_visitor(made).post(path, body, **{"Content-Type": kind})
            assert (page.status, "You are not signed in" in page.text, "typed" in page.text) == (
                401,
                True,
                False,
            )

    on_page(tmp_path, story)


def test_what_has_no_form_to_keep_says_that_nothing_was_done(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make("one")
        async with visitor(made) as before:
            listed, asked = (
                await before.get("/settings/webhooks"),
                await before.get(f"{get_path(one)}/delete"),
            )
        for page, button in ((listed, "Disable"), (asked, "Yes, proceed"), (listed, "Sign out")):
            refused = await me.press(page, button)
            assert (
                refused.status,
                "in an earlier session, so nothing was done" in refused.text,
            ) == (403, True)
            refused = await make_signed_out_visitor(made).press(page, button)
            assert (refused.status, "You are not signed in Nothing was done." in refused.text) == (
                401,
                True,
            )
        await nothing_done(made, one)

    on_page(tmp_path, story)


def test_a_link_is_opened_also_by_somebody_who_is_signed_in_still(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        link = await database_of(made.store).write(lambda c: sessions.create_link(c, made.clock()))
        page = await me.press(await me.get(f"/sign-in?link={link}"), "Sign in", follow=False)
        assert (page.status, page.answer.headers["location"]) == (303, "/settings/webhooks")

    on_page(tmp_path, story)
