"""One open SQLite file: a connection per thread, one writer thread, readers beside it.

What runs on a connection stands in `rows`; this module knows no table.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from reconciler.core.errors import StoreError
from reconciler.tenant.store.checkpoints import Checkpoints
from reconciler.tenant.store.faults import convert_errors, explain, report_undecodable
from reconciler.tenant.store.writer import Writer

READERS: Final = 2  # threads

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class Database:
    """The file at `path`: writes one after the other in a thread of their own, reads beside them.

    `busy` is how many seconds a write waits for another process.
    """

    def __init__(self, path: str, busy: float) -> None:
        self.path, self._busy = path, busy
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._local = threading.local()
        self._checkpoints = Checkpoints(self.connect)
        self._writer = Writer(self._find_connection, self._checkpoints.note_write)
        self._readers = ThreadPoolExecutor(READERS, "tenant-read")

    def connect(self) -> sqlite3.Connection:
        """A new connection with this program's settings; the caller closes it."""
        connection = sqlite3.connect(
            self.path, timeout=self._busy, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        with report_undecodable():
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # `checkpoints.py` does it
        connection.create_function(
            "fold", 1, str.casefold, deterministic=True
        )  # SQLite's own lower() knows ASCII only
        return connection

    def _find_connection(self) -> sqlite3.Connection:
        """The connection of the calling thread."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self.connect()
            with self._lock:
                self._connections.append(connection)
        return connection

    def _read(self, work: Work[T]) -> T:
        connection = self._find_connection()
        connection.execute("BEGIN")  # one snapshot for all its queries
        try:
            with report_undecodable():
                return work(connection)
        finally:
            connection.execute("ROLLBACK")

    async def write(self, work: Work[T]) -> T:
        """Runs `work` in the writer thread: all of it is stored, or nothing when it raises. Raises
        StorageFailed for what SQLite refuses.
        """
        with convert_errors():
            return await asyncio.wrap_future(self._writer.submit(work))

    async def read(self, work: Work[T]) -> T:
        """Runs `work` on one snapshot, beside the writer. Raises StorageFailed for what SQLite
        refuses.
        """
        with convert_errors():
            return await asyncio.wrap_future(self._readers.submit(self._read, work))

    def write_now(self, work: Work[T]) -> T:
        """The same as `write` for callers without an event loop; raises StoreError for what SQLite
        refuses.
        """
        try:
            return self._writer.submit(work).result()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {explain(error)}") from None

    def close(self) -> None:
        """Waits for what is under way and closes the file; may be called twice."""
        self._readers.shutdown()
        self._writer.close()
        self._checkpoints.close()
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
