"""The schema of the tenant's file, and the check that a file has it.

A delivery has a state, its next attempt, a lease and an attempt number. Moments are epoch seconds.
"""

from __future__ import annotations

import sqlite3
from typing import Final

APPLICATION_ID: Final = 0x52435431  # "RCT1": distinguishes our files
VERSION: Final = 6  # `PRAGMA user_version` of a file with this schema; no lower one was released

_SETTINGS: Final = (
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    """CREATE TABLE tokens (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash BLOB NOT NULL,
        scopes TEXT NOT NULL, owner TEXT, created_at REAL NOT NULL, expires_at REAL)
        WITHOUT ROWID""",
    """CREATE TABLE idempotency (
        token TEXT NOT NULL, route TEXT NOT NULL, key TEXT NOT NULL, hash BLOB NOT NULL,
        webhook_id TEXT NOT NULL, created_at REAL NOT NULL, PRIMARY KEY (token, route, key))
        WITHOUT ROWID""",
    "CREATE INDEX idempotency_by_age ON idempotency (created_at)",
)

_PAGE: Final = (  # of signed-in people; texts that open something are stored as SHA-256 only
    "CREATE TABLE links (hash BLOB PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE sessions (hash BLOB PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID",
    """CREATE TABLE drafts (
        id TEXT PRIMARY KEY, session BLOB NOT NULL REFERENCES sessions (hash) ON DELETE CASCADE,
        fields TEXT NOT NULL, sealed BLOB, expires_at REAL NOT NULL) WITHOUT ROWID""",
)

