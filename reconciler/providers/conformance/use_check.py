"""The check of a provider that counts deliveries."""

from __future__ import annotations

import asyncio
from typing import Final

from reconciler.core.model.webhook import Live, Use
from reconciler.providers.conformance.subject import Subject, require

_COUNT: Final = 3
_LOOKS: Final = 100  # for the deliveries in the product's counts
_PAUSE: Final = 0.05  # seconds between two of them


async def recent_deliveries_are_counted(subject: Subject) -> None:
    """After some deliveries at a receiver, that is their count."""
    receiver, deliver = subject.receiver, subject.deliver
    if receiver is None or deliver is None:
        raise AssertionError("a provider that counts deliveries needs Place(deliver=…)")
    live = await subject.make(url=receiver.url)
    before = await _find_use(subject, live)
    require(before == Use(), f"before any delivery the counts are {before}")
    for _ in range(_COUNT):
        await asyncio.to_thread(deliver)
    use = None
    for _ in range(_LOOKS):  # a product may count later than it delivers
        use = await _find_use(subject, live)
        if use is not None and use.succeeded >= _COUNT:
            break
        await asyncio.sleep(_PAUSE)
    require(len(receiver.deliveries) == _COUNT, f"{len(receiver.deliveries)} deliveries arrived")
    require(use == Use(_COUNT), f"after {_COUNT} deliveries the counts are {use}")


async def _find_use(subject: Subject, live: Live) -> Use | None:
    """As a plan gets them: in a listing, else asked for."""
    (listed,) = [item for item in await subject.provider.list() if item.id == live.id]
    if subject.capabilities.usage == "listing":
        return listed.use
    require(listed.use is None, "a listing has counts, so the capabilities should say so")
    return await subject.provider.find_use(listed)
