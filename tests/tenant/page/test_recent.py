"""Recent deliveries on the page: every attempt in plain words, pages of them, and sending again
within the API's own rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.results.reports import Verdict
from reconciler.tenant.page.rendering.wording import VERDICTS
from tests.support.database import database_of
from tests.tenant.harness import EVENT, Tenant, tenant
from tests.tenant.page.visitor import Visitor, visitor

Story = Callable[[Tenant, Visitor], Awaitable[None]]
DAY = 86400


def on_page(folder: Path, story: Story, **options: Any) -> None:
    """One story of somebody who is signed in, with an engine that sends nothing: the test says what
    became of a delivery.
    """

    async def run() -> None:
        async with tenant(folder, deliver=False, **options) as made, visitor(made) as me:
            await story(made, me)

    asyncio.run(run())


async def post(made: Tenant, count: int = 1) -> None:
    for _ in range(count):
        assert (await made.call("POST", "/events", {**EVENT, "event": {}})).status_code == 202


async def fail(
    made: Tenant, verdict: str = "timeout", detail: str = "no answer within the time limit"
) -> None:
    """Every pending delivery has had one attempt and failed."""

    def run(connection: Any) -> None:
        values = (made.clock(), verdict, detail)
        connection.execute(
            "INSERT INTO attempts (delivery, number, started_at, verdict, detail, seconds) "
            "SELECT seq, attempt + 1, ?, ?, ?, 10 FROM deliveries WHERE state = 'pending'",
            values,
        )
        connection.execute(
            "UPDATE deliveries SET state = 'failed', attempt = attempt + 1, next_at = "
            "NULL WHERE state = 'pending'"
        )

    await database_of(made.store).write(run)


async def deliveries(made: Tenant, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    return list((await made.call("GET", f"/webhooks/{webhook['id']}/deliveries")).json()["items"])


def test_every_verdict_has_plain_words() -> None:
    assert set(VERDICTS) == set(Verdict)
    assert len(set(VERDICTS.values())) == len(VERDICTS)


def test_a_delivery_is_shown_with_every_attempt(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make(events=[EVENT])
        await post(made)
        await fail(made)
        for path in (
            f"/settings/webhooks/{one['id']}",
            f"/settings/webhooks/{one['id']}/deliveries",
        ):
            page = await me.get(path)
            assert EVENT["type"] in page.text
            assert (
                "1. No answer in time, 10.00 s: no answer within the time limit "
                "2026-09-21 14:13:20 UTC" in page.text
            )
            assert (await deliveries(made, one))[0]["event_id"] in page.text

    on_page(tmp_path, story)


@pytest.mark.parametrize("place", ["", "/deliveries"])
def test_send_again_makes_a_failed_delivery_due_and_comes_back_to_where_the_button_was(
    tmp_path: Path, place: str
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make(events=[EVENT])
        await post(made)
        await fail(made)
        page = await me.press(await me.get(f"/settings/webhooks/{one['id']}{place}"), "Send again")
        assert page.path == f"/settings/webhooks/{one['id']}{place}?said=sent-again"
        assert "The delivery is sent again now." in page.text
        assert [item["state"] for item in await deliveries(made, one)] == ["pending"]

    on_page(tmp_path, story)


def test_all_failed_ones_of_the_last_day_are_sent_again_and_older_ones_not(tmp_path: Path) -> None:
    async def story(made: Tenant, _me: Visitor) -> None:
        one = await made.make(events=[EVENT])
        await post(made)
        made.clock.now += DAY + 1
        await post(made, 2)
        await fail(made)
        made.clock.now += 1
        path, button = (
            f"/settings/webhooks/{one['id']}/deliveries",
            "Send all failed ones of the last 24 hours again",
        )
        async with visitor(made) as later:  # a session ends after 12 hours
            before = await later.get(path)
            page = await later.press(before, button)
            assert "The failed deliveries of the last 24 hours are sent again now." in page.text
            assert [item["state"] for item in await deliveries(made, one)] == [
                "pending",
                "pending",
                "failed",
            ]
            assert button not in page.text  # the one that is left failed earlier
            page = await later.press(before, button)
        assert "so none is sent again" in page.text

    on_page(tmp_path, story)


def test_a_disabled_webhook_offers_no_button_and_a_button_of_before_is_answered_on_the_page(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make(events=[EVENT])
        await post(made)
        await fail(made)
        before = await me.get(f"/settings/webhooks/{one['id']}/deliveries")
        await made.patch(one, {"enabled": False})
        for button in ("Send again", "Send all failed ones of the last 24 hours again"):
            page = await me.press(before, button)
            assert page.status == 409
            assert (
                "The webhook is disabled Nothing was sent: enable the webhook first." in page.text
            )
            assert EVENT["type"] in page.text
            assert "Send again" not in page.text
        assert [item["state"] for item in await deliveries(made, one)] == ["failed"]

    on_page(tmp_path, story)


def test_an_event_that_is_no_longer_kept_is_not_sent_again(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make(events=[EVENT])
        await post(made)
        await fail(made)
        before = await me.get(f"/settings/webhooks/{one['id']}/deliveries")
        made.clock.now += 31 * DAY
        async with visitor(made) as later:
            form = before.form("Send again")
            csrf = (await later.get("/settings/webhooks")).form("Sign out").fields["csrf"]
            page = await later.post(form.action, {**form.fields, "csrf": csrf})
        assert page.status == 410
        assert (
            "The event is no longer kept Nothing was sent: events are kept for 30 days."
            in page.text
        )

    on_page(tmp_path, story)


def test_pages_of_deliveries_show_each_once_newest_first(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make(events=[EVENT])
        await post(made, 60)
        await fail(made)
        wanted = [item["event_id"] for item in await deliveries(made, one)]
        assert "All deliveries" in (await me.get(f"/settings/webhooks/{one['id']}")).text
        path, seen = f"/settings/webhooks/{one['id']}/deliveries", []
        for _ in range(3):
            page = await me.get(path)
            seen += [event for event in wanted if event in page.html]
            path = page.html.partition('rel="next" href="')[2].partition('"')[0]
        assert path == ""
        assert seen == wanted

    on_page(tmp_path, story)


def test_a_cursor_of_another_webhook_and_a_delivery_of_another_webhook_are_refused(
    tmp_path: Path,
) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one, other = await made.make("one", events=[EVENT]), await made.make("other")
        await post(made, 30)
        await fail(made)
        page = await me.get(f"/settings/webhooks/{one['id']}/deliveries")
        cursor = page.html.partition("?cursor=")[2].partition('"')[0]
        assert (
            await me.get(f"/settings/webhooks/{other['id']}/deliveries?cursor={cursor}")
        ).status == 400
        form = page.form("Send all failed ones of the last 24 hours again")
        delivery = (await deliveries(made, one))[0]["id"]
        answer = await me.post(
            f"/settings/webhooks/{other['id']}/deliveries/{delivery}/redeliver", form.fields
        )
        assert answer.status == 404
        assert (await me.post("/settings/webhooks/nothing/redeliver", form.fields)).status == 404
        assert {item["state"] for item in await deliveries(made, one)} == {"failed"}

    on_page(tmp_path, story)


def test_what_waits_can_be_brought_forward_and_what_is_under_way_cannot(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make(events=[EVENT])
        await post(made)
        later = made.clock() + 3600
        await database_of(made.store).write(
            lambda c: c.execute("UPDATE deliveries SET next_at = ?", (later,))
        )
        page = await me.get(f"/settings/webhooks/{one['id']}/deliveries")
        assert "Waiting first attempt 2026-09-21 15:13:20 UTC" in page.text
        await me.press(page, "Send now")
        assert (await deliveries(made, one))[0]["next_attempt"] == "2026-09-21T14:13:20.000Z"

    on_page(tmp_path, story)


def test_a_webhook_without_deliveries_says_why(tmp_path: Path) -> None:
    async def story(made: Tenant, me: Visitor) -> None:
        one = await made.make()
        assert (
            "No event is selected, so it receives nothing."
            in (await me.get(f"/settings/webhooks/{one['id']}")).text
        )
        off = await made.make("off", events=[EVENT], enabled=False)
        assert (
            "It is disabled, so it receives nothing."
            in (await me.get(f"/settings/webhooks/{off['id']}/deliveries")).text
        )

    on_page(tmp_path, story)
