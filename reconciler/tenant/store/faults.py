"""What is wrong when SQLite cannot read or write the tenant's file, in words for people. No SQL of
its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_WORDS: Final = (
    ("locked", "is locked by another process; end it or try again"),
    ("readonly", "cannot be written: permission denied"),
    ("not a database", "is not a database; if it was one, restore a backup"),
    ("full", "cannot be written: the disk is full"),
    ("I/O", "cannot be read or written: the disk is full or failing"),
)


RESTORE: Final = (
    "restore a backup: end the tenant, put the copy and its key in their places, serve again"
)
_PROBLEMS: Final = {  # SQLite's primary code: type of problem, seconds to wait
    sqlite3.SQLITE_FULL: ("storage-full", "30"),
    # also a disk or a file size limit that is met while the log is synced
    sqlite3.SQLITE_IOERR: ("storage", "30"),
    sqlite3.SQLITE_READONLY: ("storage", "30"),
    sqlite3.SQLITE_CANTOPEN: ("storage", "30"),
    sqlite3.SQLITE_BUSY: ("busy", "1"),
    sqlite3.SQLITE_LOCKED: ("busy", "1"),
}
_DAMAGED: Final = (
    "Could not decode",
    "no such table",
    "no such column",
    "has no column named",
)  # of what we made ourselves


@contextmanager
def report_undecodable() -> Iterator[None]:
    """Raises sqlite3.DatabaseError where what SQLite says of a scrambled schema is itself no
    text.
    """
    try:
        yield
    except UnicodeDecodeError:
        raise sqlite3.DatabaseError(_DAMAGED[0]) from None


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether the file itself is at fault, and no waiting helps."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or any(
        part in str(error) for part in _DAMAGED
    )


class StorageFailed(Exception):
    """SQLite could not read or write the tenant's file: the type of the problem that a request is
    answered with, and after how many seconds it may be repeated.

    `problem` is empty for a defect, which is `cause` then.
    """

    def __init__(self, error: sqlite3.Error) -> None:
        super().__init__(explain(error))
        self.cause = error
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        self.problem, self.retry_after = (
            ("damaged", "") if is_damaged(error) else _PROBLEMS.get(code, ("", ""))
        )


@contextmanager
def convert_errors() -> Iterator[None]:
    """Raises StorageFailed for what SQLite raises."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageFailed(error) from error


def describe_failure(error: BaseException) -> str:
    """Why something could not be stored, for a log line; never an error's own text, which may quote
    what is stored.
    """
    if isinstance(error, StorageFailed):
        error = error.cause
    return (
        f"the database {explain(error)}"
        if isinstance(error, sqlite3.Error)
        else type(error).__name__
    )


def explain(error: sqlite3.Error) -> str:
    """What SQLite's error means, in fixed words."""
    text = str(error)
    if is_damaged(error) and "not a database" not in text:
        return f"is a damaged database; {RESTORE}"
    return next((words for part, words in _WORDS if part in text), "cannot be used as a database")
