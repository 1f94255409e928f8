"""Values that are costly to make and must not stay for ever: one per key, closed some seconds after
its last use.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """A value that can be closed."""

    async def aclose(self) -> None:
        """Closes it; running uses get an error."""


K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Closable)


@dataclass(slots=True)
class _Entry(Generic[T]):
    value: T
    users: int = 0
    timer: asyncio.TimerHandle | None = None


class IdleCache(Generic[K, T]):
    """`make(key)` for each key in use, or used within the last `seconds`."""

    def __init__(self, make: Callable[[K], T], seconds: float) -> None:
        self._make, self._seconds = make, seconds
        self._entries: dict[K, _Entry[T]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def use(self, key: K) -> AsyncIterator[T]:
        """The value of a key, as long as the context lasts."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(self._make(key))
        if entry.timer is not None:
            entry.timer.cancel()
        entry.users += 1
        try:
            yield entry.value
        finally:
            entry.users -= 1
            if not entry.users and self._entries.get(key) is entry:
                entry.timer = asyncio.get_running_loop().call_later(self._seconds, self._end, key)

    def _end(self, key: K) -> None:
        task = asyncio.ensure_future(self._entries.pop(key).value.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Closes all values, in use or not."""
        entries, self._entries = self._entries, {}
        for entry in entries.values():
            if entry.timer is not None:
                entry.timer.cancel()
            await entry.value.aclose()
        await asyncio.gather(*self._closing)
