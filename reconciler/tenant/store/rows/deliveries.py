"""SQL of the tables `deliveries` and `attempts` as they are shown, sent again by hand, and removed.

Claims and outcomes stand in `claims.py`.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from reconciler.tenant.problems import Refusal
from reconciler.tenant.schedule.lanes import DEAD_AFTER
from reconciler.tenant.store.values.event import KEPT
from reconciler.tenant.times import format_optional_time, format_time

SOME: Final = 100  # deliveries that are removed in one transaction, each with its attempts
STEP: Final = 500  # deliveries that are made due in one transaction


def list_page(
    connection: sqlite3.Connection, webhook_id: str, before: int, limit: int
) -> list[tuple[int, dict[str, Any]]]:
    """Up to `limit` deliveries of a webhook below the sequence number `before`, newest first, with
    their attempts.
    """
    rows = connection.execute(
        "SELECT d.seq, d.id, d.event_id, d.state, d.created_at, e.type, e.version, e.severity, "
        "CASE WHEN d.state = 'pending' AND d.lease IS NULL THEN MAX(d.next_at, "
        "COALESCE(w.held_until, 0)) END AS next_attempt "
        "FROM deliveries d JOIN events e ON e.id = d.event_id JOIN webhooks w ON w.id = "
        "d.webhook_id "
        "WHERE d.webhook_id = ? AND d.seq < ? ORDER BY d.seq DESC LIMIT ?",
        (webhook_id, before, limit),
    ).fetchall()
    if not rows:
        return []
    attempts: dict[int, list[dict[str, Any]]] = {row["seq"]: [] for row in rows}
    for row in connection.execute(
        "SELECT a.* FROM deliveries d JOIN attempts a ON a.delivery = d.seq "
        "WHERE d.webhook_id = ? AND d.seq BETWEEN ? AND ? ORDER BY a.delivery, a.number",
        (webhook_id, rows[-1]["seq"], rows[0]["seq"]),
    ):
        attempts[row["delivery"]].append(_attempt_to_json(row))
    return [(row["seq"], _to_json(row, attempts[row["seq"]])) for row in rows]


def _attempt_to_json(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "number": row["number"],
        "time": format_time(row["started_at"]),
        "verdict": row["verdict"],
        "status_code": row["status_code"],
        "detail": row["detail"],
        "seconds": row["seconds"],
    }


def _to_json(row: sqlite3.Row, attempts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "event_id": row["event_id"],
        "event": {"type": row["type"], "version": row["version"], "severity": row["severity"]},
        "state": row["state"],
        "created_at": format_time(row["created_at"]),
        "next_attempt": format_optional_time(row["next_attempt"]),
        "attempts": attempts,
    }


def resend(connection: sqlite3.Connection, webhook_id: str, delivery: str, now: float) -> None:
    """Makes one delivery due now; raises 404, 409 for a disabled webhook, 410 for an event that is
    no longer kept.
    """
    row = connection.execute(
        "SELECT d.seq, w.enabled, e.accepted_at > ? AS kept FROM deliveries d "
        "JOIN webhooks w ON w.id = d.webhook_id JOIN events e ON e.id = d.event_id WHERE "
        "d.webhook_id = ? AND d.id = ?",
        (now - KEPT, webhook_id, delivery),
    ).fetchone()
    if row is None:
        raise Refusal("not-found", "the webhook has no such delivery")
    if not row["enabled"]:
        raise Refusal("disabled", "enable the webhook first")
    if not row["kept"]:
        raise Refusal("expired", "events are kept for 30 days")
    connection.execute(f"{_AGAIN} WHERE seq = ? AND lease IS NULL", (now, row["seq"]))
    _allow_probe(connection, webhook_id)


def count_pending(connection: sqlite3.Connection, webhook_id: str) -> int:
    """How many deliveries of a webhook are not over yet."""
    cursor = connection.execute(
        "SELECT COUNT(*) FROM deliveries WHERE webhook_id = ? AND state = 'pending'", (webhook_id,)
    )
    return int(cursor.fetchone()[0])


def has_failed(connection: sqlite3.Connection, webhook_id: str, since: float) -> bool:
    """Whether a delivery of a webhook that was accepted after a moment has failed and is not being
    sent again.
    """
    cursor = connection.execute(
        "SELECT 1 FROM deliveries WHERE webhook_id = ? AND state = 'failed' AND "
        "created_at > ? LIMIT 1",
        (webhook_id, since),
    )
    return cursor.fetchone() is not None


# What was over begins a round of its own; what is pending is only brought forward.
_AGAIN: Final = (
    "UPDATE deliveries SET next_at = ?, earlier = CASE state WHEN 'pending' THEN earlier "
    "ELSE attempt END, state = 'pending'"
)


def _allow_probe(connection: sqlite3.Connection, webhook_id: str) -> None:
    """A webhook that was given up probes at once; one that asked to be left alone for a while is
    left alone.
    """
    connection.execute(
        "UPDATE webhooks SET held_until = NULL WHERE id = ? AND unreached >= ?",
        (webhook_id, DEAD_AFTER),
    )


def resend_some_failed(
    connection: sqlite3.Connection,
    webhook_id: str,
    after: tuple[float, int],
    end: float,
    now: float,
) -> tuple[int, tuple[float, int] | None]:
    """Makes some failed deliveries due now: those above `after` (moment, sequence number) and
    before `end`, oldest first.

    How many these are, and the `after` of the next step, None where there is none.
    """
    rows = connection.execute(
        "SELECT d.created_at, d.seq, e.accepted_at > ? AS kept FROM deliveries d JOIN "
        "events e ON e.id = d.event_id "
        "WHERE d.webhook_id = ? AND d.state = 'failed' AND (d.created_at, d.seq) > (?, "
        "?) AND d.created_at < ? "
        "ORDER BY d.created_at, d.seq LIMIT ?",
        (now - KEPT, webhook_id, *after, end, STEP),
    ).fetchall()
    kept = [(now, row["seq"]) for row in rows if row["kept"]]
    connection.executemany(f"{_AGAIN} WHERE seq = ?", kept)
    _allow_probe(connection, webhook_id)
    return len(kept), (rows[-1]["created_at"], rows[-1]["seq"]) if len(rows) == STEP else None


def remove(connection: sqlite3.Connection, column: str, value: str, limit: int) -> int:
    """Removes up to `limit` deliveries of a webhook or an event, with their attempts; how many
    these were.
    """
    some = f"SELECT seq FROM deliveries WHERE {column} = ? LIMIT ?"  # noqa: S608  a fixed name
    return connection.execute(
        f"DELETE FROM deliveries WHERE seq IN ({some})",  # noqa: S608  a fixed name
        (value, limit),
    ).rowcount


def clear(connection: sqlite3.Connection, webhook_id: str) -> None:
    """Removes SOME deliveries of a webhook in the table `removed`, and it from there after its last
    one.
    """
    if remove(connection, "webhook_id", webhook_id, SOME) < SOME:
        connection.execute("DELETE FROM removed WHERE webhook_id = ?", (webhook_id,))
