"""What every class of operations has: the file and the clock."""

from __future__ import annotations

from reconciler.tenant.schedule.clock import Clock
from reconciler.tenant.store.database import Database


class Operations:
    """Operations on one file; `clock` gives epoch seconds."""

    __slots__ = ("_clock", "_database")

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
