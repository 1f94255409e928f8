"""`reconciler plan`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.changes import plan_options
from reconciler.cli.options.manifests import ManifestOptions, policies_at_option, since_option
from reconciler.cli.options.option import option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.paths import paths_argument
from reconciler.cli.options.tenant import all_tenants_option
from reconciler.cli.terminal.console import console_of
from reconciler.core.safety.permissions import Permissions
from reconciler.rendering.forms import list_forms

EPILOG = """\b
Examples:
  reconciler plan webhooks/ --local
  reconciler plan . --tenant production -o markdown > comment.md
  reconciler plan webhooks/ --detailed-exitcode
  reconciler plan webhooks/ --since origin/main --policies-at origin/main
  reconciler plan webhooks/ --out plan.json
  reconciler plan . --all-tenants
"""


class PlanOptions(NamedTuple):
    """The options of `plan`."""

    manifests: ManifestOptions = ManifestOptions()
    changes: Permissions = Permissions()
    out: str | None = None
    detailed_exitcode: bool = False
    all_tenants: bool = False


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
@plan_options
@output_option(*list_forms("plan"))
@logging_options
@pass_options(PlanOptions)
def command(ctx: click.Context, options: PlanOptions) -> int:
    """Show what reconcile would do. Cannot write."""
    console, changes, detailed = console_of(ctx), options.changes, options.detailed_exitcode
    manifests = options.manifests.with_policies("read")
    if options.all_tenants:
        from reconciler.cli.tenants.plan import plan_all  # noqa: PLC0415  `--help` needs none of it

        return plan_all(ctx, console, manifests, changes, options.out, detailed=detailed)
    from reconciler.cli.actions import plan  # noqa: PLC0415  `--help` needs none of it

    result = plan.plan_tenant(console, manifests, changes, options.out)
    return plan.exit_code(result, detailed=detailed)
