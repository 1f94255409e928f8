"""Operations on deliveries: list them, and send them again by hand."""

from __future__ import annotations

import sqlite3
from functools import partial

from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.operations.base import Operations
from reconciler.tenant.store.rows import deliveries, invocations, webhooks
from reconciler.tenant.store.values.delivery import BEFORE_ALL, History, Json, NewestDeliveries
from reconciler.tenant.store.values.statistics import Span
from reconciler.tenant.store.values.write import Check
from reconciler.tenant.times import DAY


class Deliveries(Operations):
    """The deliveries of a file."""

    __slots__ = ()

    async def list_page(
        self, webhook_id: str, before: int, limit: int
    ) -> list[tuple[int, Json]] | None:
        """Up to `limit` deliveries of a webhook below the sequence number `before`, newest first,
        with their attempts; None when there is no such webhook.
        """
        now = self._clock()

        def work(connection: sqlite3.Connection) -> list[tuple[int, Json]] | None:
            if webhooks.find(connection, webhook_id, now) is None:
                return None
            return deliveries.list_page(connection, webhook_id, before, limit)

        return await self._database.read(work)

    async def list_newest(self, webhook_id: str, before: int, limit: int) -> NewestDeliveries:
        """The same, and whether one of the last 24 hours has failed; empty for an unknown
        webhook.
        """
        since = self._clock() - DAY
        return await self._database.read(
            lambda c: _list_newest(c, webhook_id, before, limit, since)
        )

    async def read_history(self, webhook_id: str, span: Span, limit: int) -> History:
        """The invocations of a webhook over a span, and its newest deliveries."""
        since = self._clock() - DAY
        return await self._database.read(
            lambda c: History(
                invocations.read_steps(c, webhook_id, span),
                _list_newest(c, webhook_id, BEFORE_ALL, limit, since),
            )
        )

    async def count_pending(self, webhook_id: str) -> int:
        """How many deliveries of a webhook are not over yet."""
        return await self._database.read(lambda c: deliveries.count_pending(c, webhook_id))

    async def resend(
        self,
        webhook_id: str,
        delivery_id: str,
        check: Check | None = None,
        fault: Refusal | None = None,
    ) -> None:
        """Makes one delivery due now. Raises what `check` raises, 404, 409 for a disabled webhook,
        410 for an event that is no longer kept, and `fault` where nothing else refuses it.
        """
        now = self._clock()

        def work(connection: sqlite3.Connection) -> None:
            if check is not None:
                check(webhooks.find(connection, webhook_id, now))
            deliveries.resend(connection, webhook_id, delivery_id, now)
            if fault is not None:
                raise fault

        await self._database.write(work)

    async def resend_failed(
        self,
        webhook_id: str,
        start: float,
        end: float,
        check: Check,
        fault: Refusal | None = None,
    ) -> int:
        """Makes the failed deliveries of a span due now; returns how many these were. Raises as
        `resend`.

        In steps, each a transaction: a long span must not keep the others waiting.
        """
        now = self._clock()

        def work(
            connection: sqlite3.Connection, after: tuple[float, int]
        ) -> tuple[int, tuple[float, int] | None]:
            if not check(webhooks.find(connection, webhook_id, now)).enabled:
                raise Refusal("disabled", "enable the webhook first")
            if fault is not None:
                raise fault
            return deliveries.resend_some_failed(connection, webhook_id, after, end, now)

        count = 0
        after: tuple[float, int] | None = (start, 0)
        while after is not None:
            step, after = await self._database.write(partial(work, after=after))
            count += step
        return count


def _list_newest(
    connection: sqlite3.Connection, webhook_id: str, before: int, limit: int, since: float
) -> NewestDeliveries:
    return NewestDeliveries(
        tuple(deliveries.list_page(connection, webhook_id, before, limit)),
        deliveries.has_failed(connection, webhook_id, since),
    )
