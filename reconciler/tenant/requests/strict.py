"""Bytes -> JSON value, strictly: no duplicate keys, no NaN, no huge numbers, no deep nesting.

What the value means is decided in `body.py`, lone surrogates of its texts included: a field at
fault is 422, which comes after what the tenant has to say about the webhook.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from reconciler.tenant.problems import FieldError, Refusal

DEPTH: Final = 64
DIGITS: Final = 20


def _refuse_constant(_text: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _read_integer(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError("a number is too large")
    return int(text)


def _read_number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or len(text) > 64:
        raise ValueError("a number is too large")
    return value


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _escape_part(key: str) -> str:
    return key[:100].replace("~", "~0").replace("/", "~1")


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


def _check_depth(value: Any) -> None:
    """Raises ValueError for nesting over the limit."""
    level, depth = [value], 0
    while level:
        depth += 1
        inner = [
            item.values() if isinstance(item, dict) else item
            for item in level
            if isinstance(item, dict | list)
        ]
        if inner and depth > DEPTH:
            raise ValueError("it is nested too deeply")
        level = [item for items in inner for item in items]


def find_surrogates(value: Any, pointer: str) -> list[FieldError]:
    """The texts and names in a value that have a lone surrogate; for what is passed on as it is."""
    errors: list[FieldError] = []
    stack: list[tuple[Any, str]] = [(value, pointer)]
    while stack:
        at, place = stack.pop()
        if isinstance(at, str) and _has_surrogate(at):
            errors.append(FieldError(place, "has a lone surrogate"))
        if not isinstance(at, dict | list):
            continue
        items = (
            at.items()
            if isinstance(at, dict)
            else ((str(index), item) for index, item in enumerate(at))
        )
        for key, item in items:
            below = f"{place}/{_escape_part(key)}"
            if _has_surrogate(key):
                errors.append(FieldError(below, "has a lone surrogate in its name"))
            stack.append((item, below))
    return errors


def read_json(raw: bytes) -> Any:
    """The value of a body; raises Refusal: 400 for what is not JSON."""
    why = "it is not JSON in UTF-8"
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_make_object,
            parse_constant=_refuse_constant,
            parse_int=_read_integer,
            parse_float=_read_number,
        )
        _check_depth(value)
    except RecursionError:
        raise Refusal("not-json", "it is nested too deeply") from None
    except (json.JSONDecodeError, UnicodeDecodeError):  # their text quotes what was sent
        raise Refusal("not-json", why) from None
    except ValueError as error:
        raise Refusal("not-json", str(error)) from None
    return value


def write_canonical(value: Any) -> bytes:
    """The same bytes for equal JSON values, for comparing bodies by a hash."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")
