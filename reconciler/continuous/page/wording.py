"""Words and times of the status document, for people. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

_SHORT: Final = 10  # characters of a commit
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS: Final = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"))


class Word(NamedTuple):
    """What people read of a word of the document; `tone` is a class of the style sheet."""

    text: str
    tone: str = ""


NEW: Final = "new"  # in place of a state, before the first run has ended
STATES: Final = {
    "failed": Word("Failed", "bad"),
    "refused": Word("Refused", "bad"),
    "drifted": Word("Drifted", "warn"),
    "pending": Word("Pending", "warn"),
    "applied": Word("Applied", "good"),
    "synced": Word("Synced", "good"),
    NEW: Word("No run yet"),
}
PHASES: Final = {
    "running": Word("Running"),
    "due": Word("Due"),
    "waiting": Word("Waiting"),
    "backing-off": Word("Backing off"),
    "stalled": Word("Stalled"),
    "outside-window": Word("Outside of its windows"),
    "suspended": Word("Suspended"),
}
LABELS: Final = {
    "pending": Word("Git (pending)"),
    "drift": Word("Tenant (drift)", "warn"),
    "both": Word("Both (conflict)", "bad"),
    None: Word("Not known"),
}
OUTCOMES: Final = {
    "created": Word("Created", "good"),
    "updated": Word("Updated", "good"),
    "deleted": Word("Deleted", "good"),
    "unchanged": Word("Unchanged"),
    "failed": Word("Failed", "bad"),
    "skipped": Word("Skipped", "warn"),
}


def format_time(moment: str) -> str:
    """A time of the document, to the second."""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def format_distance(moment: str, at: str) -> str:
    """How far a time is from another: `5 min ago`, `in 2 h`, `now`."""
    seconds = (datetime.fromisoformat(moment) - datetime.fromisoformat(at)).total_seconds()
    if abs(seconds) < 1:
        return "now"
    text = _format_coarse(abs(seconds))
    return f"in {text}" if seconds > 0 else f"{text} ago"


def _format_coarse(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def format_length(seconds: float) -> str:
    """A length of time: `0.42 s`, `5 min`, `1 h 30 min`."""
    if seconds < _MINUTE:
        digits = 2 if seconds % 1 else 0
        return f"{seconds:.{digits}f} s"
    parts, rest = [], round(seconds)
    for size, unit in (*_UNITS, (1, "s")):
        number, rest = divmod(rest, size)
        parts += [f"{number} {unit}"] if number else []
    return " ".join(parts[:2])


def shorten_revision(revision: str) -> str:
    """The begin of a commit, as people quote it."""
    return revision[:_SHORT]


def describe_plan(summary: dict[str, int]) -> str:
    """What a plan changes: `1 to create, 2 to delete`."""
    counted = [(summary[action], action) for action in ("create", "update", "delete")]
    return ", ".join(f"{number:,} to {word}" for number, word in counted if number) or "No changes"
