"""`reconciler plan`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.certificates import ca_file_option
from reconciler.cli.console import Console, console_of
from reconciler.cli.moved_from import moved_from_option
from reconciler.cli.options import (
    Decorator,
    all_tenants_option,
    logging_options,
    narrow_options,
    network_options,
    option,
    output_option,
    paths_argument,
    policies_at_option,
    policies_option,
    policy_options,
    secret_options,
    since_option,
    tenant_options,
    time_options,
    together,
)

if TYPE_CHECKING:
    from reconciler.cli.prepare import Prepared
    from reconciler.cli.source import Options
    from reconciler.core.plan import Plan
    from reconciler.core.runs import TenantRun

EPILOG = """\b
Examples:
  reconciler plan webhooks/ --local
  reconciler plan . --tenant production -o markdown > comment.md
  reconciler plan webhooks/ --detailed-exitcode
  reconciler plan webhooks/ --since origin/main --policies-at origin/main
  reconciler plan webhooks/ --out plan.json
  reconciler plan . --all-tenants
"""

shared_options: Decorator[Any] = together(
    tenant_options,
    ca_file_option,
    policies_option,
    policy_options,
    moved_from_option,
    narrow_options,
    time_options,
    network_options,
    secret_options,
)


@click.command("plan", epilog=EPILOG)
@paths_argument
@option("--out", metavar="FILE", help="Save the plan there, for show and reconcile --plan; mode 0600, no secret values.")
@option("--detailed-exitcode", is_flag=True, help="Exit 2 when changes are pending.")
@since_option
@policies_at_option
@all_tenants_option
@shared_options
@output_option("text", "json", "markdown")
@logging_options
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> int:
    """Show what reconcile would do. Cannot write."""
    from reconciler.cli import plan_file  # noqa: PLC0415  `--help` needs none of it
    from reconciler.cli.prepare import prepare  # noqa: PLC0415  likewise
    from reconciler.cli.signals import run  # noqa: PLC0415  likewise
    from reconciler.cli.source import Options  # noqa: PLC0415  likewise

    console, options = console_of(ctx), Options(values)
    if options.all_tenants:
        return _all(ctx, console, options)
    with plan_file.reserved(options.out) as file:
        prepared = prepare(options, "warn")
        made = run(prepared.plan_only(console))
        if file is not None:
            plan_file.write(file, made, prepared.policy)
    show(console, made)
    return _code(made, options)


def _code(made: Plan, options: Options) -> int:
    from reconciler.cli.ending import Exit  # noqa: PLC0415  as above

    if made.violations:
        return Exit.REFUSED
    return Exit.PENDING if made.pending and options.detailed_exitcode else Exit.DONE


def _all(ctx: click.Context, console: Console, options: Options) -> int:
    """A plan for each tenant."""
    from reconciler.cli.all_tenants import Round, turns  # noqa: PLC0415  as above
    from reconciler.cli.prepare import prepare  # noqa: PLC0415  as above

    async def one(begun: TenantRun, prepared: Prepared) -> TenantRun:
        made = await prepared.plan_only(console)
        if console.output == "text":
            show(console, made)
        return replace(begun, exit_code=_code(made, options), plan=made)

    return Round(console, options, turns(ctx, options, lambda mine: prepare(mine, "warn")), one).run()


def show(console: Console, made: Any) -> None:
    """A plan in the form that was asked for."""
    if console.output == "json":
        from reconciler.render import document  # noqa: PLC0415  one form a run

        console.data(document.to_json(document.plan_document(made)))
    elif console.output == "markdown":
        from reconciler.render import markdown  # noqa: PLC0415  one form a run

        console.data(markdown.plan_markdown(made))
    else:
        from reconciler.render import text  # noqa: PLC0415  one form a run

        console.data(text.plan_text(made, color=console.color))
