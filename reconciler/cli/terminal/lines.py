"""Log lines of a server: a separate thread writes them, so that a standard error that is not read
delays no request.

What does not fit into the queue is dropped and counted.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from contextlib import suppress
from typing import Final

WAITING: Final = 10_000  # lines
LAST: Final = 1.0  # seconds that the end waits for the lines before it


class Lines(logging.Handler):
    """Hands formatted lines to a thread that writes them to the descriptor `to`; past Python's
    buffers, which have locks.
    """

    def __init__(self, to: int) -> None:
        super().__init__()
        self._to, self._dropped = to, 0
        self._queue: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Takes one line; returns at once."""
        try:
            self._queue.put_nowait(f"{self.format(record)}\n".encode("utf-8", "backslashreplace"))
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Waits a moment for what was taken to be written."""
        with suppress(queue.Full):
            self._queue.put(None, timeout=LAST)
            self._thread.join(LAST)
        super().close()

    def _write(self) -> None:
        with suppress(OSError):  # standard error is closed
            while (line := self._queue.get()) is not None:
                dropped, self._dropped = self._dropped, 0
                _whole(self._to, f"{dropped} log lines were dropped\n".encode() if dropped else b"")
                _whole(self._to, line)


def _whole(to: int, data: bytes) -> None:
    while data:
        data = data[os.write(to, data) :]
