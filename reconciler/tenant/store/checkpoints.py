"""The thread that brings what was written from the log of a file (`-wal`) into the file itself.

SQLite would do it at the end of every thousandth page's commit, and the callers of that one
wait for two flushes of the disk more. Here it goes on beside the writer, who is stopped only where
the log has become so long that it has to begin anew.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Final

from reconciler.tenant.store.faults import describe_failure

OFTEN: Final = 0.5  # seconds between checkpoints
LONG: Final = 8192  # pages (32 MiB) after which the log begins anew

_log = logging.getLogger("reconciler.tenant")


class Checkpoints:
    """Runs until `close`; `connect` gives its thread a connection. The writer's own has to have
    `wal_autocheckpoint` 0.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._over = threading.Event()
        self._written = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tenant-checkpoint", daemon=True)
        self._thread.start()

    def note_write(self) -> None:
        """Something was stored since; returns at once."""
        self._written.set()

    def close(self) -> None:
        """Ends the thread; may be called twice."""
        self._over.set()
        self._written.set()
        self._thread.join()

    def _run(self) -> None:
        self._written.wait()  # a file that is only read needs none, nor one that is written once
        if self._over.wait(OFTEN):
            return
        with closing(self._connect()) as connection:
            while not self._over.is_set():
                self._written.clear()
                try:
                    checkpoint(connection)
                except sqlite3.Error as error:
                    _log.warning(
                        "the log could not be brought into the file: %s", describe_failure(error)
                    )
                self._over.wait(OFTEN)
                self._written.wait()


def checkpoint(connection: sqlite3.Connection) -> None:
    """Brings over what no reader holds, beside the writer; and has the log begin anew where it is
    long.
    """
    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if pages > LONG:
        connection.execute(
            "PRAGMA wal_checkpoint(RESTART)"
        )  # what is left is little, so that the writer waits for little
