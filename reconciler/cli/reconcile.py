"""`reconciler reconcile`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import Console, console_of, is_terminal
from reconciler.cli.options import all_tenants_option, logging_options, option, optional_paths_argument, output_option
from reconciler.cli.plan import shared_options, show

if TYPE_CHECKING:
    from reconciler.cli.prepare import Run
    from reconciler.cli.source import Options
    from reconciler.core.plan import Plan
    from reconciler.core.report import Report
    from reconciler.providers.base import Provider

EPILOG = """\b
Examples:
  reconciler reconcile webhooks/ --local
  reconciler reconcile webhooks/ --yes --revision "$GIT_COMMIT"
  reconciler reconcile webhooks/ --yes --expect-digest sha256:...
  reconciler reconcile webhooks/ --yes --accept sha256:...
  reconciler reconcile webhooks/ --yes --plan plan.json
  reconciler reconcile --yes --plan plan.json --local
  reconciler reconcile . --all-tenants --yes
  reconciler reconcile . --all-tenants --yes --expect-digest sha256:...
"""


@click.command("reconcile", epilog=EPILOG)
@optional_paths_argument
@option("--yes", is_flag=True, help="No prompt.")
@option(
    "--expect-digest",
    guard=True,
    metavar="D",
    help="Only if the plan (with --all-tenants: all plans) is still this one; else exit 5 and nothing written.",
)
@option("--plan", guard=True, metavar="FILE", help="Carry out this saved plan (plan --out) and nothing else.")
@option(
    "--accept",
    metavar="D",
    help="The plan with this digest passes what a person may accept (limits, unclear sources, policies, …); else exit 5.",
)
@option("--parallelism", type=click.IntRange(1, 100), default=10, show_default=True, metavar="N", help="Changes at once.")
@option("--on-error", type=click.Choice(["continue", "stop"]), default="continue", show_default=True, help="After a failure.")
@option("--test-first", is_flag=True, help="Test each changed endpoint first; what fails is not written.")
@all_tenants_option
@shared_options
@output_option("text", "json", "markdown")
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int:
    """Plan, confirm, carry out, report."""
    from reconciler.cli.prepare import prepare  # noqa: PLC0415  `--help` needs none of it
    from reconciler.cli.resume import resumed  # noqa: PLC0415  likewise
    from reconciler.cli.signals import run  # noqa: PLC0415  likewise
    from reconciler.cli.source import Options  # noqa: PLC0415  likewise

    console, options = console_of(ctx), Options(values)
    require_terminal(options, ctx)
    if options.plan is None and not options.paths:
        raise click.MissingParameter(ctx=ctx, param=next(param for param in ctx.command.params if param.name == "paths"))
    if options.all_tenants:
        from reconciler.cli.waves import reconcile_all  # noqa: PLC0415  as above

        return reconcile_all(ctx, console, options)
    prepared = prepare(options, "require") if options.plan is None else resumed(ctx, options)
    return run(_run(console, prepared))


def require_terminal(options: Options, ctx: click.Context) -> None:
    """Raises UsageError where there is neither `--yes` nor somebody to ask."""
    if not options.yes and not all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))):
        raise click.UsageError("there is no terminal to ask on: give --yes to write without a prompt", ctx)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a plan came to: the exit code, and the report of a plan that was carried out."""

    code: int
    plan: Plan
    report: Report | None = None


async def _run(console: Console, prepared: Run) -> int:
    from reconciler.cli.connect import opened  # noqa: PLC0415  as above

    options = prepared.options
    end = time.monotonic() + options.deadline if options.deadline is not None else None
    async with opened(prepared.target, options, options.parallelism) as provider:
        return await confirm_and_carry_out(console, await prepared.plan(provider, console), provider, prepared, end)


async def confirm_and_carry_out(console: Console, made: Plan, provider: Provider, prepared: Run, end: float | None = None) -> int:
    """Shows a plan, asks, carries it out and reports; the exit code. `end` as in `carry_out`."""
    ended = await confirmed_and_carried_out(console, made, provider, prepared, end)
    show_ended(console, ended)
    return ended.code


async def confirmed_and_carried_out(console: Console, made: Plan, provider: Provider, prepared: Run, end: float | None) -> Ended:
    """The same, but what it came to is not shown yet."""
    from reconciler.cli.carry_out import carry_out  # noqa: PLC0415  as above
    from reconciler.cli.ending import Exit  # noqa: PLC0415  as above
    from reconciler.core.errors import Declined, PlanRefused  # noqa: PLC0415  as above
    from reconciler.workflow import approve  # noqa: PLC0415  as above

    options = prepared.options
    try:
        approve(made, options.expect_digest, options.accept)
    except PlanRefused:
        return Ended(Exit.REFUSED, made)
    if console.output == "text" and made.pending:
        show(console, made)
    if made.pending and not options.yes and not _confirmed(console, made):
        raise Declined("declined; nothing was written")
    report, interrupted = await carry_out(console, made, provider, prepared, end)
    return Ended(Exit.INTERRUPTED if interrupted else _code(report), made, report)


def show_ended(console: Console, ended: Ended) -> None:
    """The report, or the plan that was refused, in the form that was asked for."""
    if ended.report is None:
        show(console, ended.plan)
    else:
        _show_report(console, ended.report)


def _confirmed(console: Console, made: Plan) -> bool:
    from reconciler.cli.signals import at_once  # noqa: PLC0415  as above
    from reconciler.render.counted import counted  # noqa: PLC0415  as above

    if console.output != "text":
        from reconciler.render import text  # noqa: PLC0415  only for a prompt beside a document

        click.echo(text.plan_text(made), err=True)
    with at_once():
        click.echo(f"Carry out {counted(len(made.pending), 'change')}? [y/N] ", err=True, nl=False)
        answer = sys.stdin.readline()
    if not answer:
        click.echo(err=True)  # the end of input left the cursor behind the question
    return answer.strip().lower() in {"y", "yes"}


def _code(report: Report) -> int:
    from reconciler.cli.ending import Exit  # noqa: PLC0415  as above
    from reconciler.core.report import Status  # noqa: PLC0415  as above

    if report.complete:
        return Exit.DONE
    refused = [outcome.error is not None and outcome.error.kind == "unauthorized" for outcome in report.outcomes]
    unwritten = [outcome.status is Status.SKIPPED for outcome in report.outcomes]  # another failure may have been carried out
    nothing = all(told or skipped for told, skipped in zip(refused, unwritten, strict=True))
    return Exit.UNAUTHORIZED if any(refused) and nothing else Exit.PARTIAL


def _show_report(console: Console, report: Report) -> None:
    from reconciler.render import document, markdown, text  # noqa: PLC0415  as above

    if console.output == "json":
        console.data(document.to_json(document.report_document(report)))
    elif console.output == "markdown":
        console.data(markdown.report_markdown(report))
    else:
        console.data(text.report_text(report, color=console.color))
