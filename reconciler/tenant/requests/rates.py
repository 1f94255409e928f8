"""How often a token may ask: at most so many times within any minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from reconciler.tenant.problems import Refusal

MINUTE: Final = 60.0  # seconds


class Rates:
    """When each token asked within the last minute; `clock` gives seconds."""

    def __init__(self, a_minute: int, clock: Callable[[], float]) -> None:
        self._limit, self._clock = a_minute, clock
        self._times: dict[str, deque[float]] = {}

    def spend(self, token: str) -> None:
        """Counts one; raises 429 with Retry-After when there were too many."""
        now, times = self._clock(), self._times.setdefault(token, deque())
        while (
            times and not now - MINUTE < times[0] <= now
        ):  # a clock that was set back must not refuse for long
            times.popleft()
        if len(times) >= self._limit:
            wait = max(1, int(times[0] + MINUTE - now + 0.999))
            raise Refusal(
                "rate", f"at most {self._limit} a minute", headers={"Retry-After": str(wait)}
            )
        times.append(now)
