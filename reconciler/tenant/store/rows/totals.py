"""SQL of what a scrape reads: totals over the whole file, and numbers per webhook."""

from __future__ import annotations

import sqlite3

from reconciler.tenant.store.values.statistics import MOST, Totals, WebhookFacts


def read_totals(connection: sqlite3.Connection) -> Totals:
    """All of them."""
    pending, oldest = connection.execute(
        "SELECT COUNT(*), MIN(d.created_at) FROM webhooks w JOIN deliveries d ON "
        "d.webhook_id = w.id AND d.state = 'pending'"
    ).fetchone()
    webhooks, enabled = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(enabled), 0) FROM webhooks"
    ).fetchone()
    return Totals(pending, oldest, webhooks, enabled)


def check_readable(connection: sqlite3.Connection) -> None:
    """Reads something small; raises sqlite3.Error if the file cannot be read."""
    connection.execute("SELECT COUNT(*) FROM settings").fetchone()


def read_numbers(connection: sqlite3.Connection) -> tuple[tuple[WebhookFacts, ...], int]:
    """The first webhooks by name, and how many there are."""
    count = connection.execute("SELECT COUNT(*) FROM webhooks").fetchone()[0]
    rows = connection.execute(
        """SELECT name, id, enabled, succeeded, failed, last_success, last_failure,
            (SELECT COUNT(*) FROM deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending')
        FROM webhooks w ORDER BY folded, name LIMIT ?""",
        (MOST,),
    ).fetchall()
    return tuple(WebhookFacts(row[0], row[1], bool(row[2]), *row[3:]) for row in rows), count
