"""The writer thread: what waits is stored together, each work by itself, and no caller is answered
before the commit.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from reconciler.tenant.store.writer import Writer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "any.db"
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    connection.close()
    return path


@pytest.fixture
def writer(file: Path) -> Iterator[Writer]:
    made: list[sqlite3.Connection] = []

    def connect() -> sqlite3.Connection:
        if not made:
            made.append(
                sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=0.05)
            )
        return made[0]

    writer = Writer(connect)
    yield writer
    writer.close()
    for connection in made:
        connection.close()


def _stored(file: Path) -> list[int]:
    connection = sqlite3.connect(file)
    try:
        return [row[0] for row in connection.execute("SELECT n FROM t ORDER BY n")]
    finally:
        connection.close()


def _insert(number: int) -> object:
    return lambda connection: connection.execute("INSERT INTO t VALUES (?)", (number,)).rowcount


def _held(writer: Writer) -> threading.Event:
    """Keeps the writer busy, so that all work that is handed in then waits together."""
    started, go = threading.Event(), threading.Event()
    writer.submit(lambda _: (started.set(), go.wait(10)))
    assert started.wait(10)
    return go


def test_what_waits_is_stored_together_and_one_that_raises_undoes_only_itself(
    writer: Writer, file: Path
) -> None:
    go = _held(writer)
    works = [
        _insert(1),
        _insert(1),
        _insert(2),
        lambda c: (c.execute("INSERT INTO t VALUES (3)"), 1 / 0),
    ]
    ends = [writer.submit(work) for work in works]
    go.set()
    assert ends[0].result(10) == 1
    assert isinstance(ends[1].exception(10), sqlite3.IntegrityError)
    assert ends[2].result(10) == 1
    assert isinstance(ends[3].exception(10), ZeroDivisionError)
    assert _stored(file) == [1, 2]


def test_when_a_transaction_has_its_result_others_can_read_it(writer: Writer, file: Path) -> None:
    seen: list[list[int]] = []
    done = writer.submit(_insert(7))
    done.add_done_callback(lambda _future: seen.append(_stored(file)))
    done.result(10)
    writer.submit(lambda _: None).result(10)
    assert seen == [[7]]


def test_when_nothing_can_be_stored_everybody_hears_of_it_and_the_next_one_is_stored(
    writer: Writer, file: Path
) -> None:
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    ends: list[Future[object]] = [writer.submit(_insert(n)) for n in (1, 2)]
    assert [type(end.exception(10)) for end in ends] == [sqlite3.OperationalError] * 2
    blocker.execute("ROLLBACK")
    assert writer.submit(_insert(3)).result(10) == 1
    assert _stored(file) == [3]
    blocker.close()


def test_a_work_that_was_cancelled_while_it_waited_is_not_run(writer: Writer, file: Path) -> None:
    go = _held(writer)
    cancelled, kept = writer.submit(_insert(1)), writer.submit(_insert(2))
    assert cancelled.cancel()
    go.set()
    assert kept.result(10) == 1
    assert _stored(file) == [2]


def test_closing_stores_what_was_handed_in_and_takes_nothing_more(
    writer: Writer, file: Path
) -> None:
    go = _held(writer)
    last = writer.submit(_insert(9))
    go.set()
    writer.close()
    assert (last.result(0), _stored(file)) == (1, [9])
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(_insert(10))
    writer.close()
