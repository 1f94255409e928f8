"""What a `Retry-After` header asks for."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after(value: str | None, now: float, most: float) -> float | None:
    """Seconds from `now` (epoch seconds) that the value asks for, 0 to `most`; None for none and
    for garbage.

    Source: RFC 9110, 10.2.3: seconds or an HTTP date, which is UTC also where it does not say so.
    """
    text = "" if value is None else value.strip()
    if re.fullmatch(r"[0-9]+", text):
        return min(float(text), most)
    try:
        wanted = parsedate_to_datetime(text)
        if wanted.tzinfo is None:
            wanted = wanted.replace(tzinfo=UTC)
        return min(max(wanted.timestamp() - now, 0.0), most)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
