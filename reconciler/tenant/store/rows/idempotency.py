"""SQL of the table `idempotency`: what an Idempotency-Key made, for 24 hours.

Holds a keyed hash of the body and the webhook's id, never the body.
"""

from __future__ import annotations

import hmac
import sqlite3

from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.values.idempotency import KEPT, Use


def find_result(connection: sqlite3.Connection, use: Use, now: float) -> str | None:
    """The id of what this key made, None for a new key; raises 422 for another body. Forgets what
    is too old.
    """
    connection.execute("DELETE FROM idempotency WHERE created_at <= ?", (now - KEPT,))
    row = connection.execute(
        "SELECT hash, webhook_id FROM idempotency WHERE token = ? AND route = ? AND key = ?",
        use.scope,
    ).fetchone()
    if row is None:
        return None
    if not hmac.compare_digest(bytes(row["hash"]), use.hash):
        raise Refusal("idempotency", "this Idempotency-Key was used with another body")
    return str(row["webhook_id"])


def remember(connection: sqlite3.Connection, use: Use, webhook_id: str, now: float) -> None:
    """Stores what a key made."""
    connection.execute(
        "INSERT INTO idempotency (token, route, key, hash, webhook_id, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (*use.scope, use.hash, webhook_id, now),
    )
