"""The order of carrying out: name-freeing updates, then create, update, delete, each a barrier.
docs/plan-rules.md, rule 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from reconciler.core.change import Action, Stages, Violation

if TYPE_CHECKING:
    from reconciler.core.change import Change


def _place(change: Change) -> tuple[str, str]:
    return change.name, change.live.id if change.live is not None else ""


def _old_name(change: Change) -> str | None:
    """The name that this change gives up; None when it keeps it."""
    if (
        change.action is not Action.UPDATE
        or change.live is None
        or change.live.spec.name == change.name
    ):
        return None
    return change.live.spec.name


def _freeing(changes: Sequence[Change]) -> tuple[list[tuple[Change, ...]], tuple[Violation, ...]]:
    """Waves of updates that give up a name which another change wants, each wave after the one it
    waits for.
    """
    wanted = {change.name for change in changes if change.action is not Action.DELETE}
    frees = {
        old: change
        for change in changes
        if (old := _old_name(change)) in wanted and old is not None
    }
    clashes: list[Violation] = []
    while True:  # once more for each circle
        sorter: TopologicalSorter[str] = (
            TopologicalSorter()
        )  # of old names: one is free once the new name of its holder is
        for old, change in frees.items():
            sorter.add(old, *([change.name] if change.name in frees else []))
        try:
            sorter.prepare()
            break
        except CycleError as error:
            names = tuple(sorted(set(error.args[1])))
        way_out = "give one of them a third spec.name, reconcile, then the name that it wants"
        message = f"{', '.join(names)}: each wants the name another holds; {way_out}"
        clashes.append(Violation("name-cycle", message, names))
        frees = {old: change for old, change in frees.items() if old not in names}
    waves: list[tuple[Change, ...]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        waves.append(tuple(sorted((frees[old] for old in ready), key=_place)))
        sorter.done(*ready)
    return waves, tuple(clashes)


def _stage(change: Change) -> str:
    """Taking the last subscription counts as a delete, so it waits like one for what may replace
    it.
    """
    return "delete" if change.removes else change.action


def arrange(
    changes: Sequence[Change], *, unique_names: bool = True
) -> tuple[Stages, tuple[Violation, ...]]:
    """Stages, each by name and each starting when the one before has ended; and a violation where
    names go in a circle.

    Every change stands in exactly one stage. If a product allows equal names, no change waits for
    a name.
    """
    stages: list[tuple[Change, ...]] = []
    clashes: tuple[Violation, ...] = ()
    if unique_names:
        stages, clashes = _freeing(changes)
    early = {id(change) for wave in stages for change in wave}
    for action in ("create", "update", "delete"):
        stage = [
            change for change in changes if _stage(change) == action and id(change) not in early
        ]
        if stage:
            stages.append(tuple(sorted(stage, key=_place)))
    return tuple(stages), clashes
