"""The workers: an hour of a thousand Tenants in virtual time, and what holds at the edges."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from itertools import pairwise

import pytest

from reconciler.continuous.loop import Ended, Loop, Settings
from reconciler.continuous.schedule import Ending, Reason
from reconciler.core.model.schedule import Schedule
from tests.continuous.virtual_time import run_virtually

HOUR = 3600.0
INTERVAL = 300.0


class Runs:
    """Counts what the loop runs. Each run lists its tenant once, and takes `seconds`."""

    def __init__(self, failing: frozenset[str] = frozenset(), seconds: float = 1.0) -> None:
        self.failing, self.seconds = failing, seconds
        self.starts: dict[str, list[float]] = defaultdict(list)
        self.under_way: set[str] = set()
        self.at_once = 0

    async def run(self, key: str) -> Ended:
        assert key not in self.under_way, f"{key} runs twice at once"
        self.under_way.add(key)
        self.at_once = max(self.at_once, len(self.under_way))
        self.starts[key].append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        self.under_way.discard(key)
        return Ended(Ending.FAILED if key in self.failing else Ending.DONE)


def make_loop(runs: Runs, workers: int = 10, settle: float = 0.0) -> Loop:
    generator = random.Random(7)
    clock = asyncio.get_running_loop().time
    return Loop(runs.run, Settings(clock, lambda: generator.uniform(-1, 1), workers, settle))


async def run_for(loop: Loop, seconds: float) -> None:
    asyncio.get_running_loop().call_later(seconds, loop.stop)
    await loop.run_until_stopped()


def test_an_hour_of_1000_tenants_with_ten_workers_of_which_3_percent_fail() -> None:
    keys = [f"t{number}" for number in range(1000)]
    failing = frozenset(keys[::33])
    runs = Runs(failing, seconds=0.35)

    async def simulate() -> None:
        loop = make_loop(runs)
        loop.set_tenants(dict.fromkeys(keys, Schedule(interval=INTERVAL)))
        await run_for(loop, HOUR)

    run_virtually(simulate())
    assert len(failing) == 31
    assert runs.at_once == 10
    for key in keys:
        times = [*runs.starts[key], HOUR]
        longest = max(later - earlier for earlier, later in pairwise(times))
        if key in failing:
            gaps = [later - earlier for earlier, later in pairwise(runs.starts[key])]
            assert gaps[2] < 30  # it backs off, up to five minutes
            assert gaps[7] > 60
            assert 16 <= len(runs.starts[key]) <= 24
        else:
            assert longest <= INTERVAL * 1.2
            # one listing per Tenant and interval, give or take the jitter
            assert HOUR / INTERVAL * 0.9 <= len(runs.starts[key]) <= HOUR / INTERVAL * 1.2


def test_changes_run_before_polls() -> None:
    runs = Runs()

    async def simulate() -> None:
        loop = make_loop(runs, workers=1)
        keys = [f"t{number}" for number in range(100)]
        loop.set_tenants(dict.fromkeys(keys, Schedule(interval=1000.0)))
        task = asyncio.ensure_future(run_for(loop, 2500.0))
        await asyncio.sleep(1150)  # the polls of the second interval are under way
        before = runs.starts["t99"][-1]
        loop.ask("t99")
        await asyncio.sleep(3)
        assert runs.starts["t99"][-1] > before
        await task

    run_virtually(simulate())


def test_changes_within_the_settling_time_are_one_run() -> None:
    runs = Runs()

    async def simulate() -> None:
        loop = make_loop(runs, settle=2.0)
        loop.set_tenants({"t": Schedule()})
        task = asyncio.ensure_future(run_for(loop, 100.0))
        await asyncio.sleep(10)
        for _ in range(5):
            loop.ask("t")
            await asyncio.sleep(0.3)
        await task

    run_virtually(simulate())
    assert len(runs.starts["t"]) == 2


def test_a_change_during_a_run_is_followed_by_one_more_run() -> None:
    runs = Runs(seconds=5.0)

    async def simulate() -> None:
        loop = make_loop(runs)
        loop.set_tenants({"t": Schedule()})
        task = asyncio.ensure_future(run_for(loop, 30.0))
        await asyncio.sleep(1)
        loop.ask("t")
        loop.ask("t", Reason.REQUEST)
        await task

    run_virtually(simulate())
    assert runs.starts["t"] == [0.0, 5.0]


def test_a_tenant_that_is_removed_and_declared_again_during_its_run_does_not_run_twice_at_once() -> (
    None
):
    runs = Runs(seconds=5.0)

    async def simulate() -> None:
        loop = make_loop(runs)
        loop.set_tenants({"t": Schedule()})
        task = asyncio.ensure_future(run_for(loop, 20.0))
        await asyncio.sleep(1)
        loop.set_tenants({})
        await asyncio.sleep(1)
        loop.set_tenants({"t": Schedule()})
        await task

    run_virtually(simulate())
    assert runs.starts["t"] == [0.0, 5.0]


def test_a_tenant_that_is_removed_during_its_run_is_forgotten_after_it() -> None:
    runs = Runs(seconds=5.0)

    async def simulate() -> None:
        loop = make_loop(runs)
        loop.set_tenants({"t": Schedule(), "u": Schedule()})
        task = asyncio.ensure_future(run_for(loop, 1000.0))
        await asyncio.sleep(1)
        loop.set_tenants({"u": Schedule()})
        await asyncio.sleep(10)
        assert list(loop.items) == ["u"]
        await task

    run_virtually(simulate())
    assert len(runs.starts["t"]) == 1


def test_a_suspended_tenant_does_not_run_until_it_is_resumed() -> None:
    runs = Runs()

    async def simulate() -> None:
        loop = make_loop(runs)
        loop.set_tenants({"t": Schedule(suspend=True)})
        task = asyncio.ensure_future(run_for(loop, 2000.0))
        await asyncio.sleep(1000)
        loop.ask("t")
        await asyncio.sleep(10)
        assert not runs.starts["t"]
        loop.set_tenants({"t": Schedule()})
        await asyncio.sleep(1)
        assert runs.starts["t"] == [1010.0]
        await task

    run_virtually(simulate())


def test_looking_again_at_the_same_tenants_does_not_fill_the_queue() -> None:
    async def simulate() -> None:
        loop = make_loop(Runs())
        tenants = dict.fromkeys([f"t{number}" for number in range(100)], Schedule(interval=86400.0))
        loop.set_tenants(tenants)
        task = asyncio.ensure_future(run_for(loop, HOUR))
        for _ in range(50):
            await asyncio.sleep(60)
            loop.set_tenants(tenants)
        assert len(loop._queue._waiting) <= 100
        await task

    run_virtually(simulate())


def test_a_defect_in_a_run_ends_the_loop() -> None:
    async def fail(key: str) -> Ended:
        raise RuntimeError(key)

    async def simulate() -> None:
        loop = Loop(fail, Settings(asyncio.get_running_loop().time, lambda: 0.0))
        loop.set_tenants({"t": Schedule()})
        await loop.run_until_stopped()

    with pytest.raises(RuntimeError, match="t"):
        run_virtually(simulate())
