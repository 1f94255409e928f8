"""Tests and events that are really sent: to whom, with which secret, how they are counted and
shown.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from reconciler.tenant.schedule.lanes import Pick, Rank
from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.store.rows import claims, outcomes
from reconciler.tenant.times import format_time
from tests.support.database import database_of
from tests.tenant.harness import BEARER, EVENT, Receiver, Tenant, receiver, tenant, with_tenant


def _posted(**more: Any) -> dict[str, Any]:
    return {**EVENT, "event": {"asset": "vol-1"}, **more}


def _story(folder: Path, story: Any, *, held: bool = False, **options: Any) -> None:
    async def run() -> None:
        async with receiver(held=held) as endpoint, tenant(folder, **options) as t:
            await story(t, endpoint)

    asyncio.run(run())


def test_a_test_of_unsaved_details_is_sent_and_not_counted(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        answer = await t.call(
            "POST", "/webhooks/test", {"webhook": {"url": endpoint.url, "auth": BEARER}}
        )
        assert answer.json()["verdict"] == "delivered", answer.text
        assert "authorization: bearer sesame-open-4711" in endpoint.heads[0].lower()
        assert json.loads(endpoint.bodies[0])["events"][0]["event_kind"] == EVENT["type"]
        endpoint.status = 500
        answer = await t.call(
            "POST",
            "/webhooks/test",
            {"webhook": {"url": endpoint.url}, "event": {**EVENT, "type": "x"}},
        )
        assert (answer.status_code, answer.json()["verdict"], answer.json()["status_code"]) == (
            200,
            "receiver-error",
            500,
        )
        assert (await t.call("GET", "/invocations")).json()["failed"] == 0

    _story(tmp_path, story)


def test_a_stored_secret_is_never_sent_to_another_place(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        made = await t.make(url=endpoint.url, auth=BEARER, enabled=False)
        for webhook in (
            {"url": endpoint.url + "2", "auth": {"type": "bearer"}},
            {"url": endpoint.url + "2"},
        ):
            answer = await t.call("POST", "/webhooks/test", {"webhook": webhook, "id": made["id"]})
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["pointer"] == "/webhook/auth/token"
        key = {"url": endpoint.url, "auth": {"type": "apiKey", "header": "X-A"}}
        assert (
            await t.call("POST", "/webhooks/test", {"webhook": key, "id": made["id"]})
        ).status_code == 422
        assert endpoint.heads == []
        same = {"url": endpoint.url, "auth": {"type": "bearer"}}
        assert (await t.call("POST", "/webhooks/test", {"webhook": same, "id": made["id"]})).json()[
            "verdict"
        ] == "delivered"
        assert (await t.call("POST", f"/webhooks/{made['id']}/test")).json()[
            "verdict"
        ] == "delivered"
        assert all("sesame-open-4711" in head for head in endpoint.heads)

    _story(tmp_path, story)


def test_tests_over_the_rate_are_429_with_retry_after(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        body = {"webhook": {"url": endpoint.url}}
        codes = [(await t.call("POST", "/webhooks/test", body)).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert (await t.call("POST", "/webhooks/test", body)).headers["Retry-After"] == "60"
        t.clock.now += 60
        assert (await t.call("POST", "/webhooks/test", body)).status_code == 200

    _story(tmp_path, story, tests_per_minute=2)


def test_an_event_reaches_equal_subscriptions_of_enabled_webhooks_once(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        made = await t.make("a", url=endpoint.url, events=[EVENT], auth=BEARER)
        await t.make("b", url=endpoint.url, events=[EVENT], enabled=False)
        await t.make("c", url=endpoint.url, events=[{**EVENT, "severity": "warning"}])
        answer = await t.call("POST", "/events", _posted(event_id="e-1"))
        assert (answer.status_code, answer.json()) == (202, {"event_id": "e-1", "deliveries": 1})
        await t.engine.wait_until_idle()
        assert (await t.call("POST", "/events", _posted(event_id="e-1"))).json() == answer.json()
        other = await t.call("POST", "/events", _posted(event_id="e-1", event={}))
        assert (other.status_code, other.json()["type"]) == (409, "event-id")
        await t.engine.wait_until_idle()
        sent = [json.loads(body) for body in endpoint.bodies]
        assert [
            (s["version"], s["events"][0]["event_id"], s["events"][0]["asset"]) for s in sent
        ] == [("v0", "e-1", "vol-1")]
        shown = (await t.call("GET", f"/webhooks/{made['id']}")).json()
        assert shown["invocations"]["last_day"] == {"succeeded": 1, "failed": 0}
        assert shown["revision"] == made["revision"]
        page = (await t.call("GET", f"/webhooks/{made['id']}/deliveries")).json()["items"]
        assert [
            (d["state"], d["attempts"][0]["verdict"], d["attempts"][0]["number"]) for d in page
        ] == [("succeeded", "delivered", 1)]
        steps = (await t.call("GET", f"/webhooks/{made['id']}/invocations")).json()["steps"]
        assert (len(steps), sum(step["succeeded"] for step in steps)) == (24, 1)

    _story(tmp_path, story)


def test_a_failed_delivery_can_be_sent_again_by_hand(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        made = await t.make(url=endpoint.url, events=[EVENT])
        endpoint.status = 410
        for _ in range(2):
            await t.call("POST", "/events", _posted())
        await t.engine.wait_until_idle()
        path = f"/webhooks/{made['id']}"
        first = (await t.call("GET", f"{path}/deliveries?limit=1")).json()
        second = (
            await t.call("GET", f"{path}/deliveries?limit=1&cursor={first['next_cursor']}")
        ).json()
        assert first["items"][0]["id"] != second["items"][0]["id"]
        assert first["items"][0]["state"] == "failed"
        endpoint.status = 200
        again = await t.call("POST", f"{path}/deliveries/{first['items'][0]['id']}/redeliver")
        assert again.status_code == 202
        await t.engine.wait_until_idle()
        span = {"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00+02:00"}
        assert (await t.call("POST", f"{path}/redeliver", span)).json() == {"deliveries": 1}
        await t.engine.wait_until_idle()
        states = [d["state"] for d in (await t.call("GET", f"{path}/deliveries")).json()["items"]]
        assert states == ["succeeded", "succeeded"]
        assert (await t.call("GET", "/invocations")).json()["failed"] == 2
        await t.patch(made, {"enabled": False})
        assert (
            await t.call("POST", f"{path}/deliveries/{first['items'][0]['id']}/redeliver")
        ).status_code == 409
        assert (await t.call("POST", f"{path}/redeliver", span)).json()["type"] == "disabled"
        await t.call("PATCH", path, {"enabled": True}, If_Match="*")
        t.clock.now += 31 * 86400
        assert (
            await t.call("POST", f"{path}/deliveries/{first['items'][0]['id']}/redeliver")
        ).status_code == 410

    _story(tmp_path, story)


def test_a_delivery_of_a_disabled_webhook_is_held_until_it_is_enabled(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        made = await t.make(url=endpoint.url, events=[EVENT])
        await t.call("POST", "/events", _posted())
        made = (await t.patch(made, {"enabled": False})).json()
        assert endpoint.bodies == []
        state = (await t.call("GET", f"/webhooks/{made['id']}/deliveries")).json()["items"][0]
        assert (state["state"], state["attempts"]) == ("pending", [])

    _story(tmp_path, story, deliver=False)
    resumed: list[int] = []

    async def later(t: Tenant, endpoint: Receiver) -> None:
        webhook = (await t.call("GET", "/webhooks")).json()["items"][0]
        await t.engine.start()
        await t.engine.wait_until_idle()
        assert endpoint.bodies == []
        await t.patch(webhook, {"enabled": True, "url": endpoint.url})
        await t.engine.wait_until_idle()
        resumed.append(len(endpoint.bodies))

    _story(tmp_path, later)
    assert resumed == [1]


def test_an_attempt_that_was_under_way_when_the_process_ended_counts_as_interrupted(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant) -> None:
        made = await t.make(events=[EVENT])
        await t.call("POST", "/events", _posted())
        pick = Pick(made["id"], "hooks.example.com:443", Rank.UNPROVEN, 1)
        [(_, claimed)] = await database_of(t.store).write(
            lambda c: claims.claim_picks(c, [pick], "dead", t.clock())
        )
        assert len(claimed) == 1
        assert (
            await database_of(t.store).write(
                lambda c: outcomes.recover(c, Retries(rng=lambda: 0.5), t.clock())
            )
            == 1
        )
        shown = (await t.call("GET", f"/webhooks/{made['id']}/deliveries")).json()["items"][0]
        assert (shown["state"], shown["attempts"][0]["verdict"]) == ("pending", "interrupted")
        assert shown["next_attempt"] == format_time(t.clock() + 5)
        assert (await t.call("GET", "/invocations")).json()["failed"] == 1

    with_tenant(tmp_path, story, deliver=False)


def test_stopping_waits_for_the_attempt_under_way(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        made = await t.make(url=endpoint.url, events=[EVENT])
        await t.call("POST", "/events", _posted())
        await endpoint.arrived.wait()
        stopping = asyncio.create_task(t.engine.stop())
        endpoint.gate.set()
        await stopping
        shown = (await t.call("GET", f"/webhooks/{made['id']}/deliveries")).json()["items"][0]
        assert shown["state"] == "succeeded"

    _story(tmp_path, story, held=True)


def test_over_the_most_pending_deliveries_an_event_is_429(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        await t.make(events=[EVENT])
        codes = [(await t.call("POST", "/events", _posted())).status_code for _ in range(3)]
        assert codes == [202, 202, 429]
        assert int((await t.call("POST", "/events", _posted())).headers["Retry-After"]) > 0

    with_tenant(tmp_path, story, deliver=False, max_pending=2)


def test_invocations_take_at_most_a_thousand_steps_in_utc(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        path = f"/webhooks/{(await t.make())['id']}/invocations"
        days = (
            await t.call(
                "GET", f"{path}?step=day&from=2026-01-01T10:00:00Z&to=2026-01-03T00:00:00Z"
            )
        ).json()["steps"]
        assert [day["start"] for day in days] == [
            "2026-01-01T00:00:00.000Z",
            "2026-01-02T00:00:00.000Z",
        ]
        for query in (
            "from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z",
            "step=week",
            "step=",
            # in UTC it lies in the year 10000, which no answer could write
            "to=9999-12-31T23:30:00-12:00",
            "from=yesterday",
            "from=2030-01-01T00:00:00",
        ):
            assert (await t.call("GET", f"{path}?{query}")).status_code == 400
        until = (await t.call("GET", f"{path}?to=2026-03-29T12:30:00%2B02:00")).json()["steps"]
        assert (len(until), until[0]["start"], until[-1]["start"]) == (
            24,
            "2026-03-28T11:00:00.000Z",
            "2026-03-29T10:00:00.000Z",
        )

    with_tenant(tmp_path, story)


def test_thirty_two_attempts_at_most_are_under_way_and_all_are_made(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        await t.make(url=endpoint.url, events=[EVENT])
        for _ in range(40):
            await t.call("POST", "/events", _posted())
        leased = "SELECT COUNT(*) FROM deliveries WHERE lease IS NOT NULL"
        await endpoint.arrived.wait()
        assert (await database_of(t.store).read(lambda c: c.execute(leased).fetchone()))[0] <= 32
        endpoint.gate.set()
        await t.engine.wait_until_idle()
        assert len(endpoint.bodies) == 40
        assert (await t.call("GET", "/invocations")).json()["succeeded"] == 40

    _story(tmp_path, story, held=True)


def test_a_webhook_deleted_during_an_attempt_takes_its_queue_with_it(tmp_path: Path) -> None:
    async def story(t: Tenant, endpoint: Receiver) -> None:
        made = await t.make(url=endpoint.url, events=[EVENT])
        await t.call("POST", "/events", _posted())
        await endpoint.arrived.wait()
        assert (await t.call("DELETE", f"/webhooks/{made['id']}", If_Match="*")).status_code == 204
        endpoint.gate.set()
        await t.engine.wait_until_idle()
        left = (
            "SELECT (SELECT COUNT(*) FROM deliveries) + (SELECT COUNT(*) FROM attempts) + "
            "(SELECT COUNT(*) FROM hourly)"
        )
        assert (await database_of(t.store).read(lambda c: c.execute(left).fetchone()))[0] == 0

    _story(tmp_path, story, held=True)
