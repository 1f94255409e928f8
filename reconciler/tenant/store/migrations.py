"""The store's schema as a literal list: entry n takes a file from `PRAGMA user_version` n to n + 1.

The tables are those that the retrying engine needs: a delivery has a state, its next attempt, a
lease and an attempt number. Moments are epoch seconds. An entry is never changed once it was
released; new ones are added at the end.
"""

from __future__ import annotations

import sqlite3
from typing import Final

APPLICATION_ID: Final = 0x52435431  # "RCT1": tells our files from other SQLite databases

_FIRST: Final = (
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    """CREATE TABLE tokens (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash BLOB NOT NULL, scopes TEXT NOT NULL,
        owner TEXT,
        created_at REAL NOT NULL, expires_at REAL) WITHOUT ROWID""",
    """CREATE TABLE webhooks (
        id TEXT PRIMARY KEY, revision INTEGER NOT NULL, name TEXT NOT NULL UNIQUE, url TEXT NOT
        NULL,
        description TEXT NOT NULL, enabled INTEGER NOT NULL, protected INTEGER NOT NULL,
        auth_type TEXT NOT NULL, username TEXT, header TEXT, credential_version TEXT, sealed BLOB,
        events TEXT NOT NULL, managed_by TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL,
        succeeded INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, last_success REAL,
        last_failure REAL,
        disabled_at REAL, unreached INTEGER NOT NULL DEFAULT 0, held_until REAL)""",
    """CREATE TABLE subscriptions (
        type TEXT NOT NULL, version TEXT NOT NULL, severity TEXT NOT NULL,
        webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
        PRIMARY KEY (type, version, severity, webhook_id)) WITHOUT ROWID""",
    "CREATE INDEX subscriptions_of ON subscriptions (webhook_id)",
    """CREATE TABLE events (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, version TEXT NOT NULL, severity TEXT NOT NULL, hash
        BLOB NOT NULL,
        body TEXT, deliveries INTEGER NOT NULL, accepted_at REAL NOT NULL) WITHOUT ROWID""",
    "CREATE INDEX events_by_age ON events (accepted_at)",
    """CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
        event_id TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
        state TEXT NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
        attempt INTEGER NOT NULL DEFAULT 0, next_at REAL, lease TEXT, lease_at REAL, created_at REAL
        NOT NULL)""",
    "CREATE INDEX deliveries_of ON deliveries (webhook_id, seq)",
    "CREATE INDEX deliveries_of_event ON deliveries (event_id)",
    "CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'pending'",
    "CREATE INDEX deliveries_waiting ON deliveries (webhook_id, next_at) WHERE state = 'pending'",
    "CREATE INDEX deliveries_failed ON deliveries (webhook_id, created_at) WHERE state = 'failed'",
    """CREATE TABLE attempts (
        delivery INTEGER NOT NULL REFERENCES deliveries (seq) ON DELETE CASCADE, number INTEGER NOT
        NULL,
        started_at REAL NOT NULL, verdict TEXT, status_code INTEGER, detail TEXT, seconds REAL,
        PRIMARY KEY (delivery, number)) WITHOUT ROWID""",
    """CREATE TABLE hourly (
        webhook_id TEXT NOT NULL, hour INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER
        NOT NULL,
        PRIMARY KEY (webhook_id, hour)) WITHOUT ROWID""",
    "CREATE INDEX hourly_by_hour ON hourly (hour)",
    """CREATE TABLE idempotency (
        token TEXT NOT NULL, route TEXT NOT NULL, key TEXT NOT NULL, hash BLOB NOT NULL, webhook_id
        TEXT NOT NULL,
        created_at REAL NOT NULL, PRIMARY KEY (token, route, key)) WITHOUT ROWID""",
    "CREATE INDEX idempotency_by_age ON idempotency (created_at)",
    f"PRAGMA application_id = {APPLICATION_ID}",
)

_PAGE: Final = (  # what signed-in people have; texts that open something are stored as SHA-256 only
    "CREATE TABLE links (hash BLOB PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE sessions (hash BLOB PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID",
    """CREATE TABLE drafts (
        id TEXT PRIMARY KEY, session BLOB NOT NULL REFERENCES sessions (hash) ON DELETE CASCADE,
        fields TEXT NOT NULL, sealed BLOB, expires_at REAL NOT NULL) WITHOUT ROWID""",
)

