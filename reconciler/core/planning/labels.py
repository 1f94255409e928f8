"""Which side changed: compares the values in Git at a revision, in Git now, and at the tenant.
There is no state file: Git is the record.

Pure comparison; other modules decide what a field's value is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.core.change import Label


class _Absent:
    """The value of a missing field; equal to itself only."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()


def find_label(base: object, declared: object, live: object) -> Label:
    """SAME if the sides are equal, PENDING if only Git changed since `base`, DRIFT if only the
    tenant did, else BOTH.
    """
    if declared == live:
        return Label.SAME
    if base == live:
        return Label.PENDING
    return Label.DRIFT if base == declared else Label.BOTH


def combine_labels(labels: Iterable[Label]) -> Label:
    """The label of a whole: that of its changed parts if they agree, else BOTH."""
    moved_labels = set(labels) - {Label.SAME}
    if not moved_labels:
        return Label.SAME
    return moved_labels.pop() if len(moved_labels) == 1 else Label.BOTH
