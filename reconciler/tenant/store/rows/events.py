"""SQL of accepting an event: the event and a delivery for each enabled subscriber, in one
transaction.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.model.webhook import Subscription
from reconciler.tenant.problems import Refusal
from reconciler.tenant.times import DAY

MAX_PENDING: Final = 100_000  # deliveries
KEPT: Final = 30 * DAY  # seconds that bodies and attempts are kept
PENDING_RETRY: Final = "30"  # seconds, as Retry-After


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it was posted; `body` is JSON text of the event object, `hash` stands for the
    whole request.
    """

    id: str
    subscription: Subscription
    body: str = field(repr=False)
    hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many deliveries an event has, and for which webhooks they were made just now: none for an
    event that was known.
    """

    deliveries: int
    webhook_ids: tuple[str, ...] = ()


def _pending(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT pending FROM totals").fetchone()[0])


def accept(
    connection: sqlite3.Connection,
    event: NewEvent,
    now: float,
    new_id: Callable[[], str],
    max_pending: int,
) -> Accepted:
    """Stores an event and its deliveries. The same event again: the same number, and nothing is
    stored.

    Raises 409 for another event of this id, 429 when too many deliveries would be pending.
    """
    before = connection.execute(
        "SELECT hash, deliveries FROM events WHERE id = ?", (event.id,)
    ).fetchone()
    if before is not None:
        if not hmac.compare_digest(bytes(before["hash"]), event.hash):
            raise Refusal("event-id", "another event was posted with this event_id")
        return Accepted(before["deliveries"])
    wanted = event.subscription
    subscribers = connection.execute(
        "SELECT w.id FROM subscriptions s JOIN webhooks w ON w.id = s.webhook_id "
        "WHERE s.type = ? AND s.version = ? AND s.severity = ? AND w.enabled ORDER BY w.id",
        (wanted.type, wanted.version, wanted.severity),
    ).fetchall()
    if subscribers and _pending(connection) + len(subscribers) > max_pending:
        detail = f"at most {max_pending} deliveries may be pending"
        raise Refusal("backlog", detail, headers={"Retry-After": PENDING_RETRY})
    connection.execute(
        "INSERT INTO events (id, type, version, severity, hash, body, deliveries, "
        "accepted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.id,
            wanted.type,
            wanted.version,
            wanted.severity,
            event.hash,
            event.body,
            len(subscribers),
            now,
        ),
    )
    connection.executemany(
        "INSERT INTO deliveries (id, webhook_id, event_id, state, next_at, created_at) "
        "VALUES (?, ?, ?, 'pending', ?, ?)",
        [(new_id(), row["id"], event.id, now, now) for row in subscribers],
    )
    return Accepted(len(subscribers), tuple(row["id"] for row in subscribers))
