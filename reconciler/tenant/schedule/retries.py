"""When a failed delivery is tried again: the schedule and its jitter. Pure."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.core.results.reports import Delivery, Verdict

SCHEDULE: Final = "5s,30s,2m,10m,1h,6h,12h,24h,24h"
JITTER: Final = 0.2  # of a wait, up or down
GONE: Final = 410  # the endpoint will not come back: RFC 9110, 15.5.11
MOST: Final = 50  # waits in a schedule
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_schedule(text: str) -> tuple[float, ...]:
    """The seconds of a schedule such as `5s,30s,2m`; raises ValueError with a text for people."""
    spans = [re.fullmatch(r"([0-9]{1,6})([smhd])", part.strip()) for part in text.split(",")]
    waits = tuple(float(span[1]) * _UNITS[span[2]] for span in spans if span is not None)
    if len(waits) < len(spans) or len(waits) > MOST or not all(waits):
        raise ValueError(f"wants up to {MOST} spans above zero such as {SCHEDULE}")
    return waits


@dataclass(frozen=True, slots=True)
class Retries:
    """The waits between attempts, in seconds; `rng` gives numbers from 0 to 1 for the jitter."""

    waits: tuple[float, ...] = parse_schedule(SCHEDULE)
    rng: Callable[[], float] = random.random

    def wait(self, tries: int, outcome: Delivery) -> float | None:
        """Seconds from the end of attempt number `tries` of a round to the next; None where the
        round is over.
        """
        over = (
            outcome.verdict is Verdict.DELIVERED
            or outcome.status_code == GONE
            or tries > len(self.waits)
        )
        if over:
            return None
        spread = 1 - JITTER + 2 * JITTER * self.rng()
        return max(self.waits[tries - 1] * spread, outcome.retry_after or 0.0)
