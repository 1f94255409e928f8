"""`reconciler adopt`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    adopt_from_option,
    logging_options,
    option,
    output_option,
    tenant_options,
    time_options,
)
from reconciler.cli.run.certificates import ca_file_option
from reconciler.cli.run.moved_from import moved_from_option
from reconciler.cli.terminal.console import Console, console_of
from reconciler.render.forms import forms_of

if TYPE_CHECKING:
    from reconciler.cli.run.prepare import Prepared
    from reconciler.core.export.adopt import Wanted

EPILOG = """\b
Examples:
  reconciler adopt payments-oncall --local
  reconciler adopt --all --manifests webhooks/ --yes
  reconciler adopt --all --adopt-from search
"""


@click.command("adopt", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@option("--all", "everything", is_flag=True, help="Every declared webhook that is nobody's.")
@option(
    "--manifests",
    multiple=True,
    default=(".",),
    metavar="PATH",
    help="Where manifests are; repeatable.  [default: .]",
)
@adopt_from_option
@moved_from_option
@option("--yes", is_flag=True, help="No prompt.")
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
@option("--revision", metavar="TEXT", help="Stored with what is written; CI passes the commit.")
@tenant_options
@ca_file_option
@time_options
@output_option(*forms_of("report"))
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int:
    """Mark webhooks that exist already as ours, by metadata.name or by their name at the tenant. No
    other field changes.
    """
    from reconciler.cli.commands.reconcile import require_terminal  # noqa: PLC0415  likewise
    from reconciler.cli.run.prepare import prepare  # noqa: PLC0415  `--help` needs none of it
    from reconciler.cli.run.source import Options  # noqa: PLC0415  likewise
    from reconciler.cli.terminal.signals import run  # noqa: PLC0415  likewise
    from reconciler.core.export.adopt import Wanted  # noqa: PLC0415  likewise

    names = frozenset(values["names"])
    if bool(names) == bool(values["everything"]):
        raise click.UsageError("give the NAMEs of declared webhooks, or --all", ctx)
    options = Options({**values, "paths": values["manifests"]})
    require_terminal(options, ctx)
    wanted = Wanted(names or None, options.adopt_from)
    return run(_adopt(console_of(ctx), prepare(options, "warn"), wanted))


async def _adopt(console: Console, prepared: Prepared, wanted: Wanted) -> int:
    from reconciler import workflow  # noqa: PLC0415  as above
    from reconciler.cli.run.confirm import confirm_and_carry_out  # noqa: PLC0415  as above
    from reconciler.cli.run.connect import opened  # noqa: PLC0415  as above
    from reconciler.cli.terminal.progress import waiting  # noqa: PLC0415  as above
    from reconciler.render.escape import terminal  # noqa: PLC0415  as above

    options = prepared.options
    async with opened(prepared.target, options, options.parallelism) as provider:
        async with waiting(console, "listing"):
            made = await workflow.adopt(
                prepared.manifests, provider, prepared.policy, wanted, prepared.tenant
            )
        if (
            console.output != "text" or not made.pending
        ):  # else they stand in the plan that is shown
            for warning in made.warnings:
                console.say(f"warning: {terminal(warning)}")
        return await confirm_and_carry_out(console, made, provider, prepared)
