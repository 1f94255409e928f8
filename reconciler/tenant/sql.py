"""What several places write their SQL with."""

from __future__ import annotations

from collections.abc import Sized


def listed(values: Sized, each: str = "?") -> str:
    """The placeholders of so many values, for IN and VALUES."""
    return ", ".join([each] * len(values))
