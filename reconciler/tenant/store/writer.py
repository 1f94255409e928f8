"""The one writer thread of a file: what waits while a transaction is stored shares the next one.

A commit costs a flush of the disk, however much it holds; so the more is written at once, the less
each write costs. Each work stands in a savepoint of its own: one that raises undoes itself alone.
No caller gets an answer before the commit.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from reconciler.tenant.store.faults import report_undecodable

TOGETHER: Final = 128  # works in one transaction, so that none waits for long

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Job:
    """A work, and the future of its end."""

    work: Callable[[sqlite3.Connection], Any]
    future: Future[Any]


@dataclass(frozen=True, slots=True)
class _End:
    """What a work returned, or raised."""

    value: Any = None
    error: BaseException | None = None


class Writer:
    """Runs works one after the other in a thread of its own; `connect` gives that thread its
    connection.

    `stored` is called after each commit.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], stored: Callable[[], None] = lambda: None
    ) -> None:
        self._connect, self._report = connect, stored
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="tenant-write", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """The future result of `work`, known once it is stored; raises RuntimeError after
        `close`.
        """
        if not self._thread.is_alive():
            raise RuntimeError("the file is closed")
        future: Future[T] = Future()
        self._queue.put(_Job(work, future))
        return future

    def close(self) -> None:
        """Waits until everything that was handed in is stored; may be called twice."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (batch := self._take_batch())[-1] is not None:
            self._run_batch([job for job in batch if job is not None])
        self._run_batch([job for job in batch if job is not None])

    def _take_batch(self) -> list[_Job | None]:
        """The next work, and what else waits already; None last where `close` was called."""
        batch = [self._queue.get()]
        while batch[-1] is not None and len(batch) < TOGETHER:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
        return batch

    def _run_batch(self, batch: list[_Job]) -> None:
        jobs = [job for job in batch if job.future.set_running_or_notify_cancel()]
        if not jobs:
            return
        try:
            ends = self._store(jobs)
        except BaseException as error:  # noqa: BLE001  any error goes to the callers that wait
            ends = [_End(error=error)] * len(jobs)
        for job, end in zip(jobs, ends, strict=True):
            if end.error is None:
                job.future.set_result(end.value)
            else:
                job.future.set_exception(end.error)

    def _store(self, jobs: list[_Job]) -> list[_End]:
        """How each job ended, after the commit; raises where nothing at all was stored."""
        connection = self._connect()
        connection.execute("BEGIN IMMEDIATE")
        try:
            ends = [_run_apart(connection, job.work) for job in jobs]
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has already rolled it back
                connection.execute("ROLLBACK")
            raise
        self._report()
        return ends


def _run_apart(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Any]) -> _End:
    """Runs a work in a savepoint; raises only where SQLite has rolled back the whole
    transaction.
    """
    connection.execute("SAVEPOINT work")
    try:
        with report_undecodable():
            value = work(connection)
    except BaseException as error:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO work")
        connection.execute("RELEASE work")
        return _End(error=error)
    connection.execute("RELEASE work")
    return _End(value)
