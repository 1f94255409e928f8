"""The order of execution: updates that free names, then create, update, delete, each a barrier.
docs/plan-rules.md, rule 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from reconciler.core.change import Action, Stages, Violation

if TYPE_CHECKING:
    from reconciler.core.change import Change


def _sort_key(change: Change) -> tuple[str, str]:
    return change.name, change.live.id if change.live is not None else ""


def _find_old_name(change: Change) -> str | None:
    """The name that this change frees; None if it keeps its name."""
    if (
        change.action is not Action.UPDATE
        or change.live is None
        or change.live.spec.name == change.name
    ):
        return None
    return change.live.spec.name


def _arrange_name_changes(
    changes: Sequence[Change],
) -> tuple[list[tuple[Change, ...]], tuple[Violation, ...]]:
    """Waves of updates that free a name for a different change, each wave after the one that it
    depends on.
    """
    needed_names = {change.name for change in changes if change.action is not Action.DELETE}
    changes_by_old_name = {
        old: change
        for change in changes
        if (old := _find_old_name(change)) in needed_names and old is not None
    }
    clashes: list[Violation] = []
    while True:  # once more per cycle
        try:
            sorter = _prepare_sorter(changes_by_old_name)
            break
        except CycleError as error:
            names = tuple(sorted(set(error.args[1])))
        clashes.append(_cycle_violation(names))
        changes_by_old_name = {
            old: change for old, change in changes_by_old_name.items() if old not in names
        }
    waves: list[tuple[Change, ...]] = []
    while sorter.is_active():
        ready = sorter.get_ready()
        waves.append(tuple(sorted((changes_by_old_name[old] for old in ready), key=_sort_key)))
        sorter.done(*ready)
    return waves, tuple(clashes)


def _prepare_sorter(changes_by_old_name: Mapping[str, Change]) -> TopologicalSorter[str]:
    """Sorts old names: a name is free once the new name of its holder is. Raises CycleError."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for old, change in changes_by_old_name.items():
        sorter.add(old, *([change.name] if change.name in changes_by_old_name else []))
    sorter.prepare()
    return sorter


def _cycle_violation(names: tuple[str, ...]) -> Violation:
    fix = "give one of them a third spec.name, reconcile, then the name that it wants"
    message = f"{', '.join(names)}: each needs the name of the next one; {fix}"
    return Violation("name-cycle", message, names)


def _find_stage(change: Change) -> str:
    """The stage of a change. Removing the last subscription counts as a delete, so it waits
    as one.
    """
    return "delete" if change.is_removal else change.action


def arrange(
    changes: Sequence[Change], *, unique_names: bool = True
) -> tuple[Stages, tuple[Violation, ...]]:
    """Stages, each sorted by name, each a barrier; and a violation if names form a cycle.

    Every change is in exactly one stage. If a product allows equal names, no change waits for a
    name.
    """
    stages: list[tuple[Change, ...]] = []
    clashes: tuple[Violation, ...] = ()
    if unique_names:
        stages, clashes = _arrange_name_changes(changes)
    arranged_ids = {id(change) for wave in stages for change in wave}
    for action in ("create", "update", "delete"):
        stage = [
            change
            for change in changes
            if _find_stage(change) == action and id(change) not in arranged_ids
        ]
        if stage:
            stages.append(tuple(sorted(stage, key=_sort_key)))
    return tuple(stages), clashes
