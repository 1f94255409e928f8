"""The tenant's file: opening it, its key, and its operations. Nothing here knows HTTP."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from reconciler.core.errors import StoreError
from reconciler.tenant.schedule.clock import Clock
from reconciler.tenant.store.database import Database
from reconciler.tenant.store.faults import explain, report_undecodable
from reconciler.tenant.store.operations.deliveries import Deliveries
from reconciler.tenant.store.operations.people import Drafts, Sessions, Tokens
from reconciler.tenant.store.operations.queue import Queue
from reconciler.tenant.store.operations.statistics import Statistics
from reconciler.tenant.store.operations.webhooks import Webhooks
from reconciler.tenant.store.rows import sessions, tokens
from reconciler.tenant.store.schema import Foreign, check_schema, create_schema
from reconciler.tenant.store.values.token import Token, make_token
from reconciler.tenant.store.vault import Vault, check_key, locate_key, make_key, read_key

BUSY: Final = 5.0  # seconds that a write waits for another process


def make_uuid() -> str:
    """A new random id that begins with the time: UUID version 7, with 74 random bits.

    Rows made one after the other so lie beside each other in every index, and removing the oldest
    changes few pages. Source: RFC 9562, 5.7.
    """
    fixed = 0x7 << 76 | 0b10 << 62  # version and variant
    free = secrets.randbits(74)
    number = (time.time_ns() // 1_000_000) << 80 | (free >> 62) << 64 | free & ((1 << 62) - 1)
    return str(uuid.UUID(int=number | fixed))


class Store:
    """One open file, with an object of named operations per subject.

    A context manager. `clock` gives epoch seconds (an engine holds it), `new_id` makes ids. Made by
    `open_store`.
    """

    def __init__(self, path: str, busy: float, clock: Clock, new_id: Callable[[], str]) -> None:
        self.path, self.clock, self.new_id = path, clock, new_id
        self._database = database = Database(path, busy)
        self._vault: Vault | None = None
        self.webhooks = Webhooks(database, clock)
        self.deliveries = Deliveries(database, clock)
        self.statistics = Statistics(database, clock)
        self.queue = Queue(database, clock, new_id)
        self.tokens = Tokens(database, clock)
        self.sessions = Sessions(database, clock)
        self.drafts = Drafts(database, clock)

    @property
    def vault(self) -> Vault:
        """What seals and opens credentials."""
        if self._vault is None:
            raise StoreError(f"{self.path}: is not open")
        return self._vault

    def prepare(self, key: str | None) -> None:
        """Creates the schema of a new file and finds its key; once per store."""
        with closing(self._database.connect()) as connection, report_undecodable():
            check_schema(connection)
            connection.execute("PRAGMA journal_mode = WAL")

        def work(connection: sqlite3.Connection) -> Vault:
            create_schema(connection)
            return _open_vault(connection, self.path, key)

        self._vault = self._database.write_now(work)

    def create_token(
        self,
        name: str,
        scopes: Iterable[str],
        owner: str | None = None,
        expires: float | None = None,
    ) -> str:
        """A new access token's text, which is shown only now; raises BadRequest for a taken name or
        an unknown scope.

        `expires` in epoch seconds, None for never.
        """
        token = make_token(name, scopes, owner, expires)
        self._database.write_now(lambda c: tokens.insert(c, token, self.clock()))
        return token.text

    def list_tokens(self) -> tuple[Token, ...]:
        """All access tokens by name, without their text."""
        return self._database.write_now(tokens.list_all)

    def revoke_token(self, name: str) -> bool:
        """Ends an access token at once; False when none has this name."""
        return self._database.write_now(lambda c: tokens.revoke(c, name))

    def create_sign_in_address(self, origin: str | None = None) -> str:
        """A new sign-in link to open within ten minutes, once; `origin` of None: where the tenant
        was served last.
        """
        return self._database.write_now(
            lambda c: sessions.create_sign_in_address(c, self.clock(), origin)
        )

    def record_origin(self, origin: str) -> None:
        """Remembers where the tenant is served, for the links that another process makes."""
        self._database.write_now(lambda c: sessions.record_origin(c, origin))

    def close(self) -> None:
        """Waits for what is under way and closes the file; may be called twice."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _open_vault(connection: sqlite3.Connection, path: str, key: str | None) -> Vault:
    """The vault of this file, its key checked against what the file was written with; makes the
    first key.
    """
    stored = connection.execute("SELECT value FROM settings WHERE name = 'key_check'").fetchone()
    text = check_key(key) if key is not None else read_key(locate_key(path))
    if text is None:
        if (
            connection.execute("SELECT 1 FROM webhooks WHERE sealed IS NOT NULL LIMIT 1").fetchone()
            is not None
        ):
            raise StoreError(
                f"{path}: holds encrypted credentials, but their key is missing: "
                f"put back {locate_key(path)} or set RECONCILER_TENANT_KEY"
            )
        text, stored = make_key(locate_key(path)), None
    vault = Vault(text)
    check = vault.compute_mac("key-check", b"")
    if stored is not None and bytes(stored[0]) != check:
        raise StoreError(
            f"{path}: was written with another key than "
            f"{'the given one' if key else locate_key(path)}"
        )
    if stored is None:
        connection.execute(
            "INSERT OR REPLACE INTO settings (name, value) VALUES ('key_check', ?)", (check,)
        )
    return vault


def _make_file(path: str) -> str:
    """Makes the file with mode 0600, and its folder; returns its real path; raises StoreError.

    Links are followed, as SQLite does for its log: a process that opens the same
    file by another name has to meet the same key and the same lock of the one engine.
    """
    try:
        real = os.path.realpath(path)
        Path(real).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(real, os.O_RDWR | os.O_CREAT, 0o600))
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "not a path"
        raise StoreError(f"{path}: cannot be opened: {why}") from None
    return real


def open_store(
    path: str,
    *,
    key: str | None = None,
    clock: Callable[[], float] | None = None,
    new_id: Callable[[], str] = make_uuid,
    busy: float = BUSY,
) -> Store:
    """Opens the tenant's file, making it and its folder where needed; raises StoreError in words
    for a user.

    `key` is the key's text from outside; without it the one beside the file is used or made.
    `clock` stands in for the machine's, wall and monotonic, unless it is a Clock. `busy` is how
    many seconds a write waits for another process.
    """
    path = _make_file(path)
    steady = (
        clock if isinstance(clock, Clock) else Clock() if clock is None else Clock(clock, clock)
    )
    store = Store(path, busy, steady, new_id)
    try:
        store.prepare(key)
    except BaseException as error:
        with suppress(sqlite3.Error):
            store.close()
        if isinstance(error, Foreign):
            raise StoreError(f"{path}: {error}") from None
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"{path}: {explain(error)}") from None
        raise
    return store
