"""SQL of the table `hourly` and of the counters on webhooks.

Called by `deliveries.py` (counting) and `api_deliveries.py` (showing).
"""

from __future__ import annotations

import sqlite3
from typing import Any

from reconciler.tenant.times import HOUR, maybe, rfc3339


def count(connection: sqlite3.Connection, webhook_id: str, now: float, *, won: bool) -> None:
    """Counts one invocation of a webhook, in its totals and in this hour."""
    column, last = ("succeeded", "last_success") if won else ("failed", "last_failure")
    connection.execute(f"UPDATE webhooks SET {column} = {column} + 1, {last} = ? WHERE id = ?", (now, webhook_id))  # noqa: S608  fixed names
    connection.execute(
        "INSERT INTO hourly (webhook_id, hour, succeeded, failed) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed",
        (webhook_id, int(now // HOUR), int(won), int(not won)),
    )


def steps(connection: sqlite3.Connection, webhook_id: str, start: int, end: int, size: int) -> list[dict[str, Any]]:
    """Counts of a webhook in steps of `size` hours; `start` and `end` (not included) in hours, multiples of `size`."""
    rows = connection.execute(
        "SELECT hour / ? AS step, SUM(succeeded), SUM(failed) FROM hourly "
        "WHERE webhook_id = ? AND hour >= ? AND hour < ? GROUP BY step",
        (size, webhook_id, start, end),
    )
    found = {row[0]: (row[1], row[2]) for row in rows}
    result = []
    for hour in range(start, end, size):
        succeeded, failed = found.get(hour // size, (0, 0))
        result.append({"start": rfc3339(hour * HOUR), "succeeded": succeeded, "failed": failed})
    return result


def totals(connection: sqlite3.Connection, now: float) -> dict[str, Any]:
    """Counts over all webhooks that exist."""
    row = connection.execute(
        "SELECT COALESCE(SUM(succeeded), 0), COALESCE(SUM(failed), 0), MAX(last_success), MAX(last_failure) FROM webhooks"
    ).fetchone()
    day = connection.execute(
        "SELECT COALESCE(SUM(h.succeeded), 0), COALESCE(SUM(h.failed), 0) FROM hourly h "
        "JOIN webhooks w ON w.id = h.webhook_id WHERE h.hour > ?",
        (int(now // HOUR) - 24,),
    ).fetchone()
    return {
        "succeeded": row[0],
        "failed": row[1],
        "last_success": maybe(row[2]),
        "last_failure": maybe(row[3]),
        "last_day": {"succeeded": day[0], "failed": day[1]},
    }
