"""Shows a plan, asks whether to carry it out, carries it out, and says how it ended."""

from __future__ import annotations

from dataclasses import dataclass

import click

from reconciler.cli.options.writing import WriteOptions
from reconciler.cli.run.carry_out import carry_out
from reconciler.cli.run.show import show_plan, show_report
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.cli.terminal.signals import read_line
from reconciler.core.change import Plan
from reconciler.core.errors import Declined, PlanRefused
from reconciler.core.model.webhook import Owner
from reconciler.core.results.reports import Report, Status
from reconciler.providers.base import Provider
from reconciler.rendering import text
from reconciler.rendering.counts import show_count
from reconciler.workflow import approve


@dataclass(frozen=True, slots=True)
class Ended:
    """What a plan came to: the exit code, and the report of a plan that was carried out."""

    code: int
    plan: Plan
    report: Report | None = None


async def confirm_and_carry_out(
    console: Console,
    plan: Plan,
    provider: Provider,
    owner: Owner,
    options: WriteOptions,
    end: float | None = None,
) -> int:
    """Shows a plan, asks, carries it out and reports; the exit code. `end` as in `carry_out`."""
    ended = await confirmed_and_carried_out(console, plan, provider, owner, options, end)
    show_ended(console, ended)
    return ended.code


async def confirmed_and_carried_out(
    console: Console,
    plan: Plan,
    provider: Provider,
    owner: Owner,
    options: WriteOptions,
    end: float | None,
) -> Ended:
    """The same, but what it came to is not shown yet."""
    approval = options.approval
    try:
        approve(plan, approval.expect_digest, approval.accept)
    except PlanRefused:
        return Ended(Exit.REFUSED, plan)
    if console.output == "text" and plan.pending:
        show_plan(console, plan)
    if plan.pending and not approval.yes and not await _confirmed(console, plan):
        raise Declined("declined; nothing was written")
    report, interrupted = await carry_out(console, plan, provider, owner, options.execution, end)
    return Ended(Exit.INTERRUPTED if interrupted else _code(report), plan, report)


def show_ended(console: Console, ended: Ended) -> None:
    """The report, or the plan that was refused, in the form that was asked for."""
    if ended.report is None:
        show_plan(console, ended.plan)
    else:
        show_report(console, ended.report)


async def _confirmed(console: Console, plan: Plan) -> bool:
    if console.output != "text":
        click.echo(text.plan_text(plan), err=True)
    click.echo(f"Carry out {show_count(len(plan.pending), 'change')}? [y/N] ", err=True, nl=False)
    answer = await read_line()
    if not answer:
        click.echo(err=True)  # the end of input left the cursor behind the question
    return answer.strip().lower() in {"y", "yes"}


def _code(report: Report) -> int:
    if report.complete:
        return Exit.DONE
    refused = [
        outcome.error is not None and outcome.error.kind == "unauthorized"
        for outcome in report.outcomes
    ]
    unwritten = [
        outcome.status is Status.SKIPPED for outcome in report.outcomes
    ]  # another failure may have been carried out
    nothing = all(
        unauthorized or skipped for unauthorized, skipped in zip(refused, unwritten, strict=True)
    )
    return Exit.UNAUTHORIZED if any(refused) and nothing else Exit.PARTIAL
