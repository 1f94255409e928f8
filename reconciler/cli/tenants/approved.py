"""`reconcile --all-tenants` plans every tenant before anything is written anywhere: one refused
plan keeps all from their turn.

With `--expect-digest` or `--accept`, what was approved is the plans of all tenants together. Then
each turn is bound to the plan that its tenant had here, so that what moves in between is refused at
its turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from reconciler import windows
from reconciler.cli.options.writing import ApprovalOptions
from reconciler.cli.run.prepare import Prepared
from reconciler.cli.run.show import show_plan
from reconciler.cli.tenants.all_tenants import INTERRUPTED, Round, Turn, all_of, format_exit_codes
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.core.change import Plan
from reconciler.core.errors import PlanRefused, StalePlan
from reconciler.core.results.reports import Failure
from reconciler.core.results.runs import Runs, TenantRun
from reconciler.rendering.runs import heading
from reconciler.rendering.text import plan_ending
from reconciler.workflow import approve

_PLAN: Final = "plan"  # what a turn of this round does, in its heading


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of every tenant in `runs`, and whether the first turn may begin; else `runs` is what
    the command ends with.
    """

    runs: Runs
    may_begin: bool


def planned(
    console: Console,
    approval: ApprovalOptions,
    deadline: float | None,
    turns: tuple[Turn[Prepared], ...],
) -> Planned:
    """The plan of every tenant. What one run approved is shown with its digest, else only a plan
    that is refused.
    """
    approving = approval.is_for_one_plan

    async def plan(begun: TenantRun, prepared: Prepared) -> TenantRun:
        plan = await prepared.plan_only(console)
        plan = windows.hold_plan(plan, prepared.spec, datetime.now(UTC))
        if console.output == "text":
            if _is_refused(plan, approval):
                if not approving:
                    console.data(heading(begun.tenant, begun.wave, _PLAN))
                show_plan(console, plan)
            elif approving:
                console.data(plan_ending(plan, color=console.color))
        return replace(begun, exit_code=Exit.DONE, plan=plan)

    what = _PLAN if approving else None
    runs = Round(console, deadline, turns, plan, what=what).taken()
    return _judged(console, approval, runs)


def bound(turns: tuple[Turn[Prepared], ...], planned_runs: Runs) -> tuple[Turn[Prepared], ...]:
    """The turns; what could not be planned is not asked again."""
    runs = {run.tenant: run for run in planned_runs.runs}

    def bind(turn: Turn[Prepared]) -> Turn[Prepared]:
        run = runs[turn.spec.name]
        if turn.prepared is None or run.plan is not None:
            return turn
        return replace(turn, ended=run)

    return tuple(map(bind, turns))


def approvals(approval: ApprovalOptions, runs: Runs) -> dict[str, ApprovalOptions]:
    """What each tenant's turn is approved for: where plans were approved, nothing but its plan."""
    plans = {run.tenant: run.plan for run in runs.runs if run.plan is not None}
    if not approval.is_for_one_plan:
        return dict.fromkeys(plans, approval)
    return {
        tenant: approval._replace(
            expect_digest=plan.digest,
            accept=plan.digest if approval.accept is not None else None,
        )
        for tenant, plan in plans.items()
    }


def _is_refused(plan: Plan, approval: ApprovalOptions) -> bool:
    try:
        approve(plan, None, plan.digest if approval.accept is not None else None)
    except PlanRefused:
        return True
    return False


def _judged(console: Console, approval: ApprovalOptions, planned_runs: Runs) -> Planned:
    """In the order in which one plan is judged: whether it is there, is the one that was approved,
    and may be carried out.

    A tenant that could not be planned keeps the others from their turn only where the plans of all
    were approved.
    """
    return _find_missing(console, approval, planned_runs) or _judge_plans(
        console, approval, planned_runs
    )


def _find_missing(
    console: Console, approval: ApprovalOptions, planned_runs: Runs
) -> Planned | None:
    """What keeps every tenant from its turn before the plans are looked at: a plan that is not
    there, or is another than the approved one. None if nothing does.
    """
    if planned_runs.exit_code == Exit.INTERRUPTED:
        return Planned(_without_turns(planned_runs, INTERRUPTED), may_begin=False)
    if planned_runs.digest is None and approval.is_for_one_plan:
        return Planned(
            _without_turns(planned_runs, "not started: not every tenant could be planned"),
            may_begin=False,
        )
    if any(
        wanted not in {None, planned_runs.digest}
        for wanted in (approval.expect_digest, approval.accept)
    ):
        console.error(
            "these are not the plans that were approved: their digest is "
            f"{planned_runs.digest}; nothing was written anywhere"
        )
        return Planned(all_of(map(_stale, planned_runs.runs), planned_runs.owners), may_begin=False)
    return None


def _judge_plans(console: Console, approval: ApprovalOptions, planned_runs: Runs) -> Planned:
    """Whether each plan may be carried out; one that is refused keeps all from their turn."""
    runs = [
        replace(run, exit_code=Exit.REFUSED)
        if run.plan and _is_refused(run.plan, approval)
        else run
        for run in planned_runs.runs
    ]
    if all(run.exit_code != Exit.REFUSED for run in runs):
        return Planned(planned_runs, may_begin=True)
    console.error("a plan is refused; nothing was written anywhere")
    judged = _without_turns(
        all_of(runs, planned_runs.owners), "not started: not every plan may be carried out"
    )
    return Planned(judged, may_begin=False)


def _stale(run: TenantRun) -> TenantRun:
    if run.plan is None:
        return run
    message = (
        "not the plans that were approved; that of this tenant has the digest "
        f"{run.plan.digest}; nothing was written"
    )
    return replace(run, exit_code=Exit.STALE, error=Failure(StalePlan.kind, message))


def _without_turns(planned_runs: Runs, why: str) -> Runs:
    """No tenant has a turn; the note of each is `why`, with the runs that failed."""
    failed = [run for run in planned_runs.runs if run.exit_code]
    note = f"{why} ({format_exit_codes(failed)})" if why != INTERRUPTED else why
    runs = [
        replace(run, exit_code=None, plan=None, note=note)
        if run.plan and not run.exit_code
        else run
        for run in planned_runs.runs
    ]
    return all_of(runs, planned_runs.owners, interrupted=why == INTERRUPTED)
