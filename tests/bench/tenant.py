"""The tenant's rows about what it holds: purging, lists beside those of an empty tenant, paging and
crowds. All its groups.

Each at the size that its promise names.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from reconciler.tenant.store.store import Store
from tests.bench import deliveries
from tests.bench.asking import OPTIONS, bound, client, event, paced, posting, quantile
from tests.bench.measure import Row, seconds
from tests.support import filled
from tests.support.database import database_of
from tests.support.endpoint import Endpoints
from tests.support.processes import Tenant


def purging(folder: Path, *, quick: bool) -> Iterator[Row]:
    """A million attempts past their 30 days while events come in, 50 a second, until all are
    gone.
    """
    with Endpoints(1) as ends:
        with filled.store_at(folder) as store:
            ids = filled.add_webhooks(store, [ends.url(0, f"/ok/{n}") for n in range(20)])
            filled.add_history(store, ids, 100_000 if quick else 1_000_000, days=31, each=2)
        with Tenant(folder, *OPTIONS) as tenant, filled.store_at(folder) as store:
            began = time.perf_counter()

            async def run() -> list[float]:
                over = asyncio.create_task(gone(store))
                async with client(tenant) as http:
                    return await posting(
                        http, 50, lambda n: n < 500 or not over.done(), lambda _: event(99)
                    )

            took = asyncio.run(run())
            spent = time.perf_counter() - began
    yield bound(
        "POST /events while purging, p99",
        quantile(took, 0.99),
        0.1,
        f", of {len(took)}; {spent:.0f} s",
    )


async def gone(store: Store) -> None:
    """Waits until no old event is left."""
    query = "SELECT 1 FROM events WHERE accepted_at < ? LIMIT 1"
    while (
        await database_of(store).read(lambda c: c.execute(query, (time.time() - 86400,)).fetchone())
        is not None
    ):
        await asyncio.sleep(1)


def lists(folder: Path, *, quick: bool) -> Iterator[Row]:
    """The API's list, the page's and the totals of 2,000 webhooks with a million attempts, beside
    those of an empty tenant.
    """
    (folder / "full").mkdir()
    (folder / "none").mkdir()
    with filled.store_at(folder / "full") as store:
        ids = filled.add_webhooks(store, [f"https://hooks.example.com/{n}" for n in range(2000)])
        filled.add_history(store, ids, 100_000 if quick else 1_000_000, days=10)
    with Tenant(folder / "full") as full, Tenant(folder / "none") as none:
        for name, path in (("API list", "/webhooks"), ("totals", "/invocations"), ("page", "page")):
            ours, peer = asyncio.run(both(full, none, path, 60 if quick else 200))
            yield Row(
                f"2,000 webhooks, a million attempts: {name}",
                seconds(ours),
                f"empty {seconds(peer)}",
                ours / peer,
                5.0,
            )


async def signed_in(tenant: Tenant) -> httpx.AsyncClient:
    with filled.store_at(tenant.folder) as store:
        link = store.create_sign_in_address(tenant.url.removesuffix("/public-api/v1"))
    http = httpx.AsyncClient(base_url=link.partition("/sign-in")[0], trust_env=False, timeout=30)
    origin = {
        "Origin": str(http.base_url).rstrip("/"),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = await http.post(link, content=b"", headers=origin)
    assert answer.status_code in {200, 302, 303}, answer.text
    return http


async def both(full: Tenant, none: Tenant, path: str, runs: int) -> tuple[float, float]:
    clients = [await signed_in(each) if path == "page" else client(each) for each in (full, none)]
    path = "/settings/webhooks" if path == "page" else path
    took: list[list[float]] = [[], []]
    for _ in range(runs):
        for number, http in enumerate(clients):
            began = time.perf_counter()
            answer = await http.get(path)
            took[number].append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.text
    for http in clients:
        await http.aclose()
    return quantile(took[0], 0.95), quantile(took[1], 0.95)


def paging(folder: Path, *, quick: bool) -> Iterator[Row]:
    """10,000 webhooks read page by page at 50 writes a second; then 50 readers and 5 writers."""
    with filled.store_at(folder) as store:
        ids = filled.add_webhooks(store, [f"https://hooks.example.com/{n}" for n in range(10_000)])
    with Tenant(folder) as tenant:
        seen, codes = asyncio.run(_paged(tenant, ids))
        again = [name for name, count in Counter(seen).items() if count > 1]
        missing = set(ids) - set(seen)
        wrong = len(again) + len(missing)
        yield Row(
            "10,000 webhooks paged at 50 writes/s: ids wrong", str(wrong), "none", float(wrong), 0.0
        )
        codes += asyncio.run(_crowd(tenant, ids, 5 if quick else 20))
    faults = sum(code >= 500 for code in codes)
    yield Row(
        f"50 readers, 5 writers: {len(codes)} answers, 5xx", str(faults), "none", float(faults), 0.0
    )


async def _paged(tenant: Tenant, ids: list[str]) -> tuple[list[str], list[int]]:
    seen: list[str] = []
    codes: list[int] = []
    done = False
    async with client(tenant) as http:

        async def write(number: int) -> None:
            if number % 2:
                body = {"name": f"new {number}", "url": "https://hooks.example.com/new"}
                codes.append((await http.post("/webhooks", json=body)).status_code)
                return
            codes.append(await _edit(http, random.choice(ids), f"edit {number}"))

        writing = asyncio.create_task(paced(50, lambda _: not done, write))
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": 50} | ({"cursor": cursor} if cursor else {})
            page = (await http.get("/webhooks", params=query)).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        done = True
        await writing
    return seen, codes


async def _edit(http: httpx.AsyncClient, webhook_id: str, text: str) -> int:
    headers = {"If-Match": "*", "Content-Type": "application/merge-patch+json"}
    answer = await http.patch(
        f"/webhooks/{webhook_id}", json={"description": text}, headers=headers
    )
    return answer.status_code


async def _crowd(tenant: Tenant, ids: list[str], length: float) -> list[int]:
    codes: list[int] = []
    until = time.monotonic() + length
    async with client(tenant) as http:

        async def read() -> None:
            while time.monotonic() < until:
                path = random.choice(
                    ["/webhooks?limit=20", f"/webhooks/{random.choice(ids)}", "/invocations"]
                )
                codes.append((await http.get(path)).status_code)

        async def write() -> None:
            while time.monotonic() < until:
                codes.append(await _edit(http, random.choice(ids), str(random.random())))

        await asyncio.gather(*(read() for _ in range(50)), *(write() for _ in range(5)))
    return codes


GROUPS: dict[str, Callable[..., Iterator[Row]]] = {
    "throughput": deliveries.throughput,
    "isolation": deliveries.isolation,
    "names": deliveries.names,
    "backlog": deliveries.backlog,
    "purging": purging,
    "lists": lists,
    "paging": paging,
    "killing": deliveries.killing,
}
