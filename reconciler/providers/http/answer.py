"""A tenant's answer as providers get it, and the reading of its body: JSON, bounded, or nothing.

No requests here; errors of a status stand in `providers/http/faults.py`.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from reconciler.core.errors import BadAnswer, ProviderError
from reconciler.providers.http.faults import Sent

MAX_BODY: Final = 8 * 1024 * 1024  # bytes of an answer


class TooLarge(BadAnswer):
    """An answer of more than 8 MiB; a list may be asked for in smaller pages."""


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """A tenant's answer: header names in lower case, the decoded JSON body (None for 204) and how
    many tries it took.

    `size` is the bytes of the body where that was a success. `error` is what the status means where
    the caller asked for that status to be handed back instead of raised.
    """

    status: int
    headers: Mapping[str, str]
    body: object | None
    tries: int = 1
    error: ProviderError | None = None
    size: int = 0


def success(
    sent: Sent,
    status: int,
    headers: Mapping[str, str],
    raw: bytes | None,
    number: int,
    refuse: Callable[[Sent, str], BadAnswer],
) -> Answer | BadAnswer:
    """An answer with its JSON body, or what is wrong with that body, as `refuse` says it; `raw` of
    None was too large.
    """
    if raw is None:
        return TooLarge(str(refuse(sent, "the answer has more than 8 MiB")))
    if status == 204:
        return Answer(status, headers, None, number)
    body = decoded(headers, raw)
    if body is None:
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        why = (
            "an empty answer"
            if not raw.strip()
            else "a web page"
            if media == "text/html"
            else "an answer that is not JSON"
        )
        return refuse(sent, why)
    return Answer(status, headers, body, number, size=len(raw))


def decoded(headers: Mapping[str, str], raw: bytes) -> object | None:
    """The JSON in a body, None for anything else."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (media == "application/json" or media.endswith("+json")):
        return None
    try:
        value: object = jsonlib.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
