"""The recent deliveries of a webhook, counted in the log of its product."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from reconciler.core.errors import BadAnswer, NotFound
from reconciler.core.model.webhook import Live, Use
from reconciler.providers.plugin import Observed, Session

_DAY: Final = timedelta(days=1)
_PAGES: Final = 5
"""Pages of a log that are read at most: whether there is any delivery matters more than how many
there are.
"""


@dataclass(frozen=True, slots=True)
class Logged:
    """A delivery in a log. `is_event` is False for a ping and for a repeated delivery."""

    at: datetime
    succeeded: bool
    is_event: bool = True


def find_day() -> datetime:
    """The begin of the last 24 hours."""
    return datetime.now(UTC) - _DAY


def read_time(value: object) -> datetime:
    """A time of a log. Raises BadAnswer for anything else."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadAnswer("the product's log of deliveries has no times") from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


async def count_use(pages: AsyncIterator[Iterable[Logged]]) -> Use:
    """The deliveries of the last 24 hours in a log whose newest come first. After a few pages the
    counts are `at_least`.
    """
    begin, succeeded, failed, read = find_day(), 0, 0, 0
    async for page in pages:
        for item in page:
            if item.at < begin:
                return Use(succeeded, failed)
            succeeded += item.is_event and item.succeeded
            failed += item.is_event and not item.succeeded
        read += 1
        if read == _PAGES:
            return Use(succeeded, failed, at_least=True)
    return Use(succeeded, failed)


async def find_use(session: Session, live: Live) -> Use | None:
    """The deliveries that a product knows of a webhook; None for one that is deleted already."""
    if live.use is not None or not isinstance(session, Observed):
        return live.use
    try:
        return await session.find_use(live.id)
    except NotFound:  # some products also answer it to a token without a right
        if await session.get(live.id) is None:
            return None
        raise
