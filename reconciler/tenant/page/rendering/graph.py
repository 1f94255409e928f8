"""Counts by step of time -> the parts of a graph: bars above a line for what succeeded, below it
for what failed.

Pure; drawn by `templates/_graph.html`. Bars are numbers in
a box of WIDTH by HEIGHT that the style sheet stretches, so no text stands in it. Direction and
pattern distinguish success from failure, not colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from reconciler.tenant.store.values.statistics import Span
from reconciler.tenant.times import HOUR

WIDTH: Final = 600
HEIGHT: Final = 120
_LEAST: Final = 3.0  # height of a bar that is not nothing: one failure in a million is seen
_ROOM: Final = 10.0  # on both sides of the line, so that it never lies on an edge
_GAP: Final = 0.2  # of a step's width


@dataclass(frozen=True, slots=True)
class Period:
    """A span that a graph can show: `steps` steps of `size` hours; `word` stands in the address."""

    word: str
    text: str
    size: int
    steps: int

    def compute_span(self, now: float) -> Span:
        """The steps that are shown; the one in which `now` lies is the last."""
        end = (int(now // HOUR) // self.size + 1) * self.size
        return Span(end - self.steps * self.size, end, self.size)


PERIODS: Final = (Period("", "Last 24 hours", 1, 24), Period("30d", "Last 30 days", 24, 30))


def find_period(word: str) -> Period:
    """The period of a word in the address; the first for any other."""
    return next((period for period in PERIODS if period.word == word), PERIODS[0])


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its time as text, its counts, and where its bars stand; a height of 0 is no bar."""

    text: str
    succeeded: int
    failed: int
    x: float
    width: float
    up: float
    down: float


@dataclass(frozen=True, slots=True)
class Graph:
    """All that is drawn and described; `line` is the height at which bars begin."""

    period: Period
    steps: tuple[Step, ...]
    line: float
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def succeeded(self) -> int:
        """Successful invocations of the whole span."""
        return sum(step.succeeded for step in self.steps)

    @property
    def failed(self) -> int:
        """Failed invocations of the whole span."""
        return sum(step.failed for step in self.steps)

    @property
    def empty(self) -> bool:
        """Whether nothing was invoked."""
        return not (self.succeeded or self.failed)

    @property
    def peak(self) -> int:
        """The most invocations of a step."""
        return max(step.succeeded + step.failed for step in self.steps)

    @property
    def summary(self) -> str:
        """The graph in a sentence or two, for people who do not see it."""
        if self.empty:
            return f"{self.period.text}: no invocations."
        peak = max(self.steps, key=lambda step: step.succeeded + step.failed)
        counts = f"{self.succeeded:,} successful and {self.failed:,} failed invocations"
        return (
            f"{self.period.text}: {counts}. The most were at {peak.text}: {peak.succeeded:,} "
            f"and {peak.failed:,}."
        )


def make_graph(shown: Period, counts: Sequence[Mapping[str, Any]]) -> Graph:
    """A graph of the counts over the span of a period."""
    won = max((step["succeeded"] for step in counts), default=0)
    lost = max((step["failed"] for step in counts), default=0)
    line = (
        min(max(HEIGHT * won / (won + lost), _ROOM), HEIGHT - _ROOM)
        if won + lost
        else HEIGHT - _ROOM
    )
    scale = min(_scale_to_fit(line, won), _scale_to_fit(HEIGHT - line, lost))
    bar = WIDTH / max(1, len(counts))
    steps = [
        Step(
            _describe_time(shown, str(step["start"])),
            step["succeeded"],
            step["failed"],
            round((index + _GAP / 2) * bar, 2),
            round(bar * (1 - _GAP), 2),
            _compute_height(step["succeeded"], scale),
            _compute_height(step["failed"], scale),
        )
        for index, step in enumerate(counts)
    ]
    return Graph(shown, tuple(steps), round(line, 2))


def _scale_to_fit(room: float, most: int) -> float:
    return room / most if most else float(HEIGHT)


def _compute_height(count: int, scale: float) -> float:
    return round(max(count * scale, _LEAST), 2) if count else 0.0


def _describe_time(shown: Period, start: str) -> str:
    """`2026-01-31` for a day, `31 Jan 14:00–15:00 UTC` for an hour."""
    moment = datetime.fromisoformat(start).astimezone(UTC)
    if shown.size > 1:
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M}–{moment + timedelta(hours=shown.size):%H:%M} UTC"
