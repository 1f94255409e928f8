"""Who moved: one value as Git had it, as Git wants it and as the tenant holds it. No state file is
asked: Git is the record.

Pure comparison; what a field's value is, is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.core.change import Label


class _Absent:
    """The value of what is not there; equal to nothing but itself."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


def label(base: object, declared: object, live: object) -> Label:
    """SAME if nothing is to do, PENDING if only Git moved away from `base`, DRIFT if only the
    tenant did, else BOTH.
    """
    if declared == live:
        return Label.SAME
    if base == live:
        return Label.PENDING
    return Label.DRIFT if base == declared else Label.BOTH


def combined(labels: Iterable[Label]) -> Label:
    """The label of a whole: that of the parts that moved where they agree, else BOTH."""
    moved = set(labels) - {Label.SAME}
    if not moved:
        return Label.SAME
    return moved.pop() if len(moved) == 1 else Label.BOTH
