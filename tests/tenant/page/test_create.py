"""Creating a webhook on the page: the two steps, tests with what is typed, errors beside their
fields, events.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.database import database_of
from tests.support.receiver import PRIVATE_KEY, SIGNING_KEY
from tests.tenant.harness import Tenant, receiver
from tests.tenant.page.filled import CREATE, OLD, STARTED, URL, step_2
from tests.tenant.page.visitor import Visitor, dump, on_page, visitor, webhooks


def test_two_steps_make_a_webhook_with_what_was_typed(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await step_2(me, description="two\r\nlines", auth="bearer", token=OLD)
        page = await me.press(page, "add", event_type=STARTED, event_severity="info")
        assert "is not saved yet" in page.text
        page = await me.press(page, "save")
        assert page.path == "/settings/webhooks?said=created"
        assert "The webhook was added." in page.text
        [one] = await webhooks(made)
        assert (one["name"], one["url"], one["description"], one["enabled"]) == (
            "one",
            URL,
            "two\nlines",
            True,
        )
        assert one["auth"] == {"type": "bearer", "credential_version": None}
        assert one["events"] == [{"type": STARTED, "version": "v0", "severity": "info"}]
        assert one["managed_by"] is None

    on_page(tmp_path, story)


@pytest.mark.parametrize(
    ("typed", "header"),
    [
        ({"auth": "none"}, None),
        (
            {"auth": "basic", "username": "user", "password": OLD},
            "Authorization: Basic dXNlcjpzZXNhbWUtb3Blbi00NzEx",
        ),
        ({"auth": "bearer", "token": OLD}, f"Authorization: Bearer {OLD}"),
        ({"auth": "apiKey", "header": "X-API-Key", "value": OLD}, f"X-API-Key: {OLD}"),
        ({"auth": "signature", "scheme": "standard", "secret": SIGNING_KEY}, "Webhook-Signature: "),
        (
            {"auth": "signature", "scheme": "standard-v1a", "secret": PRIVATE_KEY},
            "Webhook-Signature: ",
        ),
    ],
)
def test_a_test_sends_what_is_typed_and_what_is_created_sends_the_same(
    tmp_path: Path, typed: dict[str, str], header: str | None
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint:
            page = await me.press(await me.get(CREATE), "test", url=endpoint.url, **typed)
            assert "Test delivered The endpoint answered with status 200 in" in page.text
            page = await me.press(page, "next", name="one")
            page = await me.press(page, "test")
            await me.press(page, "save")
            [one] = await webhooks(made)
            await made.call("POST", f"/webhooks/{one['id']}/test", {})
            lines = [head.split("\r\n") for head in endpoint.heads]
            assert len(lines) == 3
            assert (
                lines[0] == lines[1] == lines[2]
                or header is None
                or all(any(line.startswith(header) for line in head) for head in lines)
            )
            if header is None:
                assert not any("authorization" in line.lower() for head in lines for line in head)

    on_page(tmp_path, story)


def test_a_failed_test_says_so_in_words(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint:
            endpoint.status = 503
            page = await me.press(await me.get(CREATE), "test", url=endpoint.url)
            assert "Test not delivered The endpoint answered with status 503 in" in page.text
            assert "the endpoint failed while handling the request" in page.text
        page = await me.press(page, "test", url="http://10.0.0.1/")
        assert "the address is not a public one and is not allowed" in page.text
        assert await webhooks(made) == []

    on_page(tmp_path, story)


def test_a_secret_never_comes_back_and_lies_in_the_draft_encrypted(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        pages = [
            await me.press(await me.get(CREATE), "next", url="nonsense", auth="bearer", token=OLD)
        ]
        assert pages[0].status == 422
        assert "kept encrypted for this form for 30 minutes" in pages[0].text
        pages.append(await me.press(pages[-1], "next", url=URL, name="one"))
        pages.append(await me.press(pages[-1], "back"))
        pages.append(await me.press(pages[-1], "next"))
        assert not [page for page in pages if OLD in page.html]
        assert OLD not in dump(made)
        await me.press(pages[-1], "save")
        [one] = await webhooks(made)
        assert one["auth"]["type"] == "bearer"
        assert OLD not in dump(made)
        assert (
            await database_of(made.store).read(
                lambda c: c.execute("SELECT COUNT(*) FROM drafts").fetchone()[0]
            )
            == 0
        )

    on_page(tmp_path, story)


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        typed = {
            "name": "x" * 256,
            "url": "ftp://a",
            "description": "d" * 1025,
            "auth": "basic",
            "username": "a:b",
        }
        page = await me.press(await me.get(CREATE), "next", password="é", **typed)
        assert page.status == 422
        assert page.error("name") == "Name must have 1 to 255 characters"
        assert page.error("url") == "Endpoint URL must be an absolute http:// or https:// url"
        assert page.error("description") == "Description has over 1024 characters"
        assert page.error("username") == "User name must not contain a colon (RFC 7617)"
        assert page.error("password") == "Password must be printable ASCII"
        again = page.form("next").fields
        assert {name: again[name] for name in typed} == typed
        assert again["password"] == ""
        page = await me.press(
            page, "next", name="one", url=URL, description="d", username="a", password=""
        )
        assert page.error("password") == "Password is required"

    on_page(tmp_path, story)


def test_a_secret_for_an_authentication_that_is_not_chosen_is_not_lost_in_silence(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        page = await me.press(await me.get(CREATE), "next", name="one", url=URL, token=OLD)
        assert "belongs to an authentication that is not chosen" in page.error("token")
        assert OLD not in page.html

    on_page(tmp_path, story)


def test_a_taken_name_is_an_error_at_the_name(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        second = await step_2(me)
        await made.make("one")
        page = await me.press(await me.get(CREATE), "next", name="one", url=URL)
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
        page = await me.press(
            page, "add-other", other_type="a b\x00c", other_version="", other_severity="x"
        )
        assert page.error("other_type") == "Event type has a control character"
        assert page.error("other_version") == "Version must have 1 to 255 characters"
        page = await me.press(
            page, "add-other", other_type=' "><b>', other_version="v9", other_severity="x"
        )
        page = await me.press(page, f"Remove {STARTED}, version v0, severity info")
        await me.press(page, "save")
        [one] = await webhooks(made)
        assert [(e["type"], e["version"], e["severity"]) for e in one["events"]] == [
            ('"><b>', "v9", "x"),
            (STARTED, "v0", "critical"),
        ]

    on_page(tmp_path, story)


@pytest.mark.parametrize(("field", "text"), [("event_type", STARTED), ("other_type", "acme:done")])
def test_an_event_that_is_chosen_and_not_added_is_not_lost_by_saving(
    tmp_path: Path, field: str, text: str
) -> None:
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


def test_tests_are_counted_for_the_session(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        async with receiver() as endpoint, visitor(made) as other:
            page = await me.press(await me.get(CREATE), "test", url=endpoint.url)
            page = await me.press(page, "test", name="kept")
            assert (page.status, page.answer.headers["retry-after"]) == (429, "60")
            assert "was not sent: at most 1 a minute; try again in 60 s" in page.error("test")
            assert page.form("next").fields["name"] == "kept"
            assert (
                await other.press(await other.get(CREATE), "test", url=endpoint.url)
            ).status == 200
            assert len(endpoint.heads) == 2

    on_page(tmp_path, story, tests_per_minute=1)
