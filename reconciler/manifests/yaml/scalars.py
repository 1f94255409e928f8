"""Plain scalars by the core schema of YAML 1.2 (section 10.3.2): null, true/false, decimal, 0x, 0o,
floats; all others are text.

Only the spellings of the core schema count, and a leading zero is never dropped.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

# characters; int() refuses over 4,300 digits, and JSON Schema validators far fewer
NUMBER_LENGTH: Final = 300


class TooLong:
    """Marks a number of more digits than any field accepts."""


_WORDS: Final[dict[str, Any]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_MAYBE_NUMBER: Final = frozenset("0123456789+-.")
_DECIMAL: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_OCTAL: Final = re.compile(r"0o[0-7]+", re.ASCII)
_HEX: Final = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
_FLOAT: Final = re.compile(
    r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII
)
_INFINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)", re.ASCII)
_NAN: Final = frozenset({".nan", ".NaN", ".NAN"})


@lru_cache(maxsize=4096)  # keys and common values come again and again
def resolve_scalar(text: str) -> Any:
    """The value of a plain scalar; the class TooLong for a number of over 300 characters."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAYBE_NUMBER:
        return text
    if _DECIMAL.fullmatch(text) or _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base) if len(text) <= NUMBER_LENGTH else TooLong
    if _FLOAT.fullmatch(text):
        return float(text) if len(text) <= NUMBER_LENGTH else TooLong
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return float("nan") if text in _NAN else text
