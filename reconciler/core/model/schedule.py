"""When a Tenant is reconciled, and when writing is allowed there. Cron is read in
`reconciler/windows.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["report", "apply"]

SHORTEST_INTERVAL: Final = 10.0  # seconds
LONGEST_INTERVAL: Final = 24 * 3600.0  # seconds
LONGEST_WINDOW: Final = 7 * 24 * 3600.0  # seconds
_DURATION: Final = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which writing is allowed: from each time of `cron` (five fields, in `timezone`),
    for `duration` seconds.
    """

    cron: str
    duration: float
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The schedule of a Tenant: `interval` is the seconds between two runs of a controller.

    `mode` is None if the controller's default counts. `suspend` stops all writing. Without
    `windows` writing is always allowed. `accept` holds the digests of plans whose violations are
    accepted.
    """

    interval: float = 300.0
    mode: Mode | None = None
    suspend: bool = False
    windows: tuple[Window, ...] = ()
    accept: tuple[str, ...] = ()


ALWAYS: Final = Schedule()
"""The schedule of a Tenant that has none."""


def parse_duration(text: str) -> float | None:
    """The seconds of a duration such as `30s`, `5m` or `1h30m`, None if it is none."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + seconds)
