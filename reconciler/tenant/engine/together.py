"""One work for what waits: what comes while a group is under way makes up the next one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

# seconds; a work that took longer waited for somebody, as for another process that writes
PAUSE: Final = 0.05

T = TypeVar("T")
R = TypeVar("R")


class Together(Generic[T, R]):
    """Hands items to `work`, one group at a time; `work` returns an end for each, in their order,
    or raises for all.

    A group that was refused is tried one by one, so that none fails because of another. After
    each group a pause as long as its work took, PAUSE at most, so that others find the writer free,
    and the next group is worth its transaction. `clock` gives seconds, `sleep` lets them pass.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        most: int,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._work, self._most, self._clock, self._sleep = work, most, clock, sleep
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """The end of one item; raises what its work raised."""
        end: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, end))
        if self._working is None:
            self._working = asyncio.create_task(self._run())
        return await end

    async def _run(self) -> None:
        try:
            while self._waiting:
                began = self._clock()
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                if not await self._hand_out(group, last=len(group) == 1):
                    for item in group:
                        await self._hand_out([item], last=True)
                await self._sleep(min(self._clock() - began, PAUSE))
        finally:
            self._working = None

    async def _hand_out(self, group: list[tuple[T, asyncio.Future[R]]], *, last: bool) -> bool:
        """Does the work and hands out its ends; False where it was refused and no end was set,
        because it is not the `last` try.
        """
        try:
            ends = await self._work([item for item, _ in group])
        except Exception as error:  # noqa: BLE001  any error goes to the callers that wait
            if not last:
                return False
            for _, end in group:
                if not end.done():
                    end.set_exception(error)
            return True
        for (_, end), value in zip(group, ends, strict=True):
            if not end.done():
                end.set_result(value)
        return True
