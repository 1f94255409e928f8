"""Bytes -> JSON value, strictly: no duplicate keys, no NaN, no huge numbers, no deep nesting, no lone surrogates.

Called by `endpoint.py` for every body. What the value means is decided in `body.py`.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

from reconciler.tenant.problems import FieldError, Refusal, invalid

DEPTH: Final = 64
DIGITS: Final = 20


def _constant(_text: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _integer(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError("a number is too large")
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or len(text) > 64:
        raise ValueError("a number is too large")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _pointer_part(key: str) -> str:
    return key[:100].replace("~", "~0").replace("/", "~1")


def _surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


def _walk(value: Any) -> list[FieldError]:
    """Fields with a lone surrogate; raises ValueError for nesting over the limit."""
    errors: list[FieldError] = []
    stack: list[tuple[Any, str, int]] = [(value, "", 1)]
    while stack:
        at, pointer, depth = stack.pop()
        if isinstance(at, str) and _surrogate(at):
            errors.append(FieldError(pointer, "has a lone surrogate"))
        if not isinstance(at, dict | list):
            continue
        if depth > DEPTH:
            raise ValueError("it is nested too deeply")
        items = at.items() if isinstance(at, dict) else ((str(index), item) for index, item in enumerate(at))
        for key, item in items:
            below = f"{pointer}/{_pointer_part(key)}"
            if _surrogate(key):
                errors.append(FieldError(below, "has a lone surrogate in its name"))
            stack.append((item, below, depth + 1))
    return errors


def loads(raw: bytes) -> Any:
    """The value of a body; raises Refusal: 400 for what is not JSON, 422 for a lone surrogate."""
    why = "it is not JSON in UTF-8"
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_number,
        )
        errors = _walk(value)
    except RecursionError:
        raise Refusal("not-json", "it is nested too deeply") from None
    except (json.JSONDecodeError, UnicodeDecodeError):  # their text quotes what was sent
        raise Refusal("not-json", why) from None
    except ValueError as error:
        raise Refusal("not-json", str(error)) from None
    if errors:
        raise invalid(errors)
    return value


def canonical(value: Any) -> bytes:
    """The same bytes for equal JSON values, for comparing bodies by a hash."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")
