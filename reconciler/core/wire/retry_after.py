"""The meaning of a `Retry-After` header."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime


def parse_retry_after(value: str | None, current_time: float, max_seconds: float) -> float | None:
    """Seconds from `current_time` (epoch seconds) that the value asks for, 0 to `max_seconds`; None
    for none and for garbage.

    Source: RFC 9110, 10.2.3: seconds or an HTTP date, which is UTC also where it does not say so.
    """
    text = "" if value is None else value.strip()
    if re.fullmatch(r"[0-9]+", text):
        return min(float(text), max_seconds)
    try:
        retry_time = parsedate_to_datetime(text)
        if retry_time.tzinfo is None:
            retry_time = retry_time.replace(tzinfo=UTC)
        return min(max(retry_time.timestamp() - current_time, 0.0), max_seconds)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
