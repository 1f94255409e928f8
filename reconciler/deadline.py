"""`--deadline`: seconds from the command line, as an end on the clock of `time.monotonic`."""

from __future__ import annotations

import time


def end_in(seconds: float | None) -> float | None:
    """When that many seconds are over; None: never."""
    return None if seconds is None else time.monotonic() + seconds


def seconds_until(end: float | None) -> float | None:
    """What is left until then; None: no limit."""
    return None if end is None else end - time.monotonic()
