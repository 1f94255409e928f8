"""The deliveries of push webhooks that were accepted already.

A replay is harmless: it makes the agent look at Git once more, and Git says what is there. No
signature but GitLab's covers the id either. So a replay is answered like the first delivery and
triggers nothing, and the memory is short: GitHub repeats the id when a person delivers again.
"""

from __future__ import annotations

from typing import Final

LIMIT: Final = 1000  # deliveries
SECONDS: Final = 600.0


class Replays:
    """The ids of the last accepted deliveries: at most `limit`, none older than `seconds`."""

    def __init__(self, limit: int = LIMIT, seconds: float = SECONDS) -> None:
        self._limit, self._seconds = limit, seconds
        self._times: dict[str, float] = {}  # oldest first

    def is_replay(self, delivery: str, now: float) -> bool:
        """Whether the delivery was seen; from now on it is. `now` is in seconds of any clock that
        never goes back. A delivery without an id is never a replay.
        """
        if not delivery:
            return False
        while self._times and now - next(iter(self._times.values())) > self._seconds:
            del self._times[next(iter(self._times))]
        if delivery in self._times:
            return True
        if len(self._times) >= self._limit:
            del self._times[next(iter(self._times))]
        self._times[delivery] = now
        return False
