"""Which objects that are being deleted may go after a run. Pure."""

from __future__ import annotations

from reconciler.continuous.operator.objects import Object
from reconciler.continuous.operator.runs import Run
from reconciler.continuous.results import Result, State
from reconciler.core.results.reports import Status


def find_released(run: Run) -> list[Object]:
    """The objects that are being deleted and have nothing left at the tenant: their finalizer may
    go.
    """
    result = run.result
    if result.plan is None or result.state is State.REFUSED:
        return [item for item in run.objects.others if item.is_deleting and not _waits(run, item)]
    left = {change.key for change in result.plan.pending}
    if result.report is not None:
        done = {Status.CREATED, Status.UPDATED, Status.DELETED}
        left -= {each.change.key for each in result.report.outcomes if each.status in done}
    return [
        item
        for item in run.objects.others
        if item.is_deleting and (not _waits(run, item) or _is_done(item, left, result))
    ]


def _waits(run: Run, item: Object) -> bool:
    """Whether the tenant has to be asked before the object may go."""
    return item.kind in {"Webhook", "EventSubscription"} and run.objects.is_removed(item)


def _is_done(item: Object, left: set[str | None], result: Result) -> bool:
    if item.kind == "EventSubscription":
        return result.is_at_revision
    can_tell = result.plan is not None and not result.plan.failures
    return can_tell and item.name not in left
