"""A tenant with one endpoint and a clock that a test moves. Used by the tests of the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from reconciler.tenant.schedule.retries import Retries
from tests.tenant.harness import EVENT, Receiver, Tenant, receiver, tenant

Story = Callable[[Tenant, Receiver], Awaitable[None]]


def run(folder: Path, story: Story, *, rng: float = 0.5, **options: Any) -> None:
    """A story with one endpoint; `rng` of 0.5 is no jitter."""

    async def main() -> None:
        retries = options.pop("retries", Retries(rng=lambda: rng))
        async with receiver() as endpoint, tenant(folder, retries=retries, **options) as t:
            await story(t, endpoint)

    asyncio.run(main())


async def post(t: Tenant, count: int = 1) -> None:
    for _ in range(count):
        assert (await t.call("POST", "/events", {**EVENT, "event": {}})).status_code == 202
    await t.engine.wait_until_idle()


async def wait_seconds(t: Tenant, seconds: float) -> None:
    """Lets the clock go on, and the engine do what is due then."""
    t.clock.now += seconds
    t.engine.wake()
    await t.engine.wait_until_idle()


async def list_shown(t: Tenant, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    """The webhook's deliveries, oldest first."""
    return list(
        reversed(
            (await t.call("GET", f"/webhooks/{webhook['id']}/deliveries?limit=500")).json()["items"]
        )
    )


async def counted(t: Tenant) -> tuple[int, int]:
    totals = (await t.call("GET", "/invocations")).json()
    return totals["succeeded"], totals["failed"]
