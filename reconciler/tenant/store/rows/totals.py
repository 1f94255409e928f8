"""Totals over the whole file, for `/metrics` and `/healthz`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Totals:
    """How many deliveries are pending and when the oldest was created (None: none is), and how many
    webhooks there are.
    """

    pending: int
    oldest: float | None
    webhooks: int
    enabled: int


def totals(connection: sqlite3.Connection) -> Totals:
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
