"""The order of carrying out: name-freeing updates, then create, update, delete, each a barrier. Design §5, rule 9."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from reconciler.core.guard import Violation

if TYPE_CHECKING:
    from reconciler.core.plan import Change

Stages = tuple[tuple["Change", ...], ...]


def _name(change: Change) -> str:
    return change.name


def arrange(changes: Sequence[Change]) -> tuple[Stages, tuple[Violation, ...]]:
    """Stages, each by name and each starting when the one before has ended; and a violation where names go in a circle."""
    wanted = {change.name: change for change in changes if change.action in {"create", "update"}}
    old = {change.name: change.live.spec.name for change in changes if change.action == "update" and change.live is not None}
    renames = {name: before for name, before in old.items() if before != name}
    freeing = {name for name, before in renames.items() if before in wanted}
    graph = {name: {other for other in freeing if renames[other] == name and other != name} for name in freeing}
    stages: list[tuple[Change, ...]] = []
    clashes: tuple[Violation, ...] = ()
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            stages.append(tuple(wanted[name] for name in ready))
            sorter.done(*ready)
    except CycleError as error:
        names = tuple(sorted(set(error.args[1])))
        message = f"{', '.join(names)}: each wants the name another holds; go through a third name"
        clashes, stages, freeing = (Violation("name-cycle", message, names),), [], set()
    rest = [change for change in changes if not (change.action == "update" and change.name in freeing)]
    for action in ("create", "update", "delete"):
        stage = tuple(sorted((change for change in rest if change.action == action), key=_name))
        if stage:
            stages.append(stage)
    return tuple(stages), clashes
