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
_DAMAGED: Final = (
    "Could not decode",
    "no such table",
    "no such column",
    "has no column named",
)  # of what we made ourselves


@contextmanager
def decoding() -> Iterator[None]:
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


def reason(error: BaseException) -> str:
    """Why something could not be stored, for a log line; never an error's own text, which may quote
    what is stored.
    """
    return (
        f"the database {explained(error)}"
        if isinstance(error, sqlite3.Error)
        else type(error).__name__
    )


def explained(error: sqlite3.Error) -> str:
    """What SQLite's error means, in fixed words."""
    text = str(error)
    if is_damaged(error) and "not a database" not in text:
        return f"is a damaged database; {RESTORE}"
    return next((words for part, words in _WORDS if part in text), "cannot be used as a database")
