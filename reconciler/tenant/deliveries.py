"""SQL of the tables `deliveries` and `attempts`: listing, claiming, outcomes, sending again.

Called by `api_deliveries.py` and `engine.py`.
One attempt for each claim; when a failed one is tried again is for the retrying engine, for which the columns are there.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.model import Subscription
from reconciler.core.report import Delivery, Verdict
from reconciler.tenant import invocations
from reconciler.tenant.events import KEPT
from reconciler.tenant.problems import Refusal
from reconciler.tenant.times import maybe, rfc3339

INTERRUPTED = "the sender stopped before an answer came"  # of the closed list in delivery/detail.py
BEFORE_ALL = 1 << 62  # above every sequence number


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt that may be sent now: which delivery, its number, the event and for whom."""

    seq: int
    number: int
    webhook_id: str
    event_id: str
    subscription: Subscription
    body: str = field(repr=False)
    accepted_at: float


def listed(connection: sqlite3.Connection, webhook_id: str, before: int, limit: int) -> list[tuple[int, dict[str, Any]]]:
    """Up to `limit` deliveries of a webhook below the sequence number `before`, newest first, with their attempts."""
    rows = connection.execute(
        "SELECT d.seq, d.id, d.event_id, d.state, d.next_at, d.created_at, e.type, e.version, e.severity "
        "FROM deliveries d JOIN events e ON e.id = d.event_id "
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
        "time": rfc3339(row["started_at"]),
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
        "created_at": rfc3339(row["created_at"]),
        "next_attempt": maybe(row["next_at"]) if row["state"] == "pending" else None,
        "attempts": attempts,
    }


def claim(connection: sqlite3.Connection, lease: str, limit: int, now: float) -> list[Claim]:
    """Takes up to `limit` due deliveries of enabled webhooks: attempt number and lease are stored before anything is sent."""
    rows = connection.execute(
        "SELECT d.seq, d.attempt, d.webhook_id, d.event_id, e.type, e.version, e.severity, e.body, e.accepted_at "
        "FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id JOIN events e ON e.id = d.event_id "
        "WHERE d.state = 'pending' AND d.next_at <= ? AND d.lease IS NULL AND w.enabled AND e.body IS NOT NULL "
        "ORDER BY d.next_at LIMIT ?",
        (now, limit),
    ).fetchall()
    for row in rows:
        connection.execute(
            "UPDATE deliveries SET attempt = attempt + 1, lease = ?, lease_at = ? WHERE seq = ?", (lease, now, row["seq"])
        )
        connection.execute(
            "INSERT INTO attempts (delivery, number, started_at) VALUES (?, ?, ?)", (row["seq"], row["attempt"] + 1, now)
        )
    return [
        Claim(
            row["seq"],
            row["attempt"] + 1,
            row["webhook_id"],
            row["event_id"],
            Subscription(row["type"], row["version"], row["severity"]),
            row["body"],
            row["accepted_at"],
        )
        for row in rows
    ]


def finish(connection: sqlite3.Connection, claimed: Claim, outcome: Delivery, now: float) -> None:
    """Stores an attempt's outcome, the delivery's state and the counters; nothing where the webhook is gone."""
    won = outcome.verdict is Verdict.DELIVERED
    changed = connection.execute(
        "UPDATE deliveries SET state = ?, next_at = NULL, lease = NULL, lease_at = NULL WHERE seq = ? AND attempt = ?",
        ("succeeded" if won else "failed", claimed.seq, claimed.number),
    ).rowcount
    if not changed:
        return
    connection.execute(
        "UPDATE attempts SET verdict = ?, status_code = ?, detail = ?, seconds = ? WHERE delivery = ? AND number = ?",
        (outcome.verdict.value, outcome.status_code, outcome.detail, round(outcome.seconds, 6), claimed.seq, claimed.number),
    )
    invocations.count(connection, claimed.webhook_id, now, won=won)


def release(connection: sqlite3.Connection, claimed: Claim) -> None:
    """Takes a claim back that was not sent: no attempt, not counted."""
    connection.execute(
        "UPDATE deliveries SET attempt = attempt - 1, lease = NULL, lease_at = NULL WHERE seq = ? AND attempt = ?",
        (claimed.seq, claimed.number),
    )
    connection.execute("DELETE FROM attempts WHERE delivery = ? AND number = ?", (claimed.seq, claimed.number))


def recover(connection: sqlite3.Connection, now: float) -> int:
    """Counts every attempt that was under way when the last engine ended as failed, `interrupted`; how many these were."""
    rows = connection.execute("SELECT seq, attempt, webhook_id FROM deliveries WHERE lease IS NOT NULL").fetchall()
    for row in rows:
        interrupted = Delivery("", Subscription("", None, None), Verdict.INTERRUPTED, None, INTERRUPTED)
        nothing = Claim(row["seq"], row["attempt"], row["webhook_id"], "", interrupted.event, "", 0.0)
        finish(connection, nothing, interrupted, now)
    return len(rows)


def send_again(connection: sqlite3.Connection, webhook_id: str, delivery: str, now: float) -> None:
    """Makes one delivery due now; raises 404, 409 for a disabled webhook, 410 for an event that is no longer kept."""
    row = connection.execute(
        "SELECT d.seq, w.enabled, e.body IS NOT NULL AND e.accepted_at > ? AS kept FROM deliveries d "
        "JOIN webhooks w ON w.id = d.webhook_id JOIN events e ON e.id = d.event_id WHERE d.webhook_id = ? AND d.id = ?",
        (now - KEPT, webhook_id, delivery),
    ).fetchone()
    if row is None:
        raise Refusal("not-found", "the webhook has no such delivery")
    if not row["enabled"]:
        raise Refusal("disabled", "enable the webhook first")
    if not row["kept"]:
        raise Refusal("expired", "events are kept for 30 days")
    connection.execute("UPDATE deliveries SET state = 'pending', next_at = ? WHERE seq = ? AND lease IS NULL", (now, row["seq"]))


def send_failed_again(connection: sqlite3.Connection, webhook_id: str, start: float, end: float, now: float) -> int:
    """Makes all failed deliveries of a time (start included, end not) due now; how many these are."""
    return connection.execute(
        "UPDATE deliveries SET state = 'pending', next_at = ? WHERE webhook_id = ? AND state = 'failed' "
        "AND created_at >= ? AND created_at < ? "
        "AND event_id IN (SELECT id FROM events WHERE body IS NOT NULL AND accepted_at > ?)",
        (now, webhook_id, start, end, now - KEPT),
    ).rowcount


def waiting(connection: sqlite3.Connection, webhook_id: str) -> int:
    """How many deliveries of a webhook are not over yet."""
    found = connection.execute("SELECT COUNT(*) FROM deliveries WHERE webhook_id = ? AND state = 'pending'", (webhook_id,))
    return int(found.fetchone()[0])
