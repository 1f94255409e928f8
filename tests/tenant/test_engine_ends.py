"""The engine with a clock that a test moves: what is held, what ends by itself, what is removed,
and a kill.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from reconciler.tenant.store.rows import upkeep
from reconciler.tenant.times import DAY, HOUR
from tests.support.database import database_of
from tests.tenant.harness import BEARER, EVENT, Clock, Receiver, Tenant
from tests.tenant.stories import counted, list_shown, post, run, wait_seconds


def test_what_is_pending_at_a_disabled_webhook_is_held_and_after_three_days_failed_uncounted(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status = 500
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t, 3)
        await t.patch(made, {"enabled": False})
        await wait_seconds(t, 72 * HOUR - 1)
        assert (len(endpoint.bodies), await counted(t)) == (3, (0, 3))
        assert (
            await database_of(t.store).write(lambda c: upkeep.clean_up_some(c, t.clock())) is False
        )
        assert {d["state"] for d in await list_shown(t, made)} == {"pending"}
        t.clock.now += 1
        await database_of(t.store).write(lambda c: upkeep.clean_up_some(c, t.clock()))
        assert {(d["state"], len(d["attempts"])) for d in await list_shown(t, made)} == {
            ("failed", 1)
        }
        assert await counted(t) == (0, 3)

    run(tmp_path, story)


def test_what_a_disabled_webhook_held_goes_on_when_it_is_enabled(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status = 500
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t, 3)
        made = (await t.patch(made, {"enabled": False})).json()
        endpoint.status = 200
        await wait_seconds(t, HOUR)
        await t.patch(made, {"enabled": True})
        await t.engine.wait_until_idle()
        assert {d["state"] for d in await list_shown(t, made)} == {"succeeded"}

    run(tmp_path, story)


def test_each_attempt_reads_the_url_and_the_credential_of_that_moment(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        endpoint.status = 500
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t)
        await t.patch(made, {"url": endpoint.url + "/new", "auth": BEARER})
        await wait_seconds(t, 5)
        assert endpoint.heads[1].startswith("POST /hook/new ")
        assert "authorization: bearer sesame-open-4711" in endpoint.heads[1].lower()

    run(tmp_path, story)


def test_events_and_attempts_go_after_thirty_days_in_steps_and_their_counts_stay(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        for number in range(30):
            await t.make(f"w{number}", url=endpoint.url, events=[EVENT])
        await post(t, 10)
        t.clock.now += 29 * DAY
        await post(t, 1)
        steps = 0
        t.clock.now += DAY
        while await database_of(t.store).write(lambda c: upkeep.clean_up_some(c, t.clock())):
            steps += 1
        assert steps == 3  # 300 deliveries, 100 at once
        rows = (
            "SELECT (SELECT COUNT(*) FROM events), (SELECT COUNT(*) FROM deliveries), "
            "(SELECT COUNT(*) FROM attempts)"
        )
        assert tuple(await database_of(t.store).read(lambda c: c.execute(rows).fetchone())) == (
            1,
            30,
            30,
        )
        assert await counted(t) == (330, 0)
        first = (
            await t.call(
                "GET", "/invocations?step=day&from=2026-09-01T00:00:00Z&to=2026-12-01T00:00:00Z"
            )
        ).json()
        assert sum(step["succeeded"] for step in first["steps"]) == 330

    run(tmp_path, story)


def test_what_a_deleted_webhook_received_stays_counted_in_all_and_its_queue_goes(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t, 2)
        endpoint.status = 500
        await post(t, 3)
        pending = "SELECT pending FROM totals"
        assert await database_of(t.store).read(lambda c: c.execute(pending).fetchone()[0]) == 3
        await t.call("DELETE", f"/webhooks/{made['id']}", If_Match="*")
        assert await database_of(t.store).read(lambda c: c.execute(pending).fetchone()[0]) == 0
        await wait_seconds(t, DAY)
        assert (await counted(t), len(endpoint.bodies)) == ((2, 3), 5)

    run(tmp_path, story)


def test_a_kill_between_answer_and_outcome_costs_one_duplicate_with_the_same_event_id(
    tmp_path: Path,
) -> None:
    clock = Clock()

    async def killed(t: Tenant, endpoint: Receiver) -> None:
        await t.make(url=endpoint.url, events=[EVENT])
        endpoint.gate.clear()
        await t.call("POST", "/events", {**EVENT, "event": {}, "event_id": "e-1"})
        await endpoint.arrived.wait()
        copy = sqlite3.connect(tmp_path / "copy.db")
        await database_of(t.store).read(
            lambda c: c.backup(copy)
        )  # the file as a kill would leave it
        copy.close()
        endpoint.gate.set()

    run(tmp_path, killed, clock=clock)
    folder = tmp_path / "after"
    folder.mkdir()
    (tmp_path / "copy.db").rename(folder / "tenant.db")
    for key in tmp_path.glob("tenant.db*key*"):
        key.rename(folder / key.name)

    async def after(t: Tenant, endpoint: Receiver) -> None:
        webhook = (await t.call("GET", "/webhooks")).json()["items"][0]
        await t.patch(webhook, {"url": endpoint.url})
        await t.engine.start()
        await t.engine.wait_until_idle()
        assert endpoint.bodies == []
        await wait_seconds(t, 5)
        [only] = await list_shown(t, webhook)
        assert [a["verdict"] for a in only["attempts"]] == ["interrupted", "delivered"]
        assert (only["event_id"], only["state"]) == ("e-1", "succeeded")

    run(folder, after, clock=clock)
