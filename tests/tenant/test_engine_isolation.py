"""Slow endpoints and names beside healthy ones, and people who edit and read while the engine
delivers.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from reconciler.delivery.guard import AddressPolicy, Resolve, resolve_by_system
from reconciler.delivery.send import Sender
from reconciler.tenant.server.app import create_app
from reconciler.tenant.store.store import open_store
from reconciler.tenant.store.values.webhook import StoredAuth, make_target
from tests.support import filled
from tests.support.endpoint import Endpoints
from tests.tenant.harness import EVENT, LOCAL, Clock, Tenant, receiver, tenant


@contextmanager
def hanging_names() -> Iterator[tuple[Resolve, list[str], threading.Event]]:
    """A resolver for which names that begin with `slow` hang until the event is set, and what it
    was asked.
    """
    over, asked = threading.Event(), list[str]()

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        if host.startswith("slow"):
            over.wait()
            return []
        return ["127.0.0.1"] if host.endswith(".test") else resolve_by_system(host, port)

    try:
        yield resolve, asked, over
    finally:
        over.set()


@asynccontextmanager
async def running(folder: Path, resolve: Resolve) -> AsyncIterator[Tenant]:
    sender = Sender(AddressPolicy.parse(["127.0.0.0/8"]), resolve=resolve)
    with open_store(str(folder / "tenant.db")) as store:
        async with sender:
            app = create_app(store, sender, local_token=LOCAL)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
                yield Tenant(store, app, http, Clock(time.time()))
            await sender.close()  # ends what hangs as interrupted, instead of waiting for it
            await app.state.engine.stop()


async def latencies(
    t: Tenant, ends: Endpoints, count: int, webhooks: int, rate: float
) -> list[float]:
    """Posts events to the webhooks in turn, and tells the seconds until those of healthy ones
    arrived, sorted.
    """
    sent: dict[str, float] = {}
    began = time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        what, event_id = filled.kind(number % webhooks), f"e{number}"
        body = {
            "type": what.type,
            "version": what.version,
            "severity": what.severity,
            "event": {},
            "event_id": event_id,
        }
        sent[event_id] = time.time()
        assert (await t.call("POST", "/events", body)).status_code == 202
    healthy = count // 2
    seen = await asyncio.to_thread(ends.wait, healthy, 5)
    return sorted(at - sent[event_id] for path, event_id, at in seen if path.startswith("/ok"))


def test_names_whose_lookup_hangs_do_not_delay_the_others(tmp_path: Path) -> None:
    async def main(ends: Endpoints, resolve: Resolve, over: threading.Event) -> None:
        urls = [
            ends.url(n, f"/ok/{n}", f"{'slow' if n % 2 else 'fast'}-{n}.test") for n in range(16)
        ]
        with filled.store_at(tmp_path) as store:
            filled.add_webhooks(store, urls, own_event=True)
        async with running(tmp_path, resolve) as t:
            found = await latencies(t, ends, 320, 16, 40)
            assert len(found) == 160
            assert found[int(len(found) * 0.99)] <= 1.0
            over.set()

    with hanging_names() as (resolve, _, over), Endpoints(16) as ends:
        asyncio.run(main(ends, resolve, over))


def test_a_name_that_hangs_takes_two_of_the_resolver_s_threads_at_most(tmp_path: Path) -> None:
    async def main(ends: Endpoints, resolve: Resolve, asked: list[str]) -> None:
        async with Sender(
            AddressPolicy.parse(["127.0.0.0/8"]), resolve=resolve, total=0.3
        ) as sender:

            def attempt(host: str) -> object:
                return sender.send(
                    make_target("w", ends.url(0, "/ok", host), StoredAuth(), None),
                    filled.EVENT,
                    b"{}",
                )

            slow = await asyncio.gather(*(attempt("slow.test") for _ in range(40)))
            assert {outcome.verdict.value for outcome in slow} <= {"timeout", "unresolved"}
            assert asked.count("slow.test") == 2
            assert (await attempt("fast.test")).verdict.value == "delivered"
            assert asked.count("fast.test") == 1

    with hanging_names() as (resolve, asked, _), Endpoints(1) as ends:
        asyncio.run(main(ends, resolve, asked))


@pytest.mark.long
def test_endpoints_that_hang_do_not_delay_the_healthy_ones(tmp_path: Path) -> None:
    async def main(ends: Endpoints) -> None:
        urls = [ends.url(n, f"/{'hang' if n % 2 else 'ok'}/{n}") for n in range(40)]
        with filled.store_at(tmp_path) as store:
            filled.add_webhooks(store, urls, own_event=True)
        async with running(tmp_path, resolve_by_system) as t:
            found = await latencies(t, ends, 400, 40, 100)
            assert len(found) == 200
            assert found[int(len(found) * 0.99)] <= 2.0

    with Endpoints(40) as ends:
        asyncio.run(main(ends))


def test_deliveries_never_change_a_revision_and_of_two_racing_edits_one_wins(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with receiver() as endpoint, tenant(tmp_path) as t:
            made = await t.make(url=endpoint.url, events=[EVENT])
            for _ in range(1000):
                body = {"event": {}, **EVENT}
                assert (await t.call("POST", "/events", body)).status_code == 202
            for number in range(100):
                answer = await t.patch(made, {"description": f"edit {number}"})
                assert answer.status_code == 200, answer.text
                made = answer.json()
            racing = await asyncio.gather(
                *(t.patch(made, {"description": text}) for text in ("this", "that"))
            )
            assert sorted(answer.status_code for answer in racing) == [200, 412]
            await t.engine.wait_until_idle()
            assert len(endpoint.bodies) == 1000

    asyncio.run(main())


def test_fifty_equal_creates_at_once_with_one_key_make_one_webhook(tmp_path: Path) -> None:
    async def main() -> None:
        async with tenant(tmp_path) as t:
            body = {"name": "one", "url": "https://hooks.example.com/a"}
            answers = await asyncio.gather(
                *(t.call("POST", "/webhooks", body, Idempotency_Key="k-1") for _ in range(50))
            )
            codes = Counter(answer.status_code for answer in answers)
            assert set(codes) <= {201, 409}
            assert codes[201] >= 1
            assert (
                len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
            )
            assert len((await t.call("GET", "/webhooks")).json()["items"]) == 1

    asyncio.run(main())


def test_a_webhook_appears_once_in_a_listing_during_many_writes(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        with filled.store_at(tmp_path) as store:
            ids = filled.add_webhooks(store, ["https://hooks.example.com/a"] * 600)
        async with tenant(tmp_path) as t:
            seen: Counter[str] = Counter()
            cursor, number = "", 0
            while cursor is not None:
                page = (
                    await t.call(
                        "GET", f"/webhooks?limit=25{'&cursor=' + cursor if cursor else ''}"
                    )
                ).json()
                seen.update(item["id"] for item in page["items"])
                cursor = page["next_cursor"]
                number += 1
                await t.make(f"new {number}")
                await t.call(
                    "PATCH", f"/webhooks/{ids[number]}", {"name": f"renamed {number}"}, If_Match="*"
                )
            assert [seen[webhook_id] for webhook_id in ids] == [1] * 600
            assert max(seen.values()) == 1

    asyncio.run(main())


def test_readers_and_writers_at_once_are_all_answered(tmp_path: Path) -> None:
    async def main() -> None:
        with filled.store_at(tmp_path) as store:
            ids = filled.add_webhooks(store, ["https://hooks.example.com/a"] * 100)
        async with tenant(tmp_path) as t:
            codes: Counter[int] = Counter()

            async def read() -> None:
                for webhook_id in ids[:10]:
                    codes[(await t.call("GET", f"/webhooks/{webhook_id}")).status_code] += 1

            async def write(text: str) -> None:
                for webhook_id in ids[:10]:
                    answer = await t.call(
                        "PATCH", f"/webhooks/{webhook_id}", {"description": text}, If_Match="*"
                    )
                    codes[answer.status_code] += 1

            await asyncio.gather(
                *(read() for _ in range(50)), *(write(str(number)) for number in range(5))
            )
            assert codes == {200: 550}

    asyncio.run(main())
