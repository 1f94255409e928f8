"""`reconcile --all-tenants` plans every tenant before anything is written anywhere: one refused
plan keeps all from their turn.

With `--expect-digest` or `--accept`, what was approved is the plans of all tenants together. Then
each turn is bound to the plan that its tenant had here, so that what moves in between is refused at
its turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from reconciler.cli.run.prepare import Prepared
from reconciler.cli.run.show import show_plan
from reconciler.cli.run.source import Options
from reconciler.cli.tenants.all_tenants import INTERRUPTED, Round, Turn, all_of, told
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.core.change import Plan
from reconciler.core.errors import PlanRefused, StalePlan
from reconciler.core.results.reports import Failure
from reconciler.core.results.runs import Runs, TenantRun
from reconciler.render.runs import heading
from reconciler.render.text import plan_ending
from reconciler.workflow import approve

_PLAN: Final = "plan"  # what a turn of this round does, in its heading


def asks(options: Options) -> bool:
    """Whether a run is for the plans that somebody approved, and no others."""
    return options.expect_digest is not None or options.accept is not None


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of every tenant in `runs`, and whether the first turn may begin; else `runs` is what
    the command ends with.
    """

    runs: Runs
    may_begin: bool


def planned(console: Console, options: Options, turns: tuple[Turn[Prepared], ...]) -> Planned:
    """The plan of every tenant. What one run approved is shown with its digest, else only a plan
    that is refused.
    """
    approving = asks(options)

    async def plan(begun: TenantRun, prepared: Prepared) -> TenantRun:
        made = await prepared.plan_only(console)
        if console.output == "text":
            if _is_refused(made, options):
                if not approving:
                    console.data(heading(begun.tenant, begun.wave, _PLAN))
                show_plan(console, made)
            elif approving:
                console.data(plan_ending(made, color=console.color))
        return replace(begun, exit_code=Exit.DONE, plan=made)

    return _judged(
        console,
        options,
        Round(console, options, turns, plan, what=_PLAN if approving else None).taken(),
    )


def bound(
    turns: tuple[Turn[Prepared], ...], found: Runs, options: Options
) -> tuple[Turn[Prepared], ...]:
    """The turns, each for nothing but its plan where plans were approved; what could not be planned
    is not asked again.
    """
    runs = {run.tenant: run for run in found.runs}

    def one(turn: Turn[Prepared]) -> Turn[Prepared]:
        run, prepared = runs[turn.spec.name], turn.prepared
        if prepared is None:
            return turn
        if run.plan is None:
            return replace(turn, ended=run)
        if not asks(options):
            return turn
        digest = run.plan.digest
        mine = prepared.options.but(
            expect_digest=digest, accept=digest if options.accept is not None else None
        )
        return replace(turn, prepared=replace(prepared, options=mine))

    return tuple(map(one, turns))


def _is_refused(made: Plan, options: Options) -> bool:
    try:
        approve(made, None, made.digest if options.accept is not None else None)
    except PlanRefused:
        return True
    return False


def _judged(console: Console, options: Options, found: Runs) -> Planned:
    """In the order in which one plan is judged: whether it is there, is the one that was approved,
    and may be carried out.

    A tenant that could not be planned keeps the others from their turn only where the plans of all
    were approved.
    """
    if found.exit_code == Exit.INTERRUPTED:
        return Planned(_held(found, INTERRUPTED), may_begin=False)
    if found.digest is None and asks(options):
        return Planned(
            _held(found, "not started: not every tenant could be planned"), may_begin=False
        )
    if any(
        wanted not in {None, found.digest} for wanted in (options.expect_digest, options.accept)
    ):
        console.error(
            "these are not the plans that were approved: their digest is "
            f"{found.digest}; nothing was written anywhere"
        )
        return Planned(all_of(map(_stale, found.runs), found.owners), may_begin=False)
    runs = [
        replace(run, exit_code=Exit.REFUSED) if run.plan and _is_refused(run.plan, options) else run
        for run in found.runs
    ]
    if all(run.exit_code != Exit.REFUSED for run in runs):
        return Planned(found, may_begin=True)
    console.error("a plan is refused; nothing was written anywhere")
    judged = _held(all_of(runs, found.owners), "not started: not every plan may be carried out")
    return Planned(judged, may_begin=False)


def _stale(run: TenantRun) -> TenantRun:
    if run.plan is None:
        return run
    message = (
        "not the plans that were approved; that of this tenant has the digest "
        f"{run.plan.digest}; nothing was written"
    )
    return replace(run, exit_code=Exit.STALE, error=Failure(StalePlan.kind, message))


def _held(found: Runs, why: str) -> Runs:
    """Nobody has a turn; `why`, with those who are the reason."""
    failed = [run for run in found.runs if run.exit_code]
    note = f"{why} ({told(failed)})" if why != INTERRUPTED else why
    runs = [
        replace(run, exit_code=None, plan=None, note=note)
        if run.plan and not run.exit_code
        else run
        for run in found.runs
    ]
    return all_of(runs, found.owners, interrupted=why == INTERRUPTED)
