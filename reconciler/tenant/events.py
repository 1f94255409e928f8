"""SQL of accepting an event: the event and a delivery for each enabled subscriber, in one transaction.

Called by `api_events.py`; purging by `engine.py`.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.model import Subscription
from reconciler.tenant.problems import Refusal
from reconciler.tenant.times import DAY

MAX_PENDING: Final = 100_000  # deliveries
KEPT: Final = 30 * DAY  # seconds that bodies and attempts are kept
STEP: Final = 500  # rows purged in one transaction
PENDING_RETRY: Final = "30"  # seconds, as Retry-After


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it was posted; `body` is JSON text of the event object, `hash` stands for the whole request."""

    id: str
    subscription: Subscription
    body: str = field(repr=False)
    hash: bytes = field(repr=False)


def _pending(connection: sqlite3.Connection, limit: int) -> int:
    query = "SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT ?)"
    return int(connection.execute(query, (limit,)).fetchone()[0])


def accept(connection: sqlite3.Connection, event: NewEvent, now: float, new_id: Callable[[], str], max_pending: int) -> int:
    """Stores an event and its deliveries; the number of these. The same event again: the same number.

    Raises 409 for another event of this id, 429 when too many deliveries would be pending.
    """
    before = connection.execute("SELECT hash, deliveries FROM events WHERE id = ?", (event.id,)).fetchone()
    if before is not None:
        if not hmac.compare_digest(bytes(before["hash"]), event.hash):
            raise Refusal("event-id", "another event was posted with this event_id")
        return int(before["deliveries"])
    wanted = event.subscription
    subscribers = connection.execute(
        "SELECT w.id FROM subscriptions s JOIN webhooks w ON w.id = s.webhook_id "
        "WHERE s.type = ? AND s.version = ? AND s.severity = ? AND w.enabled ORDER BY w.id",
        (wanted.type, wanted.version, wanted.severity),
    ).fetchall()
    if subscribers and _pending(connection, max_pending) + len(subscribers) > max_pending:
        detail = f"at most {max_pending} deliveries may be pending"
        raise Refusal("backlog", detail, headers={"Retry-After": PENDING_RETRY})
    connection.execute(
        "INSERT INTO events (id, type, version, severity, hash, body, deliveries, accepted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (event.id, wanted.type, wanted.version, wanted.severity, event.hash, event.body, len(subscribers), now),
    )
    connection.executemany(
        "INSERT INTO deliveries (id, webhook_id, event_id, state, next_at, created_at) VALUES (?, ?, ?, 'pending', ?, ?)",
        [(new_id(), row["id"], event.id, now, now) for row in subscribers],
    )
    return len(subscribers)


def purge(connection: sqlite3.Connection, now: float) -> bool:
    """Removes some events older than 30 days with their deliveries and attempts; True when there may be more."""
    removed = connection.execute(
        "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE accepted_at <= ? LIMIT ?)", (now - KEPT, STEP)
    ).rowcount
    return removed == STEP
