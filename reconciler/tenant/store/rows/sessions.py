"""SQL of the tables `links` and `sessions`: who may see the page. Only hashes are stored.

A link opens a session once; a session lasts 12 hours.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3

from reconciler.core.errors import BadRequest
from reconciler.tenant.store.values.session import LINK_SECONDS, SESSION_SECONDS, Session


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()


def _insert(connection: sqlite3.Connection, table: str, now: float, seconds: float) -> str:
    connection.execute(f"DELETE FROM {table} WHERE expires_at <= ?", (now,))  # noqa: S608  a fixed name
    text = secrets.token_urlsafe(32)
    connection.execute(
        f"INSERT INTO {table} (hash, expires_at) VALUES (?, ?)",  # noqa: S608  a fixed name
        (_hash(text), now + seconds),
    )
    return text


def create_link(connection: sqlite3.Connection, now: float) -> str:
    """The text of a new sign-in link, 256 bits, good for ten minutes and one use."""
    return _insert(connection, "links", now, LINK_SECONDS)


def record_origin(connection: sqlite3.Connection, origin: str) -> None:
    """Remembers where the tenant is served, for the links that another process makes."""
    connection.execute(
        "INSERT OR REPLACE INTO settings (name, value) VALUES ('origin', ?)", (origin,)
    )


def create_sign_in_address(
    connection: sqlite3.Connection, now: float, origin: str | None = None
) -> str:
    """A new link as an address to open; `origin` of None: where the tenant was served last. Raises
    BadRequest without any.
    """
    if origin is None:
        row = connection.execute("SELECT value FROM settings WHERE name = 'origin'").fetchone()
        if row is None:
            raise BadRequest(
                "this tenant was never served: start `reconciler tenant serve` first, or give --url"
            )
        origin = str(row[0])
    return f"{origin.rstrip('/')}/sign-in?link={create_link(connection, now)}"


def is_link_valid(connection: sqlite3.Connection, text: str, now: float) -> bool:
    """Whether a link could be used; using it is `sign_in`."""
    return (
        connection.execute(
            "SELECT 1 FROM links WHERE hash = ? AND expires_at > ?", (_hash(text), now)
        ).fetchone()
        is not None
    )


def sign_in(connection: sqlite3.Connection, link: str, now: float) -> str | None:
    """Uses a link up: the text of a new session, None for a link that is unknown, used or too
    old.
    """
    used = connection.execute(
        "DELETE FROM links WHERE hash = ? AND expires_at > ?", (_hash(link), now)
    ).rowcount
    return _insert(connection, "sessions", now, SESSION_SECONDS) if used else None


def find(connection: sqlite3.Connection, text: str, now: float) -> Session | None:
    """The session of a cookie's text, None for one that is unknown or over."""
    hashed = _hash(text)
    row = connection.execute(
        "SELECT 1 FROM sessions WHERE hash = ? AND expires_at > ?", (hashed, now)
    ).fetchone()
    return None if row is None else Session(hashed)


def sign_out(connection: sqlite3.Connection, session: Session) -> None:
    """Ends a session, its drafts with it."""
    connection.execute("DELETE FROM sessions WHERE hash = ?", (session.hash,))
