"""The tenant's clock: epoch seconds, which an engine can hold so that they go on steadily when the
machine's clock jumps.

While it is held, every moment that is stored or compared belongs to one time line, that of the
monotonic clock. The engine looks for a jump, moves what is planned by it, and lets the clock
follow: a retry is neither held nor hurried, and what is stored is wall clock again, which a restart
goes by.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

JUMP: Final = 1.0  # seconds; a smaller difference is a correction that the clock follows at once


class Clock:
    """Gives epoch seconds. `wall` is the machine's clock in epoch seconds, `monotonic` seconds that
    only go forward.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._offset: float | None = None  # of epoch seconds from monotonic ones, while it is held

    def __call__(self) -> float:
        """The time now."""
        return self._wall() if self._offset is None else self._monotonic() + self._offset

    def hold(self) -> None:
        """From now on a jump of the machine's clock shows only once `follow` was called."""
        self._offset = self._wall() - self._monotonic()

    def release(self) -> None:
        """The machine's clock again."""
        self._offset = None

    def measure_jump(self) -> float:
        """Seconds that the machine's clock jumped forward (backward: below 0) while this one was
        held; 0 without a jump.
        """
        if self._offset is None:
            return 0.0
        ahead = self._wall() - self._monotonic() - self._offset
        if abs(ahead) < JUMP:
            self._offset += ahead
            return 0.0
        return ahead

    def follow(self, seconds: float) -> None:
        """Goes on that much later, below 0 earlier."""
        if self._offset is not None:
            self._offset += seconds
