"""The engine with a clock that a test moves: schedule, Retry-After, dead endpoints, what is sent
again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from reconciler.core.wire.retry_after import parse_retry_after
from reconciler.tenant.schedule.retries import JITTER, Retries, parse_schedule
from reconciler.tenant.store.values.attempt import make_interrupted
from reconciler.tenant.times import DAY
from tests.support.database import database_of
from tests.tenant.harness import EVENT, Receiver, Tenant
from tests.tenant.stories import counted, list_shown, post, run, wait_seconds

PORT_9 = {
    "url": "http://127.0.0.1:9/hook"
}  # discard: nothing listens there, and it is below 1024, so it is refused at once
WAITS = (5, 30, 120, 600, 3600, 21600, 43200, 86400, 86400)
SMALL = 0.001  # of a clock's second


@pytest.mark.parametrize(("rng", "share"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_a_failed_delivery_is_tried_again_at_the_moments_of_the_schedule_then_given_up(
    tmp_path: Path, rng: float, share: float
) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status = 500
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t)
        for number, wait in enumerate(WAITS, 1):
            assert len(endpoint.bodies) == number
            await wait_seconds(t, wait * share - SMALL)
            assert len(endpoint.bodies) == number, f"before {wait} s"
            await wait_seconds(t, 2 * SMALL)
        assert len(endpoint.bodies) == 10
        [only] = await list_shown(t, made)
        assert (only["state"], only["next_attempt"], len(only["attempts"])) == ("failed", None, 10)
        assert len(set(endpoint.bodies)) == 1  # the same event_id, the same everything
        await wait_seconds(t, 10 * DAY)
        assert len(endpoint.bodies) == 10
        assert await counted(t) == (0, 10)

    run(tmp_path, story, rng=rng)


def test_the_jitter_is_a_fifth_of_the_wait_at_most() -> None:
    for number, wait in enumerate(WAITS, 1):
        waits = [
            Retries(rng=lambda at=at: at).wait(number, make_interrupted("w"))
            for at in (0.0, 0.25, 0.999999)
        ]
        assert all(found is not None and abs(found - wait) <= wait * JITTER for found in waits)
        assert len(set(waits)) == 3


@pytest.mark.parametrize(
    "text", ["", "5", "5s,", "5s,x", "0s", "-5s", "5s 30s", "5ms", "1.5s", ",".join(["1s"] * 51)]
)
def test_a_schedule_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="spans above zero"):
        parse_schedule(text)


def test_a_schedule_of_one_s_own_is_kept(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status = 500
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t)
        await wait_seconds(t, 1)
        await wait_seconds(t, 120)
        assert [(d["state"], len(d["attempts"])) for d in await list_shown(t, made)] == [
            ("failed", 3)
        ]

    run(tmp_path, story, retries=Retries(parse_schedule("1s, 2m"), rng=lambda: 0.5))


DATE = format_datetime(datetime.fromtimestamp(4_000_000_000, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 5),
        ("17", 17),
        ("100000000000000000000", 3600),
        (DATE, 3600),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 5),
        ("soon", 5),
        ("-3", 5),
        ("1.5", 5),
        ("", 5),
    ],
)
def test_retry_after_is_waited_for_capped_at_an_hour_and_garbage_is_ignored(
    tmp_path: Path, value: str, seconds: float
) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status, endpoint.headers = 503, f"Retry-After: {value}\r\n"
        await t.make(url=endpoint.url, events=[EVENT])
        await post(t)
        await wait_seconds(t, seconds - SMALL)
        assert len(endpoint.bodies) == 1
        await wait_seconds(t, 2 * SMALL)
        assert len(endpoint.bodies) == 2

    run(tmp_path, story)


def test_retry_after_reads_dates_as_utc_and_never_fails() -> None:
    assert parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30, 3600) == 30
    assert parse_retry_after("Sun Nov  6 08:49:37 1994", 784111777 - 30, 3600) == 30
    for garbage in (
        None,
        "",
        "x",
        "9" * 5000 + "x",
        "99, 99 Foo",
        "\u0663",
        "Sun, 06 Nov 99999 08:49:37 GMT",
    ):
        assert parse_retry_after(garbage, 0.0, 3600) in {None, 3600}
    assert parse_retry_after("9" * 5000, 0.0, 3600) == 3600


def test_retry_after_holds_the_whole_webhook_and_no_other(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status, endpoint.headers = 429, "Retry-After: 60\r\n"
        await t.make("busy", url=endpoint.url, events=[EVENT])
        await post(t)
        endpoint.status, endpoint.headers = 200, ""
        await t.make("other", url=endpoint.url + "/other", events=[EVENT])
        await post(t)
        assert [head.split()[1] for head in endpoint.heads] == ["/hook", "/hook/other"]
        await wait_seconds(t, 59)
        assert len(endpoint.heads) == 2
        await wait_seconds(t, 1)
        assert len(endpoint.heads) == 4

    run(tmp_path, story)


def test_410_ends_a_delivery_at_once_and_by_hand_it_gets_a_round_of_its_own(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status = 410
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t)
        [only] = await list_shown(t, made)
        assert (only["state"], len(only["attempts"])) == ("failed", 1)
        endpoint.status = 500
        assert (
            await t.call("POST", f"/webhooks/{made['id']}/deliveries/{only['id']}/redeliver")
        ).status_code == 202
        await t.engine.wait_until_idle()
        await wait_seconds(t, 5)
        await wait_seconds(t, 30)
        [only] = await list_shown(t, made)
        assert (only["state"], [a["number"] for a in only["attempts"]]) == ("pending", [1, 2, 3, 4])

    run(tmp_path, story)


def test_sending_a_pending_one_again_brings_its_next_attempt_forward(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status = 500
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t)
        endpoint.status = 200
        [only] = await list_shown(t, made)
        assert (
            await t.call("POST", f"/webhooks/{made['id']}/deliveries/{only['id']}/redeliver")
        ).status_code == 202
        await t.engine.wait_until_idle()
        assert [(d["state"], len(d["attempts"])) for d in await list_shown(t, made)] == [
            ("succeeded", 2)
        ]

    run(tmp_path, story)


def test_a_span_is_sent_again_whole_in_steps(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        made = await t.make(url=endpoint.url, events=[EVENT])
        for _ in range(3):
            await t.call("POST", "/events", {**EVENT, "event": {}})
        many = (
            "INSERT INTO deliveries (id, webhook_id, event_id, state, created_at) "
            "SELECT d.id || n.value, d.webhook_id, d.event_id, 'failed', d.created_at "
            "FROM deliveries d, "
            "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n "
            "LIMIT 400) SELECT value FROM n) n"
        )
        await database_of(t.store).write(lambda c: c.execute(many))
        span = {"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
        assert (await t.call("POST", f"/webhooks/{made['id']}/redeliver", span)).json() == {
            "deliveries": 1200
        }
        pending = await database_of(t.store).read(
            lambda c: c.execute("SELECT pending FROM totals").fetchone()[0]
        )
        assert pending == 1203

    run(tmp_path, story, deliver=False)


def test_after_five_attempts_without_an_answer_one_probe_goes_on_and_the_rest_wait(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        made = await t.make(**PORT_9, events=[EVENT])
        await post(t, 20)
        tried = [len(d["attempts"]) for d in await list_shown(t, made)]
        assert sorted(tried, reverse=True) == [1] * 5 + [0] * 15
        await wait_seconds(t, 5)
        await wait_seconds(t, 30)
        await wait_seconds(t, 120)
        tried = [len(d["attempts"]) for d in await list_shown(t, made)]
        assert sorted(tried, reverse=True) == [4] + [1] * 4 + [0] * 15
        next_attempts = {d["next_attempt"] for d in await list_shown(t, made)}
        assert len(next_attempts) == 1  # all wait for the probe
        webhook = (await t.call("GET", f"/webhooks/{made['id']}")).json()
        await t.patch(webhook, {"url": endpoint.url})
        await t.engine.wait_until_idle()
        assert [d["state"] for d in await list_shown(t, made)].count("succeeded") == 19
        await wait_seconds(t, 600)  # the probe's own time
        assert {d["state"] for d in await list_shown(t, made)} == {"succeeded"}

    run(tmp_path, story)


def test_an_endpoint_that_comes_back_gets_all_that_waited_with_the_next_probe_or_by_hand(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.drop = True
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t, 12)
        endpoint.drop = False
        await wait_seconds(t, 4)
        assert {d["state"] for d in await list_shown(t, made)} == {"pending"}
        last = (await list_shown(t, made))[-1]
        await t.call("POST", f"/webhooks/{made['id']}/deliveries/{last['id']}/redeliver")
        await t.engine.wait_until_idle()
        await wait_seconds(t, 30)  # those whose own next attempt lay ahead
        assert {d["state"] for d in await list_shown(t, made)} == {"succeeded"}

    run(tmp_path, story)
