"""What a tenant's answer means when it is no success: status and problem document -> one error of
the tree.

Pure: no requests, no retries. A tenant's text is never trusted: it is cleaned, cut, and left out
where a value that we sent occurs in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.core.errors import (
    BadAnswer,
    Conflict,
    NotFound,
    Overloaded,
    ProviderError,
    Rejected,
    TenantFault,
    Unauthorized,
)
from reconciler.core.model.auth import CREDENTIAL_FIELDS
from reconciler.core.model.fields import FIELDS

MAX_TEXT: Final = 300  # characters of a tenant's text that reach a message
MAX_RETRY_AFTER: Final = 60.0  # seconds; a longer wish is cut, the deadline decides the rest
DAMAGED: Final = "damaged"  # the tenant's database: no retry helps
IN_PROGRESS: Final = "idempotency-in-progress"

_SLUG: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")
_FIELDS: Final = frozenset(
    {part for row in FIELDS for part in row.path}
    | set(CREDENTIAL_FIELDS.values())
    | {
        "credential_version",
        "events",
        "version",
        "severity",
        "managed_by",
        "owner",
        "key",
        "sources",
        "revision",
        "repository",
    }
    | {"protected", "webhook", "event", "id", "limit", "cursor"}
)


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """One request as errors may speak of it; `values` are what we sent and no message may
    repeat.
    """

    method: str
    path: str
    values: tuple[object, ...] = ()

    def __str__(self) -> str:
        """`GET /webhooks`, without the query."""
        return f"{self.method} {self.path}"

    def echoed_in(self, text: str) -> bool:
        """Whether a text of three characters or more that we sent occurs in `text`, in any case."""
        folded = text.casefold()
        leaves = (leaf for raw in _leaves(self.values) for leaf in (raw, clean(raw)))
        return any(len(leaf) >= 3 and leaf.casefold() in folded for leaf in leaves)


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item)
            if name == "secret" and isinstance(item, str):
                yield from item.split(" ")  # two signing keys, during a rotation
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)


def clean(text: object) -> str:
    """A tenant's text without control, format and unpaired characters, on one line; empty for what
    is no text.
    """
    if not isinstance(text, str):
        return ""
    kept = (
        "" if unicodedata.category(c) in {"Cf", "Cs", "Cn", "Co"} else c
        for c in text[: MAX_TEXT * 20]
    )
    spaced = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in kept if c)
    return " ".join(spaced.split())


def shortened(text: str) -> str:
    """At most 300 characters of it."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


@dataclass(frozen=True, slots=True)
class _Said:
    """The parts of a problem document that may be shown; `kind` is for deciding and may equal
    something we sent.
    """

    kind: str = ""
    text: str = ""
    pointers: tuple[str, ...] = ()


def _pointer(value: object) -> str | None:
    """A pointer made of the contract's own field names and of numbers; anything else could hold
    what we sent.
    """
    if not isinstance(value, str) or not value.startswith("/") or len(value) > MAX_TEXT:
        return None
    parts = value[1:].split("/")
    known = all(part in _FIELDS or (part.isdecimal() and len(part) <= 4) for part in parts)
    return value if known else None


def _pointers(errors: object) -> tuple[str, ...]:
    if not isinstance(errors, list):
        return ()
    pointers = (_pointer(item.get("pointer")) for item in errors[:20] if isinstance(item, Mapping))
    return tuple(dict.fromkeys(pointer for pointer in pointers if pointer is not None))


def _said(body: object, sent: Sent) -> _Said:
    if not isinstance(body, Mapping):
        return _Said()
    last = re.split(r"[/#:]", body["type"])[-1] if isinstance(body.get("type"), str) else ""
    kind = last if _SLUG.fullmatch(last) and body["type"] != "about:blank" else ""
    errors = body.get("errors")
    details = [clean(body.get("detail"))]
    if isinstance(errors, list):
        details += [clean(item.get("detail")) for item in errors[:20] if isinstance(item, Mapping)]
    shown = [
        text
        for text in dict.fromkeys((clean(body.get("title")), *details))
        if text and not sent.echoed_in(text)
    ]
    label = f" [{kind}]" if kind and not sent.echoed_in(kind) else ""
    pointers = _pointers(errors)
    places = f" ({', '.join(pointers)})" if pointers else ""
    return _Said(kind, shortened(": ".join(shown)) + label + places, pointers)


def foreign(sent: Sent, why: str) -> BadAnswer:
    """An answer that no tenant of this contract gives; `why` is a fixed text or names a place,
    never what was found.
    """
    return BadAnswer(
        f"{sent}: the address does not speak the contract of tenant-api (this project's "
        f"own contract): {why}"
    )


def fault(sent: Sent, status: int, wait: float | None, body: object) -> ProviderError:
    """The error that a status of 300 or more stands for; `body` is the decoded problem document,
    None where there is none.
    """
    answer = _said(body, sent)
    text = f"{sent}: the tenant answered {status}{': ' if answer.text else ''}{answer.text}"
    if status < 400:
        return BadAnswer(
            f"{sent}: the tenant answered {status}: redirects are not followed; give the "
            "address it leads to"
        )
    if status in {429, 503, 507}:
        least = "at least " if wait == MAX_RETRY_AFTER else ""  # a longer wait is cut to it
        full = status == 507 or answer.kind == "storage-full"
        return Overloaded(
            text if wait is None else f"{text}; it asks to wait {least}{wait:g} s",
            wait,
            storage_full=full,
        )
    if status >= 500:
        return TenantFault(text) if answer.kind != DAMAGED else Rejected(text)
    if status in {401, 403}:
        return Unauthorized(text, object_only=status == 403 and answer.kind == "owner")
    if not isinstance(body, Mapping):
        return foreign(sent, f"{status} without a problem document")
    return _permanent(status, text, answer)


def _permanent(status: int, text: str, answer: _Said) -> ProviderError:
    if status == 404:
        return NotFound(text)
    if status in {409, 412}:
        fields = ("name",) if answer.kind == "name-taken" else ()
        hint = (
            "; lift the protection first, in a change of its own"
            if answer.kind == "protected"
            else ""
        )
        return Conflict(text + hint, fields, problem=answer.kind)
    return Rejected(text, answer.pointers)
