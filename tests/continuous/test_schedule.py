"""When a Tenant runs: the state machine as a table of transitions, and what holds for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.continuous.schedule import (
    LAST_BACKOFF,
    Ending,
    Item,
    Phase,
    Reason,
    ask,
    find_backoff,
    finish,
    set_interval,
    start,
    suspend,
)

T = 1000.0  # now
WAITING = Item("t", T + 100, 300.0)
DUE = Item("t", T - 1, 300.0)
RUNNING = Item("t", T - 5, 300.0, started=T - 5)
BACKING_OFF = Item("t", T + 4, 300.0, failures=3, ending=Ending.FAILED)
STALLED = Item("t", T + 100, 300.0, ending=Ending.STALLED)
OUTSIDE = Item("t", T + 100, 300.0, ending=Ending.OUTSIDE_WINDOW)
SUSPENDED = Item("t", T + 100, 300.0, is_suspended=True)
RUNNING_AGAIN = replace(RUNNING, again=Reason.CHANGE)

Step = Callable[[Item], Item]
change: Step = partial(ask, now=T, reason=Reason.CHANGE)
settled: Step = partial(ask, now=T, reason=Reason.CHANGE, settle=2.0)
request: Step = partial(ask, now=T, reason=Reason.REQUEST)
begin: Step = partial(start, now=T)
stop: Step = partial(suspend, now=T, suspended=True)
resume: Step = partial(suspend, now=T, suspended=False)


def ended(ending: Ending, wait: float | None = None, spread: float = 0.0) -> Step:
    return lambda item: finish(item, T, ending, spread, wait)


@pytest.mark.parametrize(
    ("before", "step", "phase", "seconds"),
    [
        # a new or waiting Tenant
        (WAITING, begin, Phase.RUNNING, None),
        (WAITING, change, Phase.DUE, 0),
        (WAITING, settled, Phase.WAITING, 2),
        (WAITING, request, Phase.DUE, 0),
        (WAITING, stop, Phase.SUSPENDED, None),
        (DUE, change, Phase.DUE, -1),
        (DUE, settled, Phase.DUE, -1),
        (DUE, begin, Phase.RUNNING, None),
        # a run ends: the interval counts from its beginning
        (RUNNING, ended(Ending.DONE), Phase.WAITING, 295),
        (RUNNING, ended(Ending.DONE, spread=1.0), Phase.WAITING, 325),
        (RUNNING, ended(Ending.DONE, spread=-1.0), Phase.WAITING, 265),
        (RUNNING, ended(Ending.STALLED), Phase.STALLED, 295),
        (RUNNING, ended(Ending.OUTSIDE_WINDOW, wait=60), Phase.OUTSIDE_WINDOW, 60),
        (RUNNING, ended(Ending.OUTSIDE_WINDOW, wait=6000), Phase.OUTSIDE_WINDOW, 295),
        (RUNNING, ended(Ending.FAILED), Phase.BACKING_OFF, 1),
        (RUNNING, ended(Ending.FAILED, wait=30), Phase.BACKING_OFF, 30),
        # a run that took longer than its interval
        (replace(RUNNING, started=T - 900), ended(Ending.DONE), Phase.DUE, 0),
        # not begun, since the product asked to wait
        (RUNNING, ended(Ending.POSTPONED, wait=40), Phase.WAITING, 40),
        (replace(STALLED, started=T), ended(Ending.POSTPONED, wait=40), Phase.STALLED, 40),
        # asked for again during a run
        (RUNNING, change, Phase.RUNNING, None),
        (RUNNING_AGAIN, ended(Ending.DONE), Phase.DUE, 0),
        (RUNNING_AGAIN, ended(Ending.STALLED), Phase.DUE, 0),
        (RUNNING_AGAIN, ended(Ending.FAILED), Phase.BACKING_OFF, 1),
        (RUNNING, stop, Phase.RUNNING, None),
        # after failures
        (BACKING_OFF, begin, Phase.RUNNING, None),
        (BACKING_OFF, change, Phase.DUE, 0),
        (replace(BACKING_OFF, started=T), ended(Ending.FAILED), Phase.BACKING_OFF, 8),
        (replace(BACKING_OFF, started=T), ended(Ending.DONE), Phase.WAITING, 300),
        # refused, or outside of its windows
        (STALLED, change, Phase.DUE, 0),
        (STALLED, begin, Phase.RUNNING, None),
        (OUTSIDE, change, Phase.DUE, 0),
        # suspended
        (SUSPENDED, change, Phase.SUSPENDED, None),
        (SUSPENDED, request, Phase.SUSPENDED, None),
        (SUSPENDED, resume, Phase.DUE, 0),
        (WAITING, resume, Phase.WAITING, 100),
    ],
)
def test_transitions(before: Item, step: Step, phase: Phase, seconds: float | None) -> None:
    after = step(before)
    assert after.find_phase(T) is phase
    if seconds is not None:
        assert after.due - T == pytest.approx(seconds)


def test_a_run_is_never_started_twice() -> None:
    with pytest.raises(ValueError, match="a run is under way"):
        start(RUNNING, T)


def test_a_success_forgets_the_failures() -> None:
    after = finish(replace(BACKING_OFF, started=T), T, Ending.DONE, 0.0)
    assert after.failures == 0
    assert finish(start(after, T + 1), T + 1, Ending.FAILED, 0.0).due == T + 2


def test_backoff_doubles_from_one_second_to_five_minutes() -> None:
    assert [find_backoff(number) for number in (1, 2, 3, 9, 10, 1000)] == [
        1.0, 2.0, 4.0, 256.0, LAST_BACKOFF, LAST_BACKOFF,
    ]  # fmt: skip


def test_changes_that_follow_each_other_are_taken_together_but_not_for_ever() -> None:
    item, now = WAITING, T
    for _ in range(20):
        item = ask(item, now, Reason.CHANGE, 2.0)
        if item.due <= now:
            break
        now += 1.5
    assert item.due <= now
    assert now - T <= 2.0 * 6


def test_a_request_does_not_wait_for_changes_to_settle() -> None:
    assert ask(settled(WAITING), T, Reason.REQUEST).due == T


def test_a_shorter_interval_takes_effect_at_once() -> None:
    assert set_interval(replace(WAITING, due=T + 3600), 10.0, T).due == pytest.approx(T + 11)
    assert set_interval(WAITING, 3600.0, T).due == WAITING.due


@given(
    st.lists(
        st.tuples(st.sampled_from(["change", "request", "begin", "end", "stop", "resume"]),
                  st.floats(0, 400), st.sampled_from(list(Ending)), st.floats(-1, 1)),
        max_size=40,
    )
)  # fmt: skip
def test_whatever_happens_a_tenant_runs_again_within_its_interval_or_backoff(
    steps: list[tuple[str, float, Ending, float]],
) -> None:
    item, now = Item("t", 0.0, 300.0), 0.0
    for name, seconds, ending, spread in steps:
        now += seconds
        match name:
            case "change":
                item = ask(item, now, Reason.CHANGE, 2.0)
            case "request":
                item = ask(item, now, Reason.REQUEST)
            case "begin" if not item.is_running and not item.is_suspended and item.due <= now:
                item = start(item, now)
            case "end" if item.is_running:
                item = finish(item, now, ending, spread)
                assert now <= item.due <= now + 330.0
            case "stop":
                item = suspend(item, now, suspended=True)
            case "resume":
                item = suspend(item, now, suspended=False)
        assert item.is_running or item.due <= now + 330.0
