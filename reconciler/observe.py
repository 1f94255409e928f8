"""Asks for the recent deliveries of what a plan removes, for tenants whose listings have no counts.

One request or a few per removed webhook, and none for a plan without removals.
"""

from __future__ import annotations

import asyncio

from reconciler.core.change import Plan
from reconciler.core.errors import ProviderError
from reconciler.core.model.webhook import Live, Use
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.safety.use import add_use, find_unknown_use
from reconciler.providers.base import Reader


async def observe(plan: Plan, provider: Reader, policy: RunPolicy) -> Plan:
    """The plan with those deliveries, checked again. If the tenant does not answer for a webhook,
    its use stays unknown, and a warning names it.
    """
    use_by_id: dict[str, Use] = {}
    warnings: dict[str, str] = {}
    room = asyncio.Semaphore(provider.capabilities.parallelism)

    async def ask(live: Live) -> None:
        async with room:
            try:
                use = await provider.find_use(live)
            except ProviderError as error:
                text = (
                    f"{live.spec.name} (id {live.id}): its recent deliveries are unknown: {error}"
                )
                warnings[live.id] = text
                return
        if use is not None:
            use_by_id[live.id] = use

    removed = find_unknown_use(plan)
    async with asyncio.TaskGroup() as group:
        for live in removed:
            group.create_task(ask(live))
    ordered = (warnings[live.id] for live in removed if live.id in warnings)
    return add_use(plan, use_by_id, ordered, policy)
