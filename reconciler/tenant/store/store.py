"""The tenant's file: connections, the one writer thread, opening and closing.

SQL of a table stands in the file named after it. Nothing here knows HTTP.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from reconciler.core.errors import StoreError
from reconciler.tenant.schedule.clock import Clock
from reconciler.tenant.store.checkpoints import Checkpoints
from reconciler.tenant.store.faults import decoding, explained
from reconciler.tenant.store.migrations import Foreign, check, migrate
from reconciler.tenant.store.rows import sessions, tokens
from reconciler.tenant.store.vault import Vault, given_key, key_file, make_key, read_key
from reconciler.tenant.store.writer import Writer

BUSY: Final = 5.0  # seconds that a write waits for another process
READERS: Final = 2  # threads

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


def new_uuid() -> str:
    """A new random id that begins with the time: UUID version 7, with 74 random bits.

    Rows made one after the other so lie beside each other in every index, and removing the oldest
    changes few pages. Source: RFC 9562, 5.7.
    """
    fixed = 0x7 << 76 | 0b10 << 62  # version and variant
    free = secrets.randbits(74)
    number = (time.time_ns() // 1_000_000) << 80 | (free >> 62) << 64 | free & ((1 << 62) - 1)
    return str(uuid.UUID(int=number | fixed))


class Store:
    """One open file: writes one after the other in a thread of their own, reads beside them.

    A context manager. `clock` tells epoch seconds (an engine holds it), `new_id` makes ids. Made by
    `open_store`.
    """

    def __init__(self, path: str, busy: float, clock: Clock, new_id: Callable[[], str]) -> None:
        self.path, self.clock, self.new_id = path, clock, new_id
        self._busy = busy
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._local = threading.local()
        self._checkpoints = Checkpoints(self._opened)
        self._writer = Writer(self._connection, self._checkpoints.written)
        self._readers = ThreadPoolExecutor(READERS, "tenant-read")
        self._vault: Vault | None = None

    @property
    def vault(self) -> Vault:
        """What seals and opens credentials."""
        if self._vault is None:
            raise StoreError(f"{self.path}: is not open")
        return self._vault

    def prepare(self, key: str | None) -> None:
        """Migrates the file and finds its key; called once by `open_store`."""
        with closing(self._opened()) as connection, decoding():
            check(connection)
            connection.execute("PRAGMA journal_mode = WAL")

        def work(connection: sqlite3.Connection) -> Vault:
            migrate(connection)
            return _vault_of(connection, self.path, key)

        self._vault = self._writer.submit(work).result()

    def _opened(self) -> sqlite3.Connection:
        made = sqlite3.connect(
            self.path, timeout=self._busy, isolation_level=None, check_same_thread=False
        )
        made.row_factory = sqlite3.Row
        with decoding():
            made.execute("PRAGMA synchronous = FULL")
            made.execute("PRAGMA foreign_keys = ON")
            made.execute("PRAGMA wal_autocheckpoint = 0")  # `checkpoints.py` does it
        made.create_function(
            "fold", 1, str.casefold, deterministic=True
        )  # SQLite's own lower() knows ASCII only
        return made

    def _connection(self) -> sqlite3.Connection:
        """The connection of the calling thread."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = self._opened()
            with self._lock:
                self._connections.append(found)
        return found

    def _reading(self, work: Work[T]) -> T:
        connection = self._connection()
        connection.execute("BEGIN")  # one snapshot for all its queries
        try:
            with decoding():
                return work(connection)
        finally:
            connection.execute("ROLLBACK")

    async def write(self, work: Work[T]) -> T:
        """Runs `work` in the writer thread: all of it is stored, or nothing when it raises."""
        return await asyncio.wrap_future(self._writer.submit(work))

    async def read(self, work: Work[T]) -> T:
        """Runs `work` on one snapshot, beside the writer."""
        return await asyncio.wrap_future(self._readers.submit(self._reading, work))

    def write_now(self, work: Work[T]) -> T:
        """The same as `write` for callers without an event loop; raises StoreError for what SQLite
        refuses.
        """
        try:
            return self._writer.submit(work).result()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {explained(error)}") from None

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
        made = tokens.new(name, scopes, owner, expires)
        self.write_now(lambda connection: tokens.insert(connection, made, self.clock()))
        return made.text

    def list_tokens(self) -> tuple[tokens.Token, ...]:
        """All access tokens by name, without their text."""
        return self.write_now(tokens.listed)

    def revoke_token(self, name: str) -> bool:
        """Ends an access token at once; False when none has this name."""
        return self.write_now(lambda connection: tokens.revoke(connection, name))

    def sign_in_address(self, origin: str | None = None) -> str:
        """A new sign-in link to open within ten minutes, once; `origin` of None: where the tenant
        was served last.
        """
        return self.write_now(
            lambda connection: sessions.new_address(connection, self.clock(), origin)
        )

    def close(self) -> None:
        """Waits for what is under way and closes the file; may be called twice."""
        self._readers.shutdown()
        self._writer.close()
        self._checkpoints.close()
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _vault_of(connection: sqlite3.Connection, path: str, key: str | None) -> Vault:
    """The vault of this file, its key checked against what the file was written with; makes the
    first key.
    """
    stored = connection.execute("SELECT value FROM settings WHERE name = 'key_check'").fetchone()
    text = given_key(key) if key is not None else read_key(key_file(path))
    if text is None:
        if (
            connection.execute("SELECT 1 FROM webhooks WHERE sealed IS NOT NULL LIMIT 1").fetchone()
            is not None
        ):
            raise StoreError(
                f"{path}: holds encrypted credentials, but their key is missing: "
                f"put back {key_file(path)} or set RECONCILER_TENANT_KEY"
            )
        text, stored = make_key(key_file(path)), None
    vault = Vault(text)
    check = vault.mac("key-check", b"")
    if stored is not None and bytes(stored[0]) != check:
        raise StoreError(
            f"{path}: was written with another key than "
            f"{'the given one' if key else key_file(path)}"
        )
    if stored is None:
        connection.execute(
            "INSERT OR REPLACE INTO settings (name, value) VALUES ('key_check', ?)", (check,)
        )
    return vault


def _made_file(path: str) -> str:
    """Makes the file with mode 0600, and its folder, and tells its real path; raises StoreError.

    Links are followed, as SQLite does for its log: whoever opens the same file by another name has
    to meet the same key and the same lock of the one engine.
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
    new_id: Callable[[], str] = new_uuid,
    busy: float = BUSY,
) -> Store:
    """Opens the tenant's file, making it and its folder where needed; raises StoreError in words
    for a user.

    `key` is the key's text from outside; without it the one beside the file is used or made.
    `clock` stands in for the machine's, wall and monotonic, unless it is a Clock. `busy` is how
    many seconds a write waits for another process.
    """
    path = _made_file(path)
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
            raise StoreError(f"{path}: {explained(error)}") from None
        raise
    return store
