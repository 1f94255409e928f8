"""`reconciler plan`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    all_tenants_option,
    logging_options,
    option,
    output_option,
    paths_argument,
    policies_at_option,
    since_option,
)
from reconciler.cli.run.plan_options import shared_options
from reconciler.cli.run.show import show_plan
from reconciler.cli.terminal.console import Console, console_of
from reconciler.render.forms import forms_of

if TYPE_CHECKING:
    from reconciler.cli.run.prepare import Prepared
    from reconciler.cli.run.source import Options
    from reconciler.core.change import Plan
    from reconciler.core.results.runs import TenantRun

EPILOG = """\b
Examples:
  reconciler plan webhooks/ --local
  reconciler plan . --tenant production -o markdown > comment.md
  reconciler plan webhooks/ --detailed-exitcode
  reconciler plan webhooks/ --since origin/main --policies-at origin/main
  reconciler plan webhooks/ --out plan.json
  reconciler plan . --all-tenants
"""


@click.command("plan", epilog=EPILOG)
@paths_argument
@option(
    "--out",
    metavar="FILE",
    help="Save the plan there, for show and reconcile --plan; mode 0600, no secret values.",
)
@option("--detailed-exitcode", is_flag=True, help="Exit 2 when changes are pending.")
@since_option
@policies_at_option
@all_tenants_option
@shared_options
@output_option(*forms_of("plan"))
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int:
    """Show what reconcile would do. Cannot write."""
    from reconciler.cli.run import plan_file  # noqa: PLC0415  `--help` needs none of it
    from reconciler.cli.run.prepare import prepare  # noqa: PLC0415  likewise
    from reconciler.cli.run.source import Options  # noqa: PLC0415  likewise
    from reconciler.cli.terminal.signals import run  # noqa: PLC0415  likewise

    console, options = console_of(ctx), Options(values)
    if options.all_tenants:
        return _all(ctx, console, options)
    with plan_file.reserved(options.out) as file:
        prepared = prepare(options, "warn")
        made = run(prepared.plan_only(console))
        if file is not None:
            plan_file.write(file, made, prepared)
    show_plan(console, made)
    return _code(made, options)


def _code(made: Plan, options: Options) -> int:
    from reconciler.cli.terminal.ending import Exit  # noqa: PLC0415  as above

    if made.violations:
        return Exit.REFUSED
    return Exit.PENDING if made.pending and options.detailed_exitcode else Exit.DONE


def _all(ctx: click.Context, console: Console, options: Options) -> int:
    """A plan for each tenant."""
    from reconciler.cli.run.prepare import prepare  # noqa: PLC0415  as above
    from reconciler.cli.tenants.all_tenants import Round, turns  # noqa: PLC0415  as above

    async def one(begun: TenantRun, prepared: Prepared) -> TenantRun:
        made = await prepared.plan_only(console)
        if console.output == "text":
            show_plan(console, made)
        return replace(begun, exit_code=_code(made, options), plan=made)

    return Round(
        console, options, turns(ctx, options, lambda mine: prepare(mine, "warn")), one
    ).run()
