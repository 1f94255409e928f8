"""The nearest known name, for hints. Called wherever a name is not known; cheap however many names
there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

_LONGEST: Final = 80  # characters; nobody mistypes more than that
_MOST: Final = 500  # names to compare with


def near(name: object, known: Iterable[str]) -> str | None:
    """`did you mean X?` for the nearest known name, None where none is near."""
    if not isinstance(name, str) or len(name) > _LONGEST:
        return None
    choices = list(
        islice(
            (item for item in known if abs(len(item) - len(name)) <= max(3, len(name) // 3)), _MOST
        )
    )
    import difflib  # noqa: PLC0415  a run without a mistyped name never pays for its import

    lower = {item.lower(): item for item in choices}
    found = difflib.get_close_matches(name.lower(), lower, n=1)
    return f"did you mean {lower[found[0]]}?" if found else None
