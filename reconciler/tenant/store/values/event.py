"""An event as it was posted, and what accepting it made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from reconciler.core.model.webhook import Subscription
from reconciler.tenant.times import DAY

MAX_PENDING: Final = 100_000  # deliveries


KEPT: Final = 30 * DAY  # seconds that bodies and attempts are kept


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it was posted; `body` is JSON text of the event object, `hash` stands for the
    whole request.
    """

    id: str
    subscription: Subscription
    body: str = field(repr=False)
    hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How many deliveries an event has, and for which webhooks they were made just now: none for an
    event that was known.
    """

    deliveries: int
    webhook_ids: tuple[str, ...] = ()
