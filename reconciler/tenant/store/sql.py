"""What several places write their SQL with."""

from __future__ import annotations

from collections.abc import Sized


def make_placeholders(values: Sized, each: str = "?") -> str:
    """As many as there are values, for IN and VALUES; `each` of a row in parentheses."""
    return ", ".join([each] * len(values))
