"""Counts with their nouns, and lists of which the first few are named."""

from __future__ import annotations

from collections.abc import Sequence


def show_count(count: int, noun: str) -> str:
    """`1 violation`, `2 violations`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def show_plural(count: int, plural: str) -> str:
    """`1 repository`, `2 repositories`, by the plural of a noun."""
    stem = plural.removesuffix("s")
    one = f"{stem.removesuffix('ie')}y" if stem.endswith("ie") else stem
    return f"{count:,} {one if count == 1 else plural}"


def show_few(names: Sequence[str], most: int) -> str:
    """`a, b, c and 2 more`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
