"""The tenant's rows about delivering: throughput, endpoints and names that hang, a backlog, and
being killed.

Absolute bounds are rows too: their ratio is what was measured over what is allowed, their budget 1.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from reconciler.delivery.envelope import envelope, real_event
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.tenant.engine.engine import Engine
from reconciler.tenant.store.rows import events
from reconciler.tenant.store.values.event import NewEvent
from tests.bench.asking import OPTIONS, bound, client, event, paced, posting, quantile
from tests.bench.measure import Row
from tests.support import filled
from tests.support.database import database_of
from tests.support.endpoint import Endpoints
from tests.support.processes import Tenant, start

LEASED = "SELECT COUNT(*) FROM deliveries WHERE lease IS NOT NULL"


def rate_of(seen: list[tuple[str, str, float]]) -> float:
    times = sorted(item[2] for item in seen)
    return (len(times) - 1) / (times[-1] - times[0])


async def bare_loop(urls: list[str], bodies: list[bytes], concurrency: int) -> None:
    """What a script would do: httpx, the same bodies, so many at once."""
    queue = iter(zip(bodies, (urls[n % len(urls)] for n in range(len(bodies))), strict=True))
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:

        async def work() -> None:
            for body, url in queue:
                answer = await http.post(
                    url, content=body, headers={"Content-Type": "application/json"}
                )
                assert answer.status_code == 200

        await asyncio.gather(*(work() for _ in range(concurrency)))


def throughput(folder: Path, *, quick: bool) -> Iterator[Row]:
    """8 webhooks at 4 places, so that 32 attempts are under way; and the same 32 at once without a
    file.
    """
    count = 2000 if quick else 6000
    with Endpoints(4) as ends:
        urls = [ends.url(n, f"/ok/{n}") for n in range(8)]
        with filled.store_at(folder) as store:
            filled.add_pending(store, filled.add_webhooks(store, urls), count // 8)
        with Tenant(folder, *OPTIONS) as tenant:

            async def post_during_delivery() -> list[float]:
                through = asyncio.create_task(asyncio.to_thread(ends.wait, count, 120))
                async with client(tenant) as http:
                    return await posting(
                        http, 20, lambda n: n < 40 or not through.done(), lambda _: event(99)
                    )

            took = asyncio.run(post_during_delivery())
        ours = rate_of(ends.seen()[:count])
    with Endpoints(4) as ends:
        text = envelope(
            real_event(
                filled.KIND, "v0", json.loads(filled.BODY), "0" * 36, "2026-01-01T00:00:00.000Z"
            )
        )
        asyncio.run(bare_loop([ends.url(n, "/ok") for n in range(8)], [text] * count, 32))
        bare = rate_of(ends.seen())
    yield Row(
        f"deliver {count} events, 32 at once",
        f"{ours:.0f}/s",
        f"bare httpx loop {bare:.0f}/s",
        bare / ours,
        2.0,
    )
    yield bound(
        "POST /events during delivery, p99", quantile(took, 0.99), 0.05, f", of {len(took)}"
    )


def latencies(seen: list[tuple[str, str, float]], sent: dict[str, float]) -> list[float]:
    return [at - sent[event_id] for path, event_id, at in seen if path.startswith("/ok")]


def isolation(folder: Path, *, quick: bool) -> Iterator[Row]:
    """20 endpoints that hang and 20 that do not, all new, 100 deliveries a second shared among
    them.
    """
    length = 1500 if quick else 6000
    with Endpoints(40) as ends:
        urls = [ends.url(n, f"/{'hang' if n % 2 else 'ok'}/{n}") for n in range(40)]
        with filled.store_at(folder) as store:
            filled.add_webhooks(store, urls, own_event=True)
        with Tenant(folder, *OPTIONS) as tenant:
            sent: dict[str, float] = {}

            def body(number: int) -> Any:
                sent[f"e{number}"] = time.time()
                return event(number % 40, f"e{number}")

            async def run() -> None:
                async with client(tenant) as http:
                    await posting(http, 100, lambda n: n < length, body)

            asyncio.run(run())
            ends.wait(length // 2, 5)
            found = latencies(ends.seen(), sent)
    assert len(found) == length // 2, len(found)
    yield bound("20 hang, 20 healthy, 100/s: p99", quantile(found, 0.99), 2.0, f", of {len(found)}")


def names(folder: Path, *, quick: bool) -> Iterator[Row]:
    """8 names whose lookup never ends beside 20 that resolve, 100 deliveries a second; in this
    process, for the resolver.
    """
    with Endpoints(28) as ends:
        urls = [
            ends.url(n, f"/ok/{n}", f"{'slow' if n < 8 else 'fast'}-{n}.test") for n in range(28)
        ]
        with filled.store_at(folder) as store:
            filled.add_webhooks(store, urls, own_event=True)
        found = asyncio.run(_beside_slow_names(folder, ends, 1000 if quick else 4000))
    yield bound(
        "8 names hang, 20 resolve, 100/s: p99", quantile(found, 0.99), 1.0, f", of {len(found)}"
    )


async def _beside_slow_names(folder: Path, ends: Endpoints, length: int) -> list[float]:
    over = threading.Event()

    def resolve(host: str, _port: int) -> list[str]:
        if host.startswith("slow"):
            over.wait()
            return []
        return ["127.0.0.1"]

    sent: dict[str, float] = {}
    with filled.store_at(folder) as store:
        async with Sender(AddressPolicy.parse(["127.0.0.0/8"]), resolve=resolve) as sender:
            engine = Engine(store, sender)
            await engine.start()

            async def post(number: int) -> None:
                new = NewEvent(f"e{number}", filled.kind(number % 28), filled.BODY, b"")
                now = sent[new.id] = time.time()
                accepted = await database_of(store).write(
                    lambda c: events.accept(c, new, now, store.new_id, 100_000)
                )
                engine.note_arrival(accepted.webhook_ids, now)

            await paced(100, lambda n: n < length, post)
            await asyncio.to_thread(ends.wait, sum(number % 28 >= 8 for number in range(length)), 5)
            over.set()
            await engine.stop()
    return latencies(ends.seen(), sent)


def backlog(folder: Path, *, quick: bool) -> Iterator[Row]:
    """100,000 pending for 100 webhooks when the tenant starts."""
    with Endpoints(20) as ends:
        with filled.store_at(folder) as store:
            filled.add_pending(
                store,
                filled.add_webhooks(store, [ends.url(n, f"/ok/{n}") for n in range(100)]),
                1000,
            )
        began = time.time()
        process = start("tenant", "serve", "--db", "tenant.db", "--port", "0", *OPTIONS, cwd=folder)
        try:
            first = min(item[2] for item in ends.wait(1, 30)) - began
            time.sleep(2 if quick else 20)
            peak = next(
                line
                for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
                if "VmHWM" in line
            )
        finally:
            process.terminate()
            process.communicate()
    yield bound("100,000 pending: the first send", first, 5.0)
    mebibytes = int(peak.split()[1]) / 1024
    yield Row(
        "100,000 pending: memory", f"{mebibytes:.0f} MiB", "at most 200 MiB", mebibytes / 200, 1.0
    )


def killing(folder: Path, *, quick: bool) -> Iterator[Row]:
    """`kill -9` again and again while 2,000 events go to 3 endpoints: nothing lost, few twice."""
    kills = 5 if quick else 20
    lost, twice, under_way = killed(folder, kills, 2000)
    yield Row(
        f"{kills} x kill -9, 2,000 events, 3 endpoints: lost", str(lost), "none", float(lost), 0.0
    )
    yield Row(
        "  sent twice",
        str(twice),
        f"under way at the kills: {under_way}",
        twice / max(under_way, 1),
        1.0,
    )


def killed(folder: Path, kills: int, total: int) -> tuple[int, int, int]:
    """How many of `total` events to each of 3 endpoints were lost and sent twice, and how many were
    under way at the kills.
    """
    with Endpoints(3) as ends:
        with filled.store_at(folder) as store:
            filled.add_webhooks(store, [ends.url(n, f"/ok/{n}") for n in range(3)])
        tenant = Tenant(folder, *OPTIONS, "--retry-schedule", "1s,1s,1s,2s,2s,2s,4s,4s,4s,4s")
        try:
            under_way = asyncio.run(_killed(tenant, folder, kills, total))
            ends.wait(total * 3, 60)
            time.sleep(3)  # a second copy would come now
            seen = Counter((path, event_id) for path, event_id, _ in ends.seen())
        finally:
            tenant.__exit__()
    return total * 3 - len(seen), sum(seen.values()) - len(seen), under_way


async def _killed(tenant: Tenant, folder: Path, kills: int, total: int) -> int:
    """Posts every event until it was accepted, and kills the tenant; how many attempts were under
    way at the kills in all.
    """
    tenant.serve()
    queue = iter(range(total))
    gone = 0

    async def post() -> None:
        for number in queue:
            while True:
                try:
                    async with client(tenant) as http:
                        answer = await http.post("/events", json=event(event_id=f"e{number}"))
                    if answer.status_code == 202:
                        break
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(2 * kills / total)

    posting_all = asyncio.gather(*(post() for _ in range(4)))
    under_way = 0
    while gone < kills:
        await asyncio.sleep(random.uniform(0.3, 0.9))
        await asyncio.to_thread(tenant.kill)
        with filled.store_at(folder) as store:
            under_way += database_of(store).write_now(lambda c: c.execute(LEASED).fetchone()[0])
        await asyncio.to_thread(tenant.serve)
        gone += 1
    await posting_all
    return under_way
