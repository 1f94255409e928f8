"""Moments as the tenant writes them: RFC 3339 in UTC outside, epoch seconds inside. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

HOUR = 3600  # seconds
DAY = 86400  # seconds
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def format_time(moment: float) -> str:
    """Epoch seconds as `2026-01-31T12:00:00.000Z`."""
    return (
        datetime.fromtimestamp(moment, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def format_optional_time(moment: float | None) -> str | None:
    """The same, None for what has not happened."""
    return None if moment is None else format_time(moment)


def parse_time(text: str) -> float | None:
    """Epoch seconds of an RFC 3339 moment; None for anything else, a moment without an offset
    included.

    So is one whose offset leads out of the years 1 to 9999, which are all that `format_time`
    can write.
    """
    if not _RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
