"""Tables and texts in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SIGN = re.compile(r"([\\|<>*_\[\]{}$])")


def plain(text: str) -> str:
    """A text in which only back quotes have a meaning."""
    parts = text.replace("\n", " ").split("`")
    inside = [part.replace("|", r"\|") for part in parts]
    if len(parts) % 2 == 0:
        return _SIGN.sub(r"\\\1", text)
    return "`".join(
        code if number % 2 else _SIGN.sub(r"\\\1", part)
        for number, (part, code) in enumerate(zip(parts, inside, strict=True))
    )


def code(text: str) -> str:
    """A text as code, in a cell of a table."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; its cells are Markdown."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
