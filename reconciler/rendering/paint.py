"""ANSI colours for a terminal. No other module writes these sequences."""

from __future__ import annotations

from typing import Final

_COLORS: Final = {"green": "32", "yellow": "33", "red": "31", "bold": "1", "dim": "2"}


class Paint:
    """Puts ANSI colours around our own words, or leaves them as they are."""

    __slots__ = ("_on",)

    def __init__(self, *, enabled: bool) -> None:
        self._on = enabled

    def __call__(self, color: str, text: str) -> str:
        """The text, in that colour where colours are on."""
        return (
            f"\x1b[{_COLORS[color]}m{text}\x1b[0m"
            if self._on and text and color in _COLORS
            else text
        )
