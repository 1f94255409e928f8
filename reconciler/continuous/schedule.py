"""When a Tenant is reconciled: a pure state machine. The clock is an argument of each transition.

Times are seconds of a clock that never jumps (`time.monotonic`). A Tenant runs when a change was
noticed, when somebody requested it, and when its interval is over; never twice at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import Final

JITTER: Final = 0.1  # of the interval, so that Tenants of one interval do not run all at once
FIRST_BACKOFF: Final = 1.0  # seconds
LAST_BACKOFF: Final = 300.0  # seconds
_MAX_SETTLING: Final = 5  # how many times changes may put a run off before it starts anyway


class Reason(IntEnum):
    """Why a Tenant is due. A lower number runs first."""

    REQUEST = 0
    CHANGE = 1
    POLL = 2


class Phase(StrEnum):
    """What a Tenant is doing."""

    DUE = "due"
    RUNNING = "running"
    WAITING = "waiting"
    BACKING_OFF = "backing-off"
    SUSPENDED = "suspended"
    OUTSIDE_WINDOW = "outside-window"
    STALLED = "stalled"


class Ending(StrEnum):
    """How a run ended, as far as the next one depends on it."""

    DONE = "done"
    OUTSIDE_WINDOW = "outside-window"  # changes wait for the next window
    STALLED = "stalled"  # refused: only a person can let it pass
    FAILED = "failed"
    POSTPONED = "postponed"  # not begun: the product asked to wait


_PHASES: Final = {
    Ending.DONE: Phase.WAITING,
    Ending.OUTSIDE_WINDOW: Phase.OUTSIDE_WINDOW,
    Ending.STALLED: Phase.STALLED,
    Ending.FAILED: Phase.BACKING_OFF,
}


@dataclass(frozen=True, slots=True)
class Item:
    """One Tenant in the schedule: its next run is due at `due`, for `reason`.

    `started` is when the run that is under way began, None if none is. `again` is the reason of a
    run that was asked for during it. `failures` counts the failed runs since the last success.
    `put_off` counts how often a change moved the next run.
    """

    key: str
    due: float
    interval: float = 300.0
    reason: Reason = Reason.POLL
    is_suspended: bool = False
    started: float | None = None
    again: Reason | None = None
    failures: int = 0
    ending: Ending = Ending.DONE
    put_off: int = 0

    @property
    def is_running(self) -> bool:
        """Whether a run is under way."""
        return self.started is not None

    def find_phase(self, now: float) -> Phase:
        """What the Tenant is doing at that time."""
        if self.is_running:
            return Phase.RUNNING
        if self.is_suspended:
            return Phase.SUSPENDED
        return Phase.DUE if self.due <= now else _PHASES[self.ending]


def ask(item: Item, now: float, reason: Reason, settle: float = 0.0) -> Item:
    """A run is wanted, `settle` seconds from now, so that changes that follow join it. A run under
    way is followed by one more.
    """
    if item.is_running:
        wanted = reason if item.again is None else min(reason, item.again)
        return replace(item, again=wanted)
    if reason is Reason.CHANGE and item.reason is Reason.CHANGE and item.due > now:
        is_late = item.put_off >= _MAX_SETTLING
        due = item.due if is_late else now + settle
        return replace(item, due=due, put_off=item.put_off + 1)
    due = min(item.due, now) if reason is Reason.REQUEST else min(item.due, now + settle)
    return replace(item, due=due, reason=min(item.reason, reason))


def set_interval(item: Item, interval: float, now: float) -> Item:
    """The interval, from the next run on; a shorter one takes effect at once."""
    return replace(item, interval=interval, due=min(item.due, now + interval * (1 + JITTER)))


def suspend(item: Item, now: float, *, suspended: bool) -> Item:
    """Stops the Tenant, or lets it go on: then it is due at once. A run under way goes on."""
    if item.is_suspended and not suspended:
        return replace(item, is_suspended=False, due=now, reason=Reason.CHANGE)
    return replace(item, is_suspended=suspended)


def start(item: Item, now: float) -> Item:
    """The run begins; raises ValueError if one is under way."""
    if item.is_running:
        raise ValueError(f"{item.key}: a run is under way")
    return replace(item, started=now, again=None, put_off=0, reason=Reason.POLL)


def finish(
    item: Item, now: float, ending: Ending, spread: float, wait: float | None = None
) -> Item:
    """The run is over. The next one is an interval after its beginning, or after a backoff that
    doubles with each failure.

    `spread` from -1 to 1 is the part of the jitter. `wait` is a number of seconds that the tenant
    asks for (`Retry-After`), or until the next window opens.
    """
    if ending is Ending.POSTPONED:
        due = now + (wait or 0.0) + JITTER * abs(spread)
        return replace(item, due=due, reason=item.again or Reason.POLL, started=None, again=None)
    began = now if item.started is None else item.started
    failures = item.failures + 1 if ending is Ending.FAILED else 0
    regular = began + item.interval * (1 + JITTER * spread)
    if ending is Ending.FAILED:
        due = now + find_backoff(failures) * (1 + JITTER * spread)
        due = max(due, now + wait) if wait is not None else due
    elif wait is not None:
        due = min(regular, now + wait)
    else:
        due = regular
    reason = Reason.POLL
    if item.again is not None:
        due, reason = (now if ending is not Ending.FAILED else min(due, now + 1)), item.again
    return replace(
        item,
        due=max(due, now),
        reason=reason,
        started=None,
        again=None,
        failures=failures,
        ending=ending,
        put_off=0,
    )


def find_backoff(failures: int) -> float:
    """The seconds to wait after so many failures in a row."""
    return min(FIRST_BACKOFF * 2.0 ** min(failures - 1, 30), LAST_BACKOFF)
