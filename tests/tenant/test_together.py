"""What waits while a group is under way makes up the next one, and the failure of a group
reaches only its cause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from reconciler.tenant.engine.together import PAUSE, Together


class Work:
    """Records its groups; each waits for `gate`. Refuses a group that holds a negative number."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        await self.gate.wait()
        if any(item < 0 for item in items):
            raise ValueError(str(items))
        return [item * 10 for item in items]


def test_work_that_arrives_during_a_group_is_done_together_in_order_up_to_a_limit() -> None:
    async def story() -> None:
        work = Work()
        together = Together(work, 4)
        first = asyncio.create_task(together(0))
        await asyncio.sleep(0.01)
        rest = [asyncio.create_task(together(number)) for number in range(1, 8)]
        await asyncio.sleep(0.01)
        assert work.groups == [[0]]
        work.gate.set()
        assert await asyncio.gather(first, *rest) == [number * 10 for number in range(8)]
        assert work.groups == [[0], [1, 2, 3, 4], [5, 6, 7]]

    asyncio.run(story())


def test_a_group_is_followed_by_a_pause_as_long_as_its_work_but_never_by_a_long_one() -> None:
    async def story() -> None:
        clock, slept = iter([10.0, 10.02, 20.0, 25.0]), list[float]()

        async def work(items: Sequence[int]) -> Sequence[int]:
            return items

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        together = Together(work, 1, lambda: next(clock), sleep)
        assert await asyncio.gather(together(1), together(2)) == [1, 2]
        await asyncio.sleep(0)
        assert slept == [pytest.approx(0.02), PAUSE]

    asyncio.run(story())


def test_a_group_that_is_refused_is_tried_one_by_one_and_only_its_cause_hears_of_it() -> None:
    async def story() -> None:
        work = Work()
        work.gate.set()
        ends = await asyncio.gather(*map(Together(work, 8), (1, -2, 3)), return_exceptions=True)
        assert (ends[0], ends[2]) == (10, 30)
        assert isinstance(ends[1], ValueError)
        assert work.groups == [[1, -2, 3], [1], [-2], [3]]

    asyncio.run(story())


def test_a_caller_that_stops_waiting_blocks_no_other_caller() -> None:
    async def story() -> None:
        work = Work()
        together = Together(work, 8)
        gone, stays = asyncio.create_task(together(1)), asyncio.create_task(together(2))
        await asyncio.sleep(0.01)
        gone.cancel()
        work.gate.set()
        assert await stays == 20
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert await asyncio.wait_for(together(3), 10) == 30

    asyncio.run(story())
