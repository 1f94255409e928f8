"""Moments as the tenant writes them: RFC 3339 in UTC outside, epoch seconds inside. Pure; used by every file that answers."""

from __future__ import annotations

from datetime import UTC, datetime

HOUR = 3600  # seconds
DAY = 86400  # seconds


def rfc3339(moment: float) -> str:
    """Epoch seconds as `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe(moment: float | None) -> str | None:
    """The same, None for what has not happened."""
    return None if moment is None else rfc3339(moment)


def parsed(text: str) -> float | None:
    """Epoch seconds of an RFC 3339 moment; None for anything else, a moment without an offset included."""
    if len(text) > 40 or "T" not in text.upper():
        return None
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None
