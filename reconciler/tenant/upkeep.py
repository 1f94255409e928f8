"""SQL of what ends by itself: events after 30 days, the queue of webhooks that stay disabled, forms. Called by `engine.py`.

Everything in steps of a few hundred rows, each a transaction of its own, so that no request waits for long.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from reconciler.tenant.events import KEPT
from reconciler.tenant.page import drafts
from reconciler.tenant.times import HOUR

HELD: Final = 72 * HOUR  # seconds that a disabled webhook's deliveries wait for it
STEP: Final = 100  # deliveries, each with its attempts


def step(connection: sqlite3.Connection, now: float) -> bool:
    """Does some of what is to be done; True when there may be more."""
    drafts.purge(connection, now)  # a session has few
    return _purge(connection, now) or _give_up(connection, now)


def _purge(connection: sqlite3.Connection, now: float) -> bool:
    """Removes some deliveries, with their attempts, of the oldest events past their time; and each event after its last one."""
    old = connection.execute(
        "SELECT id FROM events WHERE accepted_at <= ? ORDER BY accepted_at LIMIT ?", (now - KEPT, STEP)
    ).fetchall()
    room = STEP
    for event in old:
        room -= connection.execute(
            "DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE event_id = ? LIMIT ?)", (event["id"], room)
        ).rowcount
        if room <= 0:
            return True  # this event may have more
        connection.execute("DELETE FROM events WHERE id = ?", (event["id"],))
    return len(old) == STEP


def _give_up(connection: sqlite3.Connection, now: float) -> bool:
    """Ends some deliveries of webhooks that have been disabled for 72 h; nobody was asked, so nothing is counted."""
    return (
        connection.execute(
            "UPDATE deliveries SET state = 'failed', next_at = NULL WHERE seq IN ("
            "SELECT d.seq FROM webhooks w JOIN deliveries d ON d.webhook_id = w.id AND d.state = 'pending' AND d.lease IS NULL "
            "WHERE NOT w.enabled AND w.disabled_at <= ? LIMIT ?)",
            (now - HELD, STEP),
        ).rowcount
        == STEP
    )
