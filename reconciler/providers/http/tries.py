"""When a request is sent again, who hears of the wait until then, and what ends that wait early.

Nothing is sent here. A wait is one log line at level WARNING: which tenant, why, for how long,
until when, which try comes next. Waits that pass together for one reason are one line.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.core.errors import BadAnswer, Interrupted, Overloaded, ProviderError
from reconciler.providers.http.answer import Answer
from reconciler.providers.http.faults import Sent

# seconds that one request may take with all its tries, where no deadline is nearer
MAX_TOTAL: Final = 300.0
FIRST_WAIT: Final = 0.3  # seconds before the second try, doubled for each further one
LONGEST_WAIT: Final = 10.0  # seconds
# seconds: a wait that ends no later than this after a reported one is not reported again
TOGETHER: Final = 1.0

_log = logging.getLogger("reconciler.waits")
Observe = Callable[[str, int], object]
"""Gets the method and the status of a try, 0 without a readable answer; never a path."""


def ignore_try(_method: str, _status: int) -> None:
    """Observes nothing."""


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One request, sent as often as it takes; `patient`: a 429 costs time but no try. `timeout` is
    seconds for each try.
    """

    sent: Sent
    content: bytes | None
    params: Mapping[str, str | int]
    headers: Mapping[str, str]
    idempotent: bool
    patient: bool
    timeout: float


@dataclass(frozen=True, slots=True, repr=False)
class Failed:
    """A try without success; `again` says whether it may be sent once more, `cut` that the run's
    deadline ended it.
    """

    error: ProviderError
    again: bool
    answer: Answer | None = None
    cut: bool = False

    @property
    def wants_patience(self) -> bool:
        """Whether the tenant only asked for time: 429, or the 403 of a product's limit."""
        return self.answer is not None and self.answer.status in {403, 429}

    def handed_back(self, passing: frozenset[int]) -> bool:
        """Whether the caller asked for this status; a 404 of a proxy, which has no problem
        document, does not count.
        """
        return (
            self.answer is not None
            and self.answer.status in passing
            and not isinstance(self.error, BadAnswer)
        )


class Waits:
    """The waits of one client between tries: each is reported, `stop` ends all of them.

    `name` is how lines name the tenant. `clock` and `sleep` are monotonic seconds; `wall` epoch
    seconds, only to be read by people.
    """

    def __init__(
        self, name: str, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        self._name, self._clock, self._sleep = name, clock, sleep
        self._stopped = asyncio.Event()
        self._reported: dict[str, float] = {}  # until when, by kind of error

    def stop(self) -> None:
        """Ends every wait, and allows no further one."""
        self._stopped.set()

    async def wait(self, seconds: float, error: ProviderError, following: str) -> bool:
        """Waits; False if `stop` ended it. `following` is what comes after, such as `then try 2 of
        6`.
        """
        if self._stopped.is_set():
            return False
        self._report(seconds, error, following)
        sleeping, stopping = (
            asyncio.ensure_future(self._sleep(seconds)),
            asyncio.ensure_future(self._stopped.wait()),
        )
        try:
            await asyncio.wait([sleeping, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()
        return not self._stopped.is_set()

    def _report(self, seconds: float, error: ProviderError, following: str) -> None:
        until = self._clock() + seconds
        if (
            until <= self._reported.get(error.kind, float("-inf")) + TOGETHER
            and self._reported[error.kind] > self._clock()
        ):
            return
        self._reported[error.kind] = until
        at = time.strftime("%H:%M:%S", time.gmtime(time.time() + seconds))
        fields = {
            "tenant": self._name,
            "reason": error.kind,
            "wait_seconds": round(seconds, 3),
            "next": following,
        }
        text = f"{error}; waiting {_shown(seconds)} until {at} UTC, then {following}"
        _log.warning("%s", text, extra={"fields": fields})


def _shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


class Tries:
    """The tries of one request so far, and what they leave open."""

    def __init__(self, call: Call, most: int, started: float, patience: float = MAX_TOTAL) -> None:
        self._call, self._most, self._started = call, most, started
        self._patience = patience
        self.made = 0
        self._counted = 0  # those that a 429 did not excuse
        self._unknown = False  # whether an earlier try may have been carried out
        self.earlier: ProviderError | None = None

    def pause(
        self, result: Failed, now: float, remaining: float | None, random: float
    ) -> float | None:
        """Seconds until the next try, None if there is none. The deadline is in `remaining`
        seconds, `random` is from 0 to 1.
        """
        excused = self._call.patient and result.wants_patience
        self._counted += not excused
        self._unknown = self._unknown or not isinstance(result.error, Overloaded)
        if not result.again or self._counted >= self._most:
            return None
        wait = min(FIRST_WAIT * 2 ** max(self._counted - 1, 0), LONGEST_WAIT) * (0.5 + random / 2)
        if isinstance(result.error, Overloaded) and result.error.retry_after is not None:
            wait = max(wait, result.error.retry_after)
        spent = now - self._started
        total = self._patience if remaining is None or not excused else spent + remaining
        room = total - spent if remaining is None else min(total - spent, remaining)
        return wait if wait < room else None

    @property
    def following(self) -> str:
        """What comes after the wait: `try 2 of 6`."""
        return f"try {self._counted + 1} of {self._most}" if self._counted else "again"

    def given_up(self, result: Failed) -> ProviderError:
        """The error of a request without a further try."""
        # what the tenant said before tells more than that no time was left to ask it again
        error = self.earlier if result.cut and self.earlier is not None else result.error
        if self.made > 1:
            error.args = (f"{error} (after {self.made} tries)",)
        return error

    def interrupted(self, error: ProviderError) -> Interrupted:
        """The error of a request whose wait for another try was ended."""
        reads = self._call.sent.method == "GET"
        effect = (
            ""
            if reads
            else "; the next plan shows whether it was carried out"
            if self._unknown
            else "; it was not carried out"
        )
        return Interrupted(f"{error}; interrupted before another try{effect}")
