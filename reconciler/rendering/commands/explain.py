"""The meaning of a manifest field, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

_WIDTH: Final = 100


class Explained(Protocol):
    """A field as `manifests.fields` knows it."""

    @property
    def path(self) -> str:
        """Its full path, or its name alone below a parent field."""

    @property
    def description(self) -> str:
        """What it means."""

    @property
    def types(self) -> tuple[str, ...]:
        """What it may hold."""

    @property
    def required(self) -> bool:
        """Whether it must be there."""

    @property
    def variant(self) -> str:
        """The variant that it belongs to, "" for any."""

    @property
    def facts(self) -> tuple[str, ...]:
        """Its default, limits, examples."""


def _describe(item: Explained) -> str:
    parts = [
        " or ".join(item.types),
        "required" if item.required else "",
        f"of {item.variant}" if item.variant else "",
    ]
    return ", ".join(part for part in parts if part)


def _wrap(text: str, margin: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, _WIDTH, initial_indent=margin, subsequent_indent=margin, break_long_words=False
    )


def _lines(item: Explained, margin: str) -> Iterator[str]:
    description = _describe(item)
    yield f"{margin}{item.path}{f'  ({description})' if description else ''}"
    yield from _wrap(item.description, margin + "    ")
    yield from (f"{margin}    {fact}" for fact in item.facts)


def field_text(item: Explained, children: Iterable[Explained] = ()) -> str:
    """The field with its facts, then the fields below it."""
    lines = list(_lines(item, ""))
    for child in children:
        lines += ["", *_lines(child, "    ")]
    return "\n".join(lines)


def kinds_text(kinds: Iterable[Explained]) -> str:
    """Every kind with what it is."""
    return "\n".join(line for kind in kinds for line in _lines(kind, ""))
