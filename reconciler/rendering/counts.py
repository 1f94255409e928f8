"""Counts with their nouns."""

from __future__ import annotations


def show_count(count: int, noun: str) -> str:
    """`1 violation`, `2 violations`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
