"""SQL of accepting an event: the event and a delivery for each enabled subscriber, in one
transaction.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable
from typing import Final

from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.values.event import Acceptance, NewEvent

PENDING_RETRY: Final = "30"  # seconds, as Retry-After


def _count_pending(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT pending FROM totals").fetchone()[0])


def accept(
    connection: sqlite3.Connection,
    event: NewEvent,
    now: float,
    new_id: Callable[[], str],
    max_pending: int,
) -> Acceptance:
    """Stores an event and its deliveries. The same event again: the same number, and nothing is
    stored.

    Raises 409 for another event of this id, 429 when too many deliveries would be pending.
    """
    before = _find_accepted(connection, event)
    if before is not None:
        return before
    wanted = event.subscription
    rows = connection.execute(
        "SELECT w.id FROM subscriptions s JOIN webhooks w ON w.id = s.webhook_id "
        "WHERE s.type = ? AND s.version = ? AND s.severity = ? AND w.enabled ORDER BY w.id",
        (wanted.type, wanted.version, wanted.severity),
    )
    webhook_ids = tuple(row["id"] for row in rows)
    if webhook_ids and _count_pending(connection) + len(webhook_ids) > max_pending:
        detail = f"at most {max_pending} deliveries may be pending"
        raise Refusal("backlog", detail, headers={"Retry-After": PENDING_RETRY})
    _insert_event(connection, event, now, len(webhook_ids))
    connection.executemany(
        "INSERT INTO deliveries (id, webhook_id, event_id, state, next_at, created_at) "
        "VALUES (?, ?, ?, 'pending', ?, ?)",
        [(new_id(), webhook_id, event.id, now, now) for webhook_id in webhook_ids],
    )
    return Acceptance(len(webhook_ids), webhook_ids)


def _find_accepted(connection: sqlite3.Connection, event: NewEvent) -> Acceptance | None:
    """What accepting the same event made before, None for a new one; raises 409 for another event
    of this id.
    """
    row = connection.execute(
        "SELECT hash, deliveries FROM events WHERE id = ?", (event.id,)
    ).fetchone()
    if row is None:
        return None
    if not hmac.compare_digest(bytes(row["hash"]), event.hash):
        raise Refusal("event-id", "another event was posted with this event_id")
    return Acceptance(row["deliveries"])


def _insert_event(
    connection: sqlite3.Connection, event: NewEvent, now: float, deliveries: int
) -> None:
    what = event.subscription
    connection.execute(
        "INSERT INTO events (id, type, version, severity, hash, body, deliveries, "
        "accepted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (event.id, what.type, what.version, what.severity, event.hash, event.body, deliveries, now),
    )
