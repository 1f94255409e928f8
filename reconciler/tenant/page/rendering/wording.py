"""What stored words mean, for people. Pure; filters of the templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from reconciler.core.results.reports import Verdict

VERDICTS: Final = {  # the detail that is stored beside a verdict says more
    Verdict.DELIVERED: "Delivered",
    Verdict.AUTH_REFUSED: "Credential refused",
    Verdict.NOT_FOUND: "No endpoint at this url",
    Verdict.REJECTED: "Rejected",
    Verdict.RECEIVER_ERROR: "Endpoint failed",
    Verdict.REDIRECTED: "Redirected",
    Verdict.TIMEOUT: "No answer in time",
    Verdict.UNRESOLVED: "Host name unknown",
    Verdict.REFUSED: "No connection",
    Verdict.BROKEN: "Broken off",
    Verdict.TLS: "TLS failed",
    Verdict.BLOCKED: "Not allowed to send there",
    Verdict.INTERRUPTED: "Interrupted",
}


def describe_verdict(word: str | None) -> str:
    """An attempt's verdict; one that has none yet is under way."""
    return "Under way" if word is None else VERDICTS[Verdict(word)]


def make_sentence(text: str) -> str:
    """A detail of a problem, as a sentence of its own."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def format_stamp(moment: str) -> str:
    """An RFC 3339 moment, to the second."""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def format_moment(epoch: float | None) -> str:
    """Epoch seconds, to the minute; a dash for what has not happened."""
    return (
        "–" if epoch is None else datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M UTC")
    )


def format_span(seconds: float) -> str:
    """A span: whole milliseconds below a second."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def format_event(event: Mapping[str, str]) -> str:
    """An event as the button that removes it names it."""
    return json.dumps([event["type"], event["version"], event["severity"]])
