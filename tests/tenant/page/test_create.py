"""Creating a webhook on the page: the two steps, tests with what is typed, drafts, and what hostile people send."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.tenant import upkeep
from reconciler.tenant.page import drafts
from tests.tenant.harness import Clock, Tenant, receiver
from tests.tenant.page.visitor import Page, Visitor, dump, on_page, visitor, webhooks

STARTED = "elastio:recovery-point:create:started"
NEW = "/settings/webhooks/new"
URL = "https://hooks.example.com/a"
SECRET = "sesame-open-4711"


async def step_2(me: Visitor, **typed: str) -> Page:
    page = await me.press(await me.get(NEW), "next", **{"name": "one", "url": URL, **typed})
    assert page.path.endswith("/events"), page.text
    return page


def test_two_steps_make_a_webhook_with_what_was_typed(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await step_2(me, description="two\r\nlines", auth="bearer", token=SECRET)
        page = await me.press(page, "add", event_type=STARTED, event_severity="info")
        assert "is not saved yet" in page.text
        page = await me.press(page, "save")
        assert page.path == "/settings/webhooks?said=created"
        assert "The webhook was added." in page.text
        [one] = await webhooks(made)
        assert (one["name"], one["url"], one["description"], one["enabled"]) == ("one", URL, "two\nlines", True)
        assert one["auth"] == {"type": "bearer", "credential_version": None}
        assert one["events"] == [{"type": STARTED, "version": "v0", "severity": "info"}]
        assert one["managed_by"] is None

    on_page(tmp_path, story)


@pytest.mark.parametrize(
    ("typed", "header"),
    [
        ({"auth": "none"}, None),
        ({"auth": "basic", "username": "user", "password": SECRET}, "Authorization: Basic dXNlcjpzZXNhbWUtb3Blbi00NzEx"),
        ({"auth": "bearer", "token": SECRET}, f"Authorization: Bearer {SECRET}"),
        ({"auth": "apiKey", "header": "X-API-Key", "value": SECRET}, f"X-API-Key: {SECRET}"),
    ],
)
def test_a_test_sends_what_is_typed_and_what_is_created_sends_the_same(
    tmp_path: Path, typed: dict[str, str], header: str | None
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint:
            page = await me.press(await me.get(NEW), "test", url=endpoint.url, **typed)
            assert "Test delivered The endpoint answered with status 200 in" in page.text
            page = await me.press(page, "next", name="one")
            page = await me.press(page, "test")
            await me.press(page, "save")
            [one] = await webhooks(made)
            await made.call("POST", f"/webhooks/{one['id']}/test", {})
            lines = [head.split("\r\n") for head in endpoint.heads]
            assert len(lines) == 3
            assert lines[0] == lines[1] == lines[2] or header is None or all(header in head for head in lines)
            if header is None:
                assert not any("authorization" in line.lower() for head in lines for line in head)

    on_page(tmp_path, story)


def test_a_failed_test_says_so_in_words(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint:
            endpoint.status = 503
            page = await me.press(await me.get(NEW), "test", url=endpoint.url)
            assert "Test not delivered The endpoint answered with status 503 in" in page.text
            assert "the endpoint failed while handling the request" in page.text
        page = await me.press(page, "test", url="http://10.0.0.1/")
        assert "the address is not a public one and is not allowed" in page.text
        assert await webhooks(made) == []

    on_page(tmp_path, story)


def test_a_secret_never_comes_back_and_lies_in_the_draft_encrypted(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        pages = [await me.press(await me.get(NEW), "next", url="nonsense", auth="bearer", token=SECRET)]
        assert pages[0].status == 422
        assert "kept encrypted for this form for 30 minutes" in pages[0].text
        pages.append(await me.press(pages[-1], "next", url=URL, name="one"))
        pages.append(await me.press(pages[-1], "back"))
        pages.append(await me.press(pages[-1], "next"))
        assert not [page for page in pages if SECRET in page.html]
        assert SECRET not in dump(made)
        await me.press(pages[-1], "save")
        [one] = await webhooks(made)
        assert one["auth"]["type"] == "bearer"
        assert SECRET not in dump(made)
        assert await made.store.read(lambda c: c.execute("SELECT COUNT(*) FROM drafts").fetchone()[0]) == 0

    on_page(tmp_path, story)


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        typed = {"name": "x" * 256, "url": "ftp://a", "description": "d" * 1025, "auth": "basic", "username": "a:b"}
        page = await me.press(await me.get(NEW), "next", password="é", **typed)
        assert page.status == 422
        assert page.error("name") == "Name must have 1 to 255 characters"
        assert page.error("url") == "Endpoint URL must be an absolute http:// or https:// url"
        assert page.error("description") == "Description has over 1024 characters"
        assert page.error("username") == "User name must not contain a colon (RFC 7617)"
        assert page.error("password") == "Password must be printable ASCII"
        again = page.form("next").fields
        assert {name: again[name] for name in typed} == typed
        assert again["password"] == ""
        page = await me.press(page, "next", name="one", url=URL, description="d", username="a", password="")
        assert page.error("password") == "Password is required"

    on_page(tmp_path, story)


def test_a_secret_for_an_authentication_that_is_not_chosen_is_not_lost_in_silence(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.press(await me.get(NEW), "next", name="one", url=URL, token=SECRET)
        assert "belongs to an authentication that is not chosen" in page.error("token")
        assert SECRET not in page.html

    on_page(tmp_path, story)


def test_a_taken_name_is_an_error_at_the_name(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        second = await step_2(me)
        await made.make("one")
        page = await me.press(await me.get(NEW), "next", name="one", url=URL)
        assert page.error("name") == "Name is taken: another webhook has it"
        page = await me.press(second, "save")
        assert page.status == 422
        assert page.error("name") == "Name is taken: another webhook has it"
        assert page.form("next").fields["url"] == URL

    on_page(tmp_path, story)


def test_events_are_added_once_and_removed_one_by_one(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.press(await step_2(me), "add", event_type=STARTED)
        assert page.error("event_severity") == "Severity must be chosen"
        assert page.form("add").fields["event_type"] == STARTED
        for severity in ("info", "critical"):
            page = await me.press(page, "add", event_type=STARTED, event_severity=severity)
        page = await me.press(page, "add", event_type=STARTED, event_severity="info")
        assert "is in the list already" in page.error("event_type")
        page = await me.press(page, "add", event_type="", event_severity="")
        assert page.error("event_type") == "Event type must be chosen"
        page = await me.press(page, "add-other", other_type="a b\x00c", other_version="", other_severity="x")
        assert page.error("other_type") == "Event type has a control character"
        assert page.error("other_version") == "Version must have 1 to 255 characters"
        page = await me.press(page, "add-other", other_type=' "><b>', other_version="v9", other_severity="x")
        page = await me.press(page, f"Remove {STARTED}, version v0, severity info")
        await me.press(page, "save")
        [one] = await webhooks(made)
        assert [(e["type"], e["version"], e["severity"]) for e in one["events"]] == [
            ('"><b>', "v9", "x"),
            (STARTED, "v0", "critical"),
        ]

    on_page(tmp_path, story)


@pytest.mark.parametrize(("field", "text"), [("event_type", STARTED), ("other_type", "acme:done")])
def test_an_event_that_is_chosen_and_not_added_is_not_lost_by_saving(tmp_path: Path, field: str, text: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.press(await step_2(me), "save", **{field: text})
        assert "not added" in page.error(field)
        assert await webhooks(made) == []

    on_page(tmp_path, story)


def test_only_the_chosen_group_is_offered_without_scripts(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.press(await step_2(me), "group", group="Recovery point")
        assert page.form("add").fields["group"] == "Recovery point"
        assert page.html.count(" hidden disabled>") == 2

    on_page(tmp_path, story)


def test_another_session_cannot_reach_a_draft(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint, visitor(made) as other:
            page = await me.press(await me.get(NEW), "test", url=endpoint.url, auth="bearer", token=SECRET)
            assert (await other.get(page.path)).status == 410
            mine = await other.get(NEW)
            fields = {**mine.form("next").fields, "auth": "bearer", "url": endpoint.url, "action": "test"}
            stolen = await other.post(page.path, fields)
            assert stolen.error("token") == "Token is required"
            assert len(endpoint.heads) == 1
            assert (await me.get(page.path)).form("next").fields["url"] == endpoint.url

    on_page(tmp_path, story)


def test_after_half_an_hour_a_draft_is_gone_and_what_stands_in_the_form_is_kept(tmp_path: Path) -> None:
    clock = Clock()

    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.press(await step_2(me, auth="bearer", token=SECRET), "add", event_type=STARTED, event_severity="info")
        clock.now += drafts.SECONDS + 1
        gone = await me.get(page.path)
        assert (gone.status, "This form is no longer kept" in gone.text) == (410, True)
        page = await me.press(page, "save")
        assert page.error("token") == "Token is required"
        assert page.form("next").fields["name"] == "one"
        page = await me.press(page, "next", token=SECRET)
        assert STARTED in page.text
        await me.press(page, "save")
        assert [item["name"] for item in await webhooks(made)] == ["one"]

    on_page(tmp_path, story, clock=clock)


def test_a_draft_that_is_too_old_is_removed_though_nobody_comes_back(tmp_path: Path) -> None:
    clock = Clock()

    async def story(made: Tenant, me: Visitor) -> None:
        await step_2(me, auth="bearer", token=SECRET)
        for seconds, left in ((drafts.SECONDS - 1, 1), (1, 0)):
            clock.now += seconds
            await made.store.write(lambda c: upkeep.step(c, clock.now))
            assert await made.store.read(lambda c: c.execute("SELECT COUNT(*) FROM drafts").fetchone()[0]) == left

    on_page(tmp_path, story, clock=clock)


def test_tests_are_counted_for_the_session(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint, visitor(made) as other:
            page = await me.press(await me.get(NEW), "test", url=endpoint.url)
            page = await me.press(page, "test", name="kept")
            assert (page.status, page.answer.headers["retry-after"]) == (429, "60")
            assert "was not sent: at most 1 a minute; try again in 60 s" in page.error("test")
            assert page.form("next").fields["name"] == "kept"
            assert (await other.press(await other.get(NEW), "test", url=endpoint.url)).status == 200
            assert len(endpoint.heads) == 2

    on_page(tmp_path, story, tests_per_minute=1)


HOSTILE = ["x" * 255, "<script>alert(1)</script>", "שלום", "🎉" * 20, "a\tb", "a\x00b", "a\u202eb", "{{ 7 * 7 }}", "' OR 1=1 --"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_is_shown_as_text_or_refused_at_its_field(tmp_path: Path, name: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.press(await me.get(NEW), "next", name=name, url=URL)
        assert "<script>alert" not in page.html
        if page.status == 422:
            assert "control character" in page.error("name")
            return
        page = await me.press(page, "save")
        assert [item["name"] for item in await webhooks(made)] == [name]
        assert "<script>alert" not in page.html
        assert name in page.text

    on_page(tmp_path, story)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"name=%ED%A0%80", 400),
        (b"name=%FF", 400),
        (b"name=a&name=b", 400),
        (b"name=" + b"x" * 300_000, 413),
        (b"&".join(b"f%d=1" % n for n in range(5000)), 400),
        (b"auth=magic&name=a&url=https://a.example/", 422),
        (b"events=nonsense", 400),
        (b"events=[1]", 400),
        (b'events=[{"type":1,"version":"","severity":""}]', 400),
        (b'events=[{"type":"%5Cud800","version":"v0","severity":"x"}]', 422),
        (b'events=[{"type":"","version":"v0","severity":"x"}]&name=a&url=https://a.example/', 422),
        (b"events=" + b"[" * 5000, 400),
        (b"", 422),
        (b"action=remove&remove=x&name=a", 303),
        ("name=é".encode(), 400),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else str(value),
)
def test_what_no_browser_sends_is_refused_with_a_page(tmp_path: Path, body: bytes, status: int) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        token = (await me.get(NEW)).form("next").fields["csrf"].encode()
        page = await me.post(NEW, b"csrf=" + token + b"&" + body)
        assert page.status == status, page.text
        if status != 303:
            assert "<h1>" in page.html

    on_page(tmp_path, story)


@pytest.mark.parametrize("draft", ["nothing", "%00", "%ED%A0%80", "%FF", "x" * 3000, "..%2F..", "'"])
def test_an_unknown_draft_is_a_clear_page(tmp_path: Path, draft: str) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        for path in (f"{NEW}/{draft}", f"{NEW}/{draft}/events"):
            page = await me.get(path)
            assert page.status in {404, 410}, page.text

    on_page(tmp_path, story)


def test_a_session_keeps_only_its_last_drafts(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        blank = await me.get(NEW)
        for _ in range(drafts.MOST + 5):
            await me.press(blank, "next", follow=False)
        assert await made.store.read(lambda c: c.execute("SELECT COUNT(*) FROM drafts").fetchone()[0]) == drafts.MOST

    on_page(tmp_path, story)


def test_a_draft_holds_texts_only_and_no_secret(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        await step_2(me, auth="basic", username="user", password=SECRET)
        row = await made.store.read(lambda c: c.execute("SELECT fields, sealed FROM drafts").fetchone())
        typed = json.loads(row["fields"])["typed"]
        assert {name: typed[name] for name in ("name", "auth", "username")} == {
            "name": "one",
            "auth": "basic",
            "username": "user",
        }
        assert not {"password", "token", "value"} & set(typed)
        assert SECRET.encode() not in bytes(row["sealed"])

    on_page(tmp_path, story)
