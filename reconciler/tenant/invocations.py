"""SQL of the counts: those on webhooks, `hourly` with a series for each webhook and one for all, and `totals`.

Called by `claims.py` (counting), `api_deliveries.py` and the page (showing). No query here walks over all webhooks.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from reconciler.tenant.times import HOUR, maybe, rfc3339

ALL: Final = ""  # whose series counts every webhook, also those that are gone


def day_ago(now: float) -> int:
    """The hour after which the last day's 24 begin."""
    return int(now // HOUR) - 24


def count(connection: sqlite3.Connection, webhook_id: str, now: float, *, won: bool) -> None:
    """Counts one invocation of a webhook: for it and for all, since ever and in this hour."""
    column, last = ("succeeded", "last_success") if won else ("failed", "last_failure")
    connection.execute(f"UPDATE webhooks SET {column} = {column} + 1, {last} = ? WHERE id = ?", (now, webhook_id))  # noqa: S608  fixed names
    connection.execute(f"UPDATE totals SET {column} = {column} + 1, {last} = ?", (now,))  # noqa: S608  likewise
    hour = int(now // HOUR)
    connection.execute(
        "INSERT INTO hourly (webhook_id, hour, succeeded, failed) VALUES (?1, ?3, ?4, ?5), (?2, ?3, ?4, ?5) "
        "ON CONFLICT DO UPDATE SET succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed",
        (webhook_id, ALL, hour, int(won), int(not won)),
    )


def steps(connection: sqlite3.Connection, webhook_id: str, start: int, end: int, size: int) -> list[dict[str, Any]]:
    """Counts of a webhook, or of ALL, in steps of `size` hours; `start` and `end` (not included) in hours, multiples of it."""
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
    """Counts over all webhooks, what deleted ones received included."""
    row = connection.execute("SELECT succeeded, failed, last_success, last_failure FROM totals").fetchone()
    day = connection.execute(
        "SELECT COALESCE(SUM(succeeded), 0), COALESCE(SUM(failed), 0) FROM hourly WHERE webhook_id = ? AND hour > ?",
        (ALL, day_ago(now)),
    ).fetchone()
    return {
        "succeeded": row[0],
        "failed": row[1],
        "last_success": maybe(row[2]),
        "last_failure": maybe(row[3]),
        "last_day": {"succeeded": day[0], "failed": day[1]},
    }
