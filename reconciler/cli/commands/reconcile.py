"""`reconciler reconcile`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    all_tenants_option,
    logging_options,
    option,
    optional_paths_argument,
    output_option,
)
from reconciler.cli.run.plan_options import shared_options
from reconciler.cli.terminal.console import Console, console_of, is_terminal
from reconciler.render.forms import forms_of

if TYPE_CHECKING:
    from reconciler.cli.run.prepare import Run
    from reconciler.cli.run.source import Options

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
    help="Only if the plan (with --all-tenants: all plans) is still this one; else exit 5 and "
    "nothing written.",
)
@option(
    "--plan",
    guard=True,
    metavar="FILE",
    help="Carry out this saved plan (plan --out) and nothing else.",
)
@option(
    "--accept",
    metavar="D",
    help="The plan with this digest passes what a person may accept (limits, unclear sources, "
    "policies, …); else exit 5.",
)
@option(
    "--parallelism",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    metavar="N",
    help="Changes at once.",
)
@option(
    "--on-error",
    type=click.Choice(["continue", "stop"]),
    default="continue",
    show_default=True,
    help="After a failure.",
)
@option(
    "--test-first",
    is_flag=True,
    help="Test each changed endpoint first; what fails is not written.",
)
@all_tenants_option
@shared_options
@output_option(*forms_of("report"))
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int:
    """Plan, confirm, carry out, report."""
    from reconciler.cli.run.prepare import prepare  # noqa: PLC0415  `--help` needs none of it
    from reconciler.cli.run.resume import resumed  # noqa: PLC0415  likewise
    from reconciler.cli.run.source import Options  # noqa: PLC0415  likewise
    from reconciler.cli.terminal.signals import run  # noqa: PLC0415  likewise

    console, options = console_of(ctx), Options(values)
    require_terminal(options, ctx)
    if options.plan is None and not options.paths:
        raise click.MissingParameter(
            ctx=ctx, param=next(param for param in ctx.command.params if param.name == "paths")
        )
    if options.all_tenants:
        from reconciler.cli.tenants.waves import reconcile_all  # noqa: PLC0415  as above

        return reconcile_all(ctx, console, options)
    prepared = prepare(options, "require") if options.plan is None else resumed(ctx, options)
    return run(_run(console, prepared))


def require_terminal(options: Options, ctx: click.Context) -> None:
    """Raises UsageError where there is neither `--yes` nor somebody to ask."""
    if not options.yes and not all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))):
        raise click.UsageError(
            "there is no terminal to ask on: give --yes to write without a prompt", ctx
        )


async def _run(console: Console, prepared: Run) -> int:
    from reconciler.cli.run.confirm import confirm_and_carry_out  # noqa: PLC0415  as above
    from reconciler.cli.run.connect import opened  # noqa: PLC0415  as above

    options = prepared.options
    end = time.monotonic() + options.deadline if options.deadline is not None else None
    async with opened(prepared.target, options, options.parallelism) as provider:
        return await confirm_and_carry_out(
            console, await prepared.plan(provider, console), provider, prepared, end
        )