_WEBHOOKS: Final = (  # `folded` is the name in any case
    """CREATE TABLE webhooks (
        id TEXT PRIMARY KEY, revision INTEGER NOT NULL, name TEXT NOT NULL UNIQUE,
        url TEXT NOT NULL, description TEXT NOT NULL, enabled INTEGER NOT NULL,
        protected INTEGER NOT NULL, auth_type TEXT NOT NULL, username TEXT, header TEXT,
        scheme TEXT, credential_version TEXT, sealed BLOB, events TEXT NOT NULL, managed_by TEXT,
        created_at REAL NOT NULL, updated_at REAL NOT NULL,
        succeeded INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
        last_success REAL, last_failure REAL, disabled_at REAL,
        unreached INTEGER NOT NULL DEFAULT 0, held_until REAL, folded TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX webhooks_by_name ON webhooks (folded, name)",
    """CREATE TABLE subscriptions (
        type TEXT NOT NULL, version TEXT NOT NULL, severity TEXT NOT NULL,
        webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
        PRIMARY KEY (type, version, severity, webhook_id)) WITHOUT ROWID""",
    "CREATE INDEX subscriptions_of ON subscriptions (webhook_id)",
    """CREATE TABLE hourly (
        webhook_id TEXT NOT NULL, hour INTEGER NOT NULL, succeeded INTEGER NOT NULL,
        failed INTEGER NOT NULL, PRIMARY KEY (webhook_id, hour)) WITHOUT ROWID""",
)

# Deliveries refer to no webhook: deleting one leaves its deliveries to `upkeep.py`, which finds
# them by `removed`, and they are not pending from then on. `earlier` counts the attempts before a
# delivery was sent again by hand.
_QUEUE: Final = (
    """CREATE TABLE events (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, version TEXT NOT NULL, severity TEXT NOT NULL,
        hash BLOB NOT NULL, body TEXT, deliveries INTEGER NOT NULL, accepted_at REAL NOT NULL)
        WITHOUT ROWID""",
    "CREATE INDEX events_by_age ON events (accepted_at)",
    """CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, webhook_id TEXT NOT NULL,
        event_id TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
        state TEXT NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
        attempt INTEGER NOT NULL DEFAULT 0, earlier INTEGER NOT NULL DEFAULT 0, next_at REAL,
        lease TEXT, lease_at REAL, created_at REAL NOT NULL)""",
    "CREATE INDEX deliveries_of ON deliveries (webhook_id, seq)",
    "CREATE INDEX deliveries_of_event ON deliveries (event_id)",
    "CREATE INDEX deliveries_waiting ON deliveries (webhook_id, next_at) WHERE state = 'pending'",
    "CREATE INDEX deliveries_failed ON deliveries (webhook_id, created_at) WHERE state = 'failed'",
    """CREATE INDEX deliveries_ready ON deliveries (webhook_id, next_at, attempt)
        WHERE state = 'pending' AND lease IS NULL""",
    "CREATE INDEX deliveries_leased ON deliveries (seq) WHERE lease IS NOT NULL",
    "CREATE TABLE removed (webhook_id TEXT PRIMARY KEY) WITHOUT ROWID",
    """CREATE TABLE attempts (
        delivery INTEGER NOT NULL REFERENCES deliveries (seq) ON DELETE CASCADE,
        number INTEGER NOT NULL, started_at REAL NOT NULL, verdict TEXT, status_code INTEGER,
        detail TEXT, seconds REAL, PRIMARY KEY (delivery, number)) WITHOUT ROWID""",
)

# One row: how much is pending, kept by triggers whatever the reason, and the invocations of all
# webhooks, deleted ones included.
_TOTALS: Final = (
    """CREATE TABLE totals (
        one INTEGER PRIMARY KEY CHECK (one = 1), pending INTEGER NOT NULL,
        succeeded INTEGER NOT NULL, failed INTEGER NOT NULL,
        last_success REAL, last_failure REAL)""",
    "INSERT INTO totals (one, pending, succeeded, failed) VALUES (1, 0, 0, 0)",
    """CREATE TRIGGER pending_made AFTER INSERT ON deliveries WHEN NEW.state = 'pending'
        BEGIN UPDATE totals SET pending = pending + 1; END""",
    """CREATE TRIGGER pending_again AFTER UPDATE OF state ON deliveries WHEN NEW.state = 'pending'
        AND OLD.state <> 'pending'
        BEGIN UPDATE totals SET pending = pending + 1; END""",
    """CREATE TRIGGER pending_over AFTER UPDATE OF state ON deliveries WHEN NEW.state <> 'pending'
        AND OLD.state = 'pending'
        BEGIN UPDATE totals SET pending = pending - 1; END""",
    """CREATE TRIGGER pending_gone AFTER DELETE ON deliveries WHEN OLD.state = 'pending'
        AND NOT EXISTS (SELECT 1 FROM removed WHERE webhook_id = OLD.webhook_id)
        BEGIN UPDATE totals SET pending = pending - 1; END""",
)

SCHEMA: Final = (
    *_SETTINGS,
    *_PAGE,
    *_WEBHOOKS,
    *_QUEUE,
    *_TOTALS,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


class Foreign(Exception):
    """The file is a database, but not one of ours, or of another version; the text is fit for a
    user.
    """


def check_schema(connection: sqlite3.Connection) -> bool:
    """Checks that a file is ours or empty, before anything is written to it; returns whether it is
    empty. Raises Foreign.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    ours = int(connection.execute("PRAGMA application_id").fetchone()[0]) == APPLICATION_ID
    empty = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
    if not version and empty:
        return True
    if not ours:
        raise Foreign("is a database of another program")
    if version > VERSION:
        raise Foreign(
            f"was written by a newer version of this program (schema {version}, known is {VERSION})"
        )
    if version < VERSION:
        raise Foreign(
            "was written by an unreleased version of this program "
            f"(schema {version}, known is {VERSION}): move it away to begin with an empty file"
        )
    return False


def create_schema(connection: sqlite3.Connection) -> None:
    """Creates the tables of an empty file, inside the transaction that the caller opened; raises
    Foreign.
    """
    if check_schema(connection):
        for statement in SCHEMA:
            connection.execute(statement)
