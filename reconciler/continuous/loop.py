"""Runs Tenants as they become due, so many at once as there are workers, each Tenant once at a
time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from reconciler.continuous.queue import Queue
from reconciler.continuous.schedule import (
    Ending,
    Item,
    Reason,
    ask,
    finish,
    set_interval,
    start,
    suspend,
)
from reconciler.core.model.schedule import Schedule

WORKERS: Final = 10


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended; `wait` is the number of seconds that it asks for before the next one."""

    ending: Ending
    wait: float | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Settings:
    """`clock` never jumps; `spread` returns numbers from -1 to 1 for the jitter; `settle` is the
    number of seconds in which changes are taken together.
    """

    clock: Callable[[], float]
    spread: Callable[[], float]
    workers: int = WORKERS
    settle: float = 0.0


class Loop:
    """The workers over one queue. `run` reconciles the Tenant of a key; what it raises is a defect,
    which ends the loop.
    """

    def __init__(self, run: Callable[[str], Awaitable[Ended]], settings: Settings) -> None:
        self._run, self._settings = run, settings
        self._queue = Queue()
        self._news = asyncio.Event()
        self._removed: set[str] = set()  # Tenants to forget when their run is over
        self._is_stopped = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def items(self) -> Mapping[str, Item]:
        """Every Tenant by key."""
        return self._queue.items

    @property
    def removed(self) -> frozenset[str]:
        """The Tenants that are no longer there, and whose run is still under way."""
        return frozenset(self._removed)

    @property
    def depth(self) -> int:
        """How many Tenants are due and wait for a worker."""
        now = self._settings.clock()
        return sum(
            not item.is_running and not item.is_suspended and item.due <= now
            for item in self._queue.items.values()
        )

    def set_tenants(self, schedules: Mapping[str, Schedule]) -> None:
        """The Tenants there are: new ones are due at once, missing ones are forgotten."""
        now = self._settings.clock()
        returned = self._removed & schedules.keys()
        self._removed = {
            key
            for key, item in self._queue.items.items()
            if key not in schedules and item.is_running
        }
        for key in self._queue.items.keys() - schedules.keys() - self._removed:
            self._queue.remove(key)
        for key, schedule in schedules.items():
            old = self._queue.items.get(key)
            item = old or Item(key, now, schedule.interval, reason=Reason.CHANGE)
            item = set_interval(item, schedule.interval, now)
            item = suspend(item, now, suspended=schedule.suspend)
            item = ask(item, now, Reason.CHANGE) if key in returned else item
            if item != old:
                self._queue.put(item)
        self._news.set()

    def ask(self, key: str, reason: Reason = Reason.CHANGE) -> None:
        """A run of that Tenant is wanted; an unknown key is ignored."""
        settle = self._settings.settle
        now = self._settings.clock()
        self._queue.change(key, partial(ask, now=now, reason=reason, settle=settle))
        self._news.set()

    def ask_all(self, reason: Reason = Reason.CHANGE) -> None:
        """A run of every Tenant is wanted."""
        for key in list(self._queue.items):
            self.ask(key, reason)

    def stop(self) -> None:
        """Starts no further run; `run_until_stopped` returns when those under way are over."""
        self._is_stopped = True
        self._news.set()

    async def run_until_stopped(self) -> None:
        """Runs whatever is due until `stop`; raises what a run raised."""
        try:
            while not self._is_stopped:
                self._news.clear()
                self._start_due()
                await self._wait()
            if self._tasks:
                await asyncio.gather(*self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()

    def _start_due(self) -> None:
        now = self._settings.clock()
        while len(self._tasks) < self._settings.workers:
            item = self._queue.take(now)
            if item is None:
                return
            self._queue.put(start(item, now))
            task = asyncio.create_task(self._run_item(item.key))
            self._tasks.add(task)

    async def _run_item(self, key: str) -> None:
        ended = await self._run(key)
        now, spread = self._settings.clock(), self._settings.spread()
        if key in self._removed:
            self._removed.discard(key)
            self._queue.remove(key)
        else:
            self._queue.change(
                key, lambda item: finish(item, now, ended.ending, spread, ended.wait)
            )

    async def _wait(self) -> None:
        """Until a run ends, something is new, or the next item is due."""
        has_room = len(self._tasks) < self._settings.workers
        seconds = self._queue.find_wait(self._settings.clock()) if has_room else None
        news = asyncio.ensure_future(self._news.wait())
        try:
            done, _ = await asyncio.wait(
                {news, *self._tasks}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            news.cancel()
        for task in done & self._tasks:
            self._tasks.discard(task)
            task.result()