# One row: how much is pending, kept by triggers whatever the reason, and what was received since
# ever, by whom no longer matters.
_QUEUE: Final = (
    # attempts before it was sent again by hand
    "ALTER TABLE deliveries ADD COLUMN earlier INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX deliveries_due",
    """CREATE INDEX deliveries_ready ON deliveries (webhook_id, next_at, attempt)
        WHERE state = 'pending' AND lease IS NULL""",
    "CREATE INDEX deliveries_leased ON deliveries (seq) WHERE lease IS NOT NULL",
    """CREATE TABLE totals (
        one INTEGER PRIMARY KEY CHECK (one = 1), pending INTEGER NOT NULL,
        succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, last_success REAL, last_failure
        REAL)""",
    """INSERT INTO totals (one, pending, succeeded, failed, last_success, last_failure)
        SELECT 1, (SELECT COUNT(*) FROM deliveries WHERE state = 'pending'),
            COALESCE(SUM(succeeded), 0), COALESCE(SUM(failed), 0), MAX(last_success),
            MAX(last_failure) FROM webhooks""",
    """CREATE TRIGGER pending_made AFTER INSERT ON deliveries WHEN NEW.state = 'pending'
        BEGIN UPDATE totals SET pending = pending + 1; END""",
    """CREATE TRIGGER pending_again AFTER UPDATE OF state ON deliveries WHEN NEW.state = 'pending'
        AND OLD.state <> 'pending'
        BEGIN UPDATE totals SET pending = pending + 1; END""",
    """CREATE TRIGGER pending_over AFTER UPDATE OF state ON deliveries WHEN NEW.state <> 'pending'
        AND OLD.state = 'pending'
        BEGIN UPDATE totals SET pending = pending - 1; END""",
    """CREATE TRIGGER pending_gone AFTER DELETE ON deliveries WHEN OLD.state = 'pending'
        BEGIN UPDATE totals SET pending = pending - 1; END""",
    """INSERT INTO hourly (webhook_id, hour, succeeded, failed)
        SELECT '', hour, SUM(succeeded), SUM(failed) FROM hourly GROUP BY hour""",
    "DROP INDEX hourly_by_hour",
)

# Deleting a webhook leaves its deliveries to `upkeep.py`, which finds them by `removed`; so they
# refer to no row of it any more, and are not counted as pending from then on. SQLite drops a
# reference with its table only. `folded` is the name in any case.
_APART: Final = (
    """CREATE TABLE deliveries_apart (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, webhook_id TEXT NOT NULL,
        event_id TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
        state TEXT NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
        attempt INTEGER NOT NULL DEFAULT 0, earlier INTEGER NOT NULL DEFAULT 0, next_at REAL, lease
        TEXT, lease_at REAL,
        created_at REAL NOT NULL)""",
    """CREATE TABLE attempts_apart (
        delivery INTEGER NOT NULL REFERENCES deliveries_apart (seq) ON DELETE CASCADE, number
        INTEGER NOT NULL,
        started_at REAL NOT NULL, verdict TEXT, status_code INTEGER, detail TEXT, seconds REAL,
        PRIMARY KEY (delivery, number)) WITHOUT ROWID""",
    """INSERT INTO deliveries_apart (seq, id, webhook_id, event_id, state, attempt, earlier,
        next_at, lease, lease_at, created_at)
        SELECT seq, id, webhook_id, event_id, state, attempt, earlier, next_at, lease, lease_at,
        created_at FROM deliveries""",
    (
        "INSERT INTO attempts_apart SELECT delivery, number, started_at, verdict, "
        "status_code, detail, seconds FROM attempts"
    ),
    "DELETE FROM sqlite_sequence WHERE name = 'deliveries_apart'",  # no number is given twice
    (
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'deliveries_apart', seq FROM "
        "sqlite_sequence WHERE name = 'deliveries'"
    ),
    "DROP TABLE attempts",
    "DROP TABLE deliveries",  # with its indexes and triggers
    "ALTER TABLE deliveries_apart RENAME TO deliveries",
    "ALTER TABLE attempts_apart RENAME TO attempts",
    "CREATE INDEX deliveries_of ON deliveries (webhook_id, seq)",
    "CREATE INDEX deliveries_of_event ON deliveries (event_id)",
    "CREATE INDEX deliveries_waiting ON deliveries (webhook_id, next_at) WHERE state = 'pending'",
    "CREATE INDEX deliveries_failed ON deliveries (webhook_id, created_at) WHERE state = 'failed'",
    """CREATE INDEX deliveries_ready ON deliveries (webhook_id, next_at, attempt)
        WHERE state = 'pending' AND lease IS NULL""",
    "CREATE INDEX deliveries_leased ON deliveries (seq) WHERE lease IS NOT NULL",
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
    "CREATE TABLE removed (webhook_id TEXT PRIMARY KEY) WITHOUT ROWID",
    "ALTER TABLE webhooks ADD COLUMN folded TEXT NOT NULL DEFAULT ''",
    "UPDATE webhooks SET folded = fold(name)",
    "CREATE INDEX webhooks_by_name ON webhooks (folded, name)",
)

# A mark is a list of its parts; the last one is the repository, which no mark before this had.
_REPOSITORY: Final = (
    """UPDATE webhooks SET managed_by = json_insert(managed_by, '$[#]', NULL)
        WHERE managed_by IS NOT NULL AND json_array_length(managed_by) = 4""",
)

MIGRATIONS: Final = (_FIRST, _PAGE, _QUEUE, _APART, _REPOSITORY)


class Foreign(Exception):
    """The file is a database, but not one of ours, or of a newer version; the text is fit for a
    user.
    """


def check(connection: sqlite3.Connection) -> int:
    """The version of a file that is ours or empty, before anything is written to it; raises
    Foreign.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    ours = int(connection.execute("PRAGMA application_id").fetchone()[0]) == APPLICATION_ID
    empty = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
    if not ours and not (empty and version == 0):
        raise Foreign("is a database of another program")
    if version > len(MIGRATIONS):
        raise Foreign(
            f"was written by a newer version of this program (schema {version}, known is "
            f"{len(MIGRATIONS)})"
        )
    return version


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the file to the newest version, inside the transaction that the caller opened; raises
    Foreign.
    """
    version = check(connection)
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
