"""Operations that count: invocations in steps and in all, and what a scrape reads."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from reconciler.tenant.store.operations.base import Operations
from reconciler.tenant.store.rows import invocations, totals, webhooks
from reconciler.tenant.store.values.delivery import Json
from reconciler.tenant.store.values.statistics import ALL, Metrics, Span


class Statistics(Operations):
    """The counts of a file."""

    __slots__ = ()

    async def read_steps(self, webhook_id: str, span: Span) -> list[Json] | None:
        """The invocations of a webhook over a span; None when there is no such webhook."""
        now = self._clock()

        def work(connection: sqlite3.Connection) -> list[Json] | None:
            if webhooks.find(connection, webhook_id, now) is None:
                return None
            return invocations.read_steps(connection, webhook_id, span)

        return await self._database.read(work)

    async def read_totals(self, span: Span | None = None) -> Json:
        """The invocations of all webhooks; with a span also its `steps`."""
        now = self._clock()

        def work(connection: sqlite3.Connection) -> Json:
            invoked = invocations.read_totals(connection, now)
            if span is not None:
                invoked["steps"] = invocations.read_steps(connection, ALL, span)
            return invoked

        return await self._database.read(work)

    async def read_metrics(self, *, per_webhook: bool) -> Metrics:
        """What a scrape shows; the webhooks one by one only where they are wanted."""

        def work(connection: sqlite3.Connection) -> Metrics:
            overall = totals.read_totals(connection)
            webhooks, count = totals.read_numbers(connection) if per_webhook else ((), 0)
            return Metrics(overall, webhooks, count, _measure(self._database.path))

        return await self._database.read(work)

    async def check_readable(self) -> None:
        """Reads something small; raises StorageFailed if the file cannot be read."""
        await self._database.read(totals.check_readable)


def _measure(path: str) -> int:
    """The bytes of the file and its log on disk."""
    size = 0
    for name in (path, path + "-wal"):
        with suppress(OSError):
            size += Path(name).stat().st_size
    return size
