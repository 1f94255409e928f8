"""SQL of what ends by itself: events after 30 days, the queue of webhooks that stay disabled or are
gone, forms.

Everything in steps of a hundred deliveries, each a transaction of its own, so that no request waits
for long.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from reconciler.tenant.store.rows import deliveries, drafts
from reconciler.tenant.store.rows.deliveries import SOME
from reconciler.tenant.store.values.event import KEPT
from reconciler.tenant.times import HOUR

HELD: Final = 72 * HOUR  # seconds that a disabled webhook's deliveries wait for it


def clean_up_some(connection: sqlite3.Connection, now: float) -> bool:
    """Does some of what is to be done; True when there may be more."""
    drafts.purge(connection, now)  # a session has few
    return _clear(connection) or _purge(connection, now) or _give_up(connection, now)


def _clear(connection: sqlite3.Connection) -> bool:
    """Removes some deliveries of a webhook that is gone."""
    row = connection.execute("SELECT webhook_id FROM removed LIMIT 1").fetchone()
    if row is not None:
        deliveries.clear(connection, row["webhook_id"])
    return row is not None


def _purge(connection: sqlite3.Connection, now: float) -> bool:
    """Removes some deliveries, with their attempts, of the oldest events past their time; and each
    event after its last one.
    """
    old = connection.execute(
        "SELECT id FROM events WHERE accepted_at <= ? ORDER BY accepted_at LIMIT ?",
        (now - KEPT, SOME),
    ).fetchall()
    room = SOME
    for event in old:
        room -= deliveries.remove(connection, "event_id", event["id"], room)
        if room <= 0:
            return True  # this event may have more
        connection.execute("DELETE FROM events WHERE id = ?", (event["id"],))
    return len(old) == SOME


def _give_up(connection: sqlite3.Connection, now: float) -> bool:
    """Ends some deliveries of webhooks that have been disabled for 72 h; no endpoint was asked, so
    nothing is counted.
    """
    return (
        connection.execute(
            "UPDATE deliveries SET state = 'failed', next_at = NULL WHERE seq IN ("
            "SELECT d.seq FROM webhooks w JOIN deliveries d ON d.webhook_id = w.id AND "
            "d.state = 'pending' AND d.lease IS NULL "
            "WHERE NOT w.enabled AND w.disabled_at <= ? LIMIT ?)",
            (now - HELD, SOME),
        ).rowcount
        == SOME
    )
