"""SQL of the table `tokens`: access tokens, stored as SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3

from reconciler.core.errors import BadRequest
from reconciler.tenant.store.values.token import NewToken, Principal, Token


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()


def insert(connection: sqlite3.Connection, token: NewToken, now: float) -> None:
    """Stores a new token; raises BadRequest when the name is taken."""
    if (
        connection.execute("SELECT 1 FROM tokens WHERE name = ?", (token.name,)).fetchone()
        is not None
    ):
        raise BadRequest(f"there is already a token named {token.name}")
    connection.execute(
        "INSERT INTO tokens (id, name, hash, scopes, owner, created_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            token.id,
            token.name,
            _hash(token.text),
            ",".join(token.scopes),
            token.owner,
            now,
            token.expires,
        ),
    )


def list_all(connection: sqlite3.Connection) -> tuple[Token, ...]:
    """All tokens by name."""
    rows = connection.execute(
        "SELECT name, scopes, owner, created_at, expires_at FROM tokens ORDER BY name"
    )
    return tuple(Token(row[0], tuple(row[1].split(",")), row[2], row[3], row[4]) for row in rows)


def revoke(connection: sqlite3.Connection, name: str) -> bool:
    """Deletes a token; False when there is none of this name."""
    return connection.execute("DELETE FROM tokens WHERE name = ?", (name,)).rowcount > 0


def authenticate(connection: sqlite3.Connection, text: str, now: float) -> Principal | None:
    """Who a token's text stands for; None for an unknown or expired one. The hash is compared in
    constant time.
    """
    parts = text.split("_")
    public = parts[1] if len(parts) == 3 else ""
    row = connection.execute(
        "SELECT hash, scopes, owner, expires_at FROM tokens WHERE id = ?", (public,)
    ).fetchone()
    stored = bytes(row["hash"]) if row is not None else bytes(32)
    if not hmac.compare_digest(stored, _hash(text)) or row is None:
        return None
    if row["expires_at"] is not None and row["expires_at"] <= now:
        return None
    return Principal(public, frozenset(row["scopes"].split(",")), row["owner"])
