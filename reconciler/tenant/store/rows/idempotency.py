"""SQL of the table `idempotency`: what an Idempotency-Key made, for 24 hours.

Holds a keyed hash of the body and the webhook's id, never the body.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.tenant.problems import Refusal
from reconciler.tenant.times import DAY

KEPT: Final = DAY  # seconds
LONGEST: Final = 255  # characters of a key


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a key: whose, for which route, and the keyed hash of the body."""

    token: str
    route: str
    key: str
    hash: bytes = field(repr=False)

    @property
    def scope(self) -> tuple[str, str, str]:
        """What makes two uses the same one."""
        return self.token, self.route, self.key


def checked(keys: Sequence[str]) -> str | None:
    """The one key of a request, None without; raises 400 for a key that cannot be used, or two."""
    if not keys:
        return None
    key = keys[0]
    if len(keys) > 1 or not 1 <= len(key) <= LONGEST or not all("!" <= char <= "~" for char in key):
        raise Refusal(
            "bad-request",
            f"Idempotency-Key must be one of 1 to {LONGEST} printable ASCII characters "
            "without spaces",
        )
    return key


def made_before(connection: sqlite3.Connection, use: Use, now: float) -> str | None:
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
