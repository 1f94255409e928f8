"""The most similar known name, for hints; cheap for any number of names."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

_LONGEST: Final = 80  # characters; no field name is longer
_MAX_NAMES: Final = 500  # names to compare with


def suggest(name: object, known_names: Iterable[str]) -> str | None:
    """`did you mean X?` for the most similar known name, None if none is similar."""
    if not isinstance(name, str) or len(name) > _LONGEST:
        return None
    choices = list(
        islice(
            (item for item in known_names if abs(len(item) - len(name)) <= max(3, len(name) // 3)),
            _MAX_NAMES,
        )
    )
    import difflib  # noqa: PLC0415  a run without a mistyped name never pays for its import

    names_by_lower = {item.lower(): item for item in choices}
    matches = difflib.get_close_matches(name.lower(), names_by_lower, n=1)
    return f"did you mean {names_by_lower[matches[0]]}?" if matches else None
