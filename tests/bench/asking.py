"""What the tenant's rows ask of a served tenant, and how they are printed. Used by tests/bench
alone.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine
from typing import Any

import httpx

from tests.bench.measure import Row, seconds
from tests.support import filled
from tests.support.processes import Tenant

OPTIONS = ("--allow-network", "127.0.0.0/8")


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def bound(work: str, measured: float, allowed: float, note: str = "") -> Row:
    return Row(
        work, seconds(measured), f"at most {seconds(allowed)}{note}", measured / allowed, 1.0
    )


def event(number: int | None = None, event_id: str | None = None) -> dict[str, Any]:
    what = filled.EVENT if number is None else filled.kind(number)
    body = {
        "type": what.type,
        "version": what.version,
        "severity": what.severity,
        "event": {"asset": "vol-1"},
    }
    return body if event_id is None else {**body, "event_id": event_id}


def client(tenant: Tenant) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    headers = {"Authorization": f"Bearer {tenant.token}"}
    return httpx.AsyncClient(
        base_url=tenant.url, headers=headers, limits=limits, timeout=30, trust_env=False
    )


async def paced(
    rate: float, until: Callable[[int], bool], send: Callable[[int], Coroutine[Any, Any, None]]
) -> None:
    """`send(n)` so many times a second, each in its own task, whether the one before has ended or
    not.
    """
    tasks, began, number = set(), time.perf_counter(), 0
    while until(number):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        tasks.add(asyncio.create_task(send(number)))
        number += 1
    await asyncio.gather(*tasks)


async def posting(
    http: httpx.AsyncClient, rate: float, until: Callable[[int], bool], body: Callable[[int], Any]
) -> list[float]:
    """Posts events at a rate; the seconds that each answer took.

    Only the tenant is measured: one request comes first, with which the client loads its network
    code (40 ms), and what is in memory by then is frozen, since a collection of all garbage stops
    this process for up to 60 ms.
    """
    took: list[float] = []
    (await http.get("/webhooks", params={"limit": 1})).raise_for_status()
    gc.freeze()

    async def send(number: int) -> None:
        began = time.perf_counter()
        answer = await http.post("/events", json=body(number))
        took.append(time.perf_counter() - began)
        assert answer.status_code == 202, answer.text

    await paced(rate, until, send)
    return took
