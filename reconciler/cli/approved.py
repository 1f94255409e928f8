"""`reconcile --all-tenants` with `--expect-digest` or `--accept`: what was approved is the plans of all tenants together.

Every tenant is planned before anything is written anywhere. Then each turn is bound to the plan that its tenant had here, so
that what moves in between is refused at its turn. Called by `waves.py`.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.cli.all_tenants import INTERRUPTED, Round, Turn, all_of, told
from reconciler.cli.console import Console
from reconciler.cli.ending import Exit
from reconciler.cli.plan import show
from reconciler.cli.prepare import Prepared
from reconciler.cli.source import Options
from reconciler.core.errors import PlanRefused, StalePlan
from reconciler.core.plan import Plan
from reconciler.core.report import Failure
from reconciler.core.runs import Runs, TenantRun
from reconciler.render.text import plan_ending
from reconciler.workflow import approve


def asks(options: Options) -> bool:
    """Whether a run is for the plans that somebody approved, and no others."""
    return options.expect_digest is not None or options.accept is not None


def planned(console: Console, options: Options, turns: tuple[Turn[Prepared], ...]) -> Runs:
    """The plan of every tenant. The exit code is 0 if all are what was approved; else this is what the command ends with."""

    async def plan(begun: TenantRun, prepared: Prepared) -> TenantRun:
        made = await prepared.plan_only(console)
        if console.output == "text":
            if _is_refused(made, options):
                show(console, made)
            else:
                console.data(plan_ending(made, color=console.color))
        return replace(begun, exit_code=Exit.DONE, plan=made)

    return _judged(console, options, Round(console, options, turns, plan, what="plan").taken())


def bound(turns: tuple[Turn[Prepared], ...], found: Runs, options: Options) -> tuple[Turn[Prepared], ...]:
    """The turns, each for nothing but the plan that was found for its tenant."""
    digests = {run.tenant: run.plan.digest() for run in found.runs if run.plan is not None}

    def one(turn: Turn[Prepared]) -> Turn[Prepared]:
        prepared = turn.prepared
        if prepared is None:
            return turn
        digest = digests[turn.spec.name]
        mine = prepared.options.but(expect_digest=digest, accept=digest if options.accept is not None else None)
        return replace(turn, prepared=replace(prepared, options=mine))

    return tuple(map(one, turns))


def _is_refused(made: Plan, options: Options) -> bool:
    try:
        approve(made, None, made.digest() if options.accept is not None else None)
    except PlanRefused:
        return True
    return False


def _judged(console: Console, options: Options, found: Runs) -> Runs:
    """In the order in which one plan is judged: whether it is there, is the one that was approved, and may be carried out."""
    if found.exit_code == Exit.INTERRUPTED:
        return _held(found, INTERRUPTED)
    if found.digest is None:
        return _held(found, "not started: not every tenant could be planned")
    if any(wanted not in {None, found.digest} for wanted in (options.expect_digest, options.accept)):
        console.error(f"these are not the plans that were approved: their digest is {found.digest}; nothing was written anywhere")
        return all_of(map(_stale, found.runs), found.owners)
    runs = [replace(run, exit_code=Exit.REFUSED) if run.plan and _is_refused(run.plan, options) else run for run in found.runs]
    judged = all_of(runs, found.owners)
    return found if judged.exit_code == Exit.DONE else _held(judged, "not started: not every plan may be carried out")


def _stale(run: TenantRun) -> TenantRun:
    if run.plan is None:
        return run
    message = f"not the plans that were approved; that of this tenant has the digest {run.plan.digest()}; nothing was written"
    return replace(run, exit_code=Exit.STALE, error=Failure(StalePlan.kind, message))


def _held(found: Runs, why: str) -> Runs:
    """Nobody has a turn; `why`, with those who are the reason."""
    failed = [run for run in found.runs if run.exit_code]
    note = f"{why} ({told(failed)})" if why != INTERRUPTED else why
    runs = [replace(run, exit_code=None, plan=None, note=note) if run.plan and not run.exit_code else run for run in found.runs]
    return all_of(runs, found.owners, interrupted=why == INTERRUPTED)
