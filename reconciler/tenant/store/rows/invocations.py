"""SQL of the counts: those on webhooks, `hourly` with a series for each webhook and one for all,
and `totals`.

No query here walks over all webhooks.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from reconciler.tenant.store.sql import make_placeholders
from reconciler.tenant.store.values.statistics import ALL, Span
from reconciler.tenant.times import HOUR, format_optional_time, format_time


def compute_day_start(now: float) -> int:
    """The hour after which the last day's 24 begin."""
    return int(now // HOUR) - 24


def count_invocations(
    connection: sqlite3.Connection, invoked: Iterable[tuple[str, bool]], now: float
) -> None:
    """Counts invocations, each the id of a webhook and whether it succeeded: for it and for all,
    since ever and in this hour.
    """
    numbers = Counter(invoked)
    sums = {
        webhook_id: (numbers[webhook_id, True], numbers[webhook_id, False])
        for webhook_id, _ in numbers
    }
    alike: dict[tuple[int, int], list[str]] = {}
    for webhook_id, counts in sums.items():
        alike.setdefault(counts, []).append(webhook_id)
    for counts, ids in alike.items():
        values = (*_list_values(counts, now), *ids)
        connection.execute(
            f"UPDATE webhooks SET {_ADDED} WHERE id IN ({make_placeholders(ids)})",  # noqa: S608  fixed text
            values,
        )
    sums[ALL] = (sum(won for won, _ in sums.values()), sum(lost for _, lost in sums.values()))
    connection.execute(f"UPDATE totals SET {_ADDED}", _list_values(sums[ALL], now))  # noqa: S608  fixed text
    hour = int(now // HOUR)
    connection.execute(
        "INSERT INTO hourly (webhook_id, hour, succeeded, failed) VALUES "  # noqa: S608  fixed text
        f"{make_placeholders(sums, '(?, ?, ?, ?)')} "
        "ON CONFLICT DO UPDATE SET succeeded = succeeded + excluded.succeeded, failed = "
        "failed + excluded.failed",
        [value for webhook_id, counts in sums.items() for value in (webhook_id, hour, *counts)],
    )


_ADDED: Final = (
    "succeeded = succeeded + ?, failed = failed + ?, last_success = COALESCE(?, last_success), "
    "last_failure = COALESCE(?, last_failure)"
)


def _list_values(counts: tuple[int, int], now: float) -> tuple[int | float | None, ...]:
    """The values of _ADDED."""
    return (*counts, *(now if number else None for number in counts))


def read_steps(connection: sqlite3.Connection, webhook_id: str, span: Span) -> list[dict[str, Any]]:
    """Counts of a webhook, or of ALL, in the steps of a span."""
    start, end, size = span
    rows = connection.execute(
        "SELECT hour / ? AS step, SUM(succeeded), SUM(failed) FROM hourly "
        "WHERE webhook_id = ? AND hour >= ? AND hour < ? GROUP BY step",
        (size, webhook_id, start, end),
    )
    steps = {row[0]: (row[1], row[2]) for row in rows}
    result = []
    for hour in range(start, end, size):
        succeeded, failed = steps.get(hour // size, (0, 0))
        result.append({"start": format_time(hour * HOUR), "succeeded": succeeded, "failed": failed})
    return result


def read_totals(connection: sqlite3.Connection, now: float) -> dict[str, Any]:
    """Counts over all webhooks, what deleted ones received included."""
    row = connection.execute(
        "SELECT succeeded, failed, last_success, last_failure FROM totals"
    ).fetchone()
    day = connection.execute(
        "SELECT COALESCE(SUM(succeeded), 0), COALESCE(SUM(failed), 0) FROM hourly WHERE "
        "webhook_id = ? AND hour > ?",
        (ALL, compute_day_start(now)),
    ).fetchone()
    return {
        "succeeded": row[0],
        "failed": row[1],
        "last_success": format_optional_time(row[2]),
        "last_failure": format_optional_time(row[3]),
        "last_day": {"succeeded": day[0], "failed": day[1]},
    }
