"""Access tokens: 256 random bits after a public id, stored as SHA-256.

SQL of the table `tokens`; called by `store.py` and `endpoint.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reconciler.core.errors import BadRequest
from reconciler.core.model import limits

READ: Final = "Webhooks: Read"
WRITE: Final = "Webhooks: Write"
EVENTS: Final = "Events: Write"
SCOPES: Final = (READ, WRITE, EVENTS)
PREFIX: Final = "rct"


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token: never its text. `created` and `expires` in epoch seconds, `expires`
    None for never.
    """

    name: str
    scopes: tuple[str, ...]
    owner: str | None
    created: float
    expires: float | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request: the token's public id, what it may do, and the only owner it may act
    for.
    """

    id: str
    scopes: frozenset[str]
    owner: str | None = None

    def may(self, scope: str) -> bool:
        """Whether a scope is held; write implies read."""
        return scope in self.scopes or (scope == READ and WRITE in self.scopes)


@dataclass(frozen=True, slots=True, repr=False)
class NewToken:
    """A token that was just made; `text` is shown once."""

    id: str
    text: str
    name: str
    scopes: tuple[str, ...]
    owner: str | None
    expires: float | None


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()


def new(name: str, scopes: Iterable[str], owner: str | None, expires: float | None) -> NewToken:
    """A new token; raises BadRequest for a bad name or owner, an unknown scope, or none."""
    for what, text in (("name", name), ("owner", owner)):
        wrong = limits.name(text) if text is not None else None
        if wrong is not None:
            raise BadRequest(f"a token's {what} {wrong}")
    wanted = tuple(scope for scope in SCOPES if scope in set(scopes))
    if not wanted or len(wanted) != len(set(scopes)):
        raise BadRequest(f"a token needs scopes out of: {', '.join(SCOPES)}")
    public = secrets.token_hex(8)
    return NewToken(
        public, f"{PREFIX}_{public}_{secrets.token_hex(32)}", name, wanted, owner, expires
    )


def insert(connection: sqlite3.Connection, made: NewToken, now: float) -> None:
    """Stores a new token; raises BadRequest when the name is taken."""
    if (
        connection.execute("SELECT 1 FROM tokens WHERE name = ?", (made.name,)).fetchone()
        is not None
    ):
        raise BadRequest(f"there is already a token named {made.name}")
    connection.execute(
        "INSERT INTO tokens (id, name, hash, scopes, owner, created_at, expires_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            made.id,
            made.name,
            _hash(made.text),
            ",".join(made.scopes),
            made.owner,
            now,
            made.expires,
        ),
    )


def listed(connection: sqlite3.Connection) -> tuple[Token, ...]:
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
