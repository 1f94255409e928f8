"""A machine's clock that jumps: within a process a retry waits as long as it was to wait; what is
stored stays wall clock.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from reconciler.tenant.schedule.clock import Clock
from reconciler.tenant.schedule.retries import Retries, parse_schedule
from tests.tenant.harness import EVENT, Receiver, Tenant
from tests.tenant.stories import list_shown, post, run

START = 1_790_000_000.0
RETRIES = Retries(parse_schedule("100s,100s,100s"), rng=lambda: 0.5)


class Machine:
    """A wall clock and a monotonic one, which a test moves."""

    def __init__(self) -> None:
        self.wall, self.monotonic = START, 5_000.0
        self.clock = Clock(lambda: self.wall, lambda: self.monotonic)

    async def go_on(self, t: Tenant, seconds: float) -> None:
        """Lets time pass, and the engine do what is due then."""
        self.wall += seconds
        self.monotonic += seconds
        t.engine.wake()
        await t.engine.wait_until_idle()


@pytest.mark.parametrize("jump", [-86_400.0, -50.0, 50.0, 86_400.0])
def test_a_retry_is_neither_held_nor_hurried_by_a_clock_that_jumps(
    tmp_path: Path, jump: float
) -> None:
    machine = Machine()

    async def story(t: Tenant, endpoint: Receiver) -> None:
        await t.engine.start()
        endpoint.status = 500
        made = await t.make(url=endpoint.url, events=[EVENT])
        await post(t)
        assert len(endpoint.bodies) == 1
        await machine.go_on(t, 10)
        machine.wall += jump
        await machine.go_on(t, 89)
        assert len(endpoint.bodies) == 1, "hurried"
        planned = datetime.fromisoformat((await list_shown(t, made))[0]["next_attempt"]).timestamp()
        assert planned == pytest.approx(machine.wall + 1)  # as a restart would read it
        await machine.go_on(t, 2)
        assert len(endpoint.bodies) == 2, "held"
        await machine.go_on(t, 99)
        assert len(endpoint.bodies) == 2
        await machine.go_on(t, 2)
        assert len(endpoint.bodies) == 3

    run(tmp_path, story, clock=machine.clock, retries=RETRIES)


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_webhook_held_by_retry_after_is_held_as_long_as_it_asked_for(
    tmp_path: Path, jump: float
) -> None:
    machine = Machine()

    async def story(t: Tenant, endpoint: Receiver) -> None:
        await t.engine.start()
        endpoint.status, endpoint.headers = 503, "Retry-After: 300\r\n"
        await t.make(url=endpoint.url, events=[EVENT])
        await post(t)
        machine.wall += jump
        await machine.go_on(t, 299)
        await post(t)  # a new event waits too
        assert len(endpoint.bodies) == 1
        endpoint.status, endpoint.headers = 200, ""
        await machine.go_on(t, 2)
        assert len(endpoint.bodies) == 3

    run(tmp_path, story, clock=machine.clock, retries=RETRIES)


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_an_event_that_is_posted_right_after_a_jump_is_delivered_at_once(
    tmp_path: Path, jump: float
) -> None:
    machine = Machine()

    async def story(t: Tenant, endpoint: Receiver) -> None:
        await t.engine.start()
        await t.make(url=endpoint.url, events=[EVENT])
        machine.wall += jump
        await post(t)
        assert len(endpoint.bodies) == 1

    run(tmp_path, story, clock=machine.clock, retries=RETRIES)


def test_a_clock_that_is_not_held_is_the_machines_and_follows_a_small_correction_at_once() -> None:
    machine = Machine()
    machine.wall += 7
    assert (machine.clock(), machine.clock.measure_jump()) == (START + 7, 0)
    machine.clock.hold()
    machine.wall += 0.5
    assert (machine.clock.measure_jump(), machine.clock()) == (0, START + 7.5)
    machine.wall += 60
    assert (machine.clock(), machine.clock.measure_jump()) == (START + 7.5, pytest.approx(60))
    machine.clock.follow(60)
    assert (machine.clock(), machine.clock.measure_jump()) == (machine.wall, 0)
    machine.wall -= 60
    machine.clock.release()
    assert machine.clock() == machine.wall
