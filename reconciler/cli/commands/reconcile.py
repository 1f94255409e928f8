"""`reconciler reconcile`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.changes import plan_options
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.option import option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.paths import optional_paths_argument
from reconciler.cli.options.tenant import all_tenants_option
from reconciler.cli.options.writing import (
    WriteOptions,
    on_error_option,
    parallelism_option,
    require_terminal,
    yes_option,
)
from reconciler.cli.terminal.console import console_of
from reconciler.core.safety.permissions import Permissions
from reconciler.rendering.forms import list_forms

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


class ReconcileOptions(NamedTuple):
    """The options of `reconcile`."""

    manifests: ManifestOptions = ManifestOptions()
    changes: Permissions = Permissions()
    write: WriteOptions = WriteOptions()
    plan: str | None = None
    all_tenants: bool = False


@click.command("reconcile", epilog=EPILOG)
@optional_paths_argument
@yes_option
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
@parallelism_option("Changes")
@on_error_option
@option(
    "--test-first",
    is_flag=True,
    help="Test each changed endpoint first; what fails is not written.",
)
@all_tenants_option
@plan_options
@output_option(*list_forms("report"))
@logging_options
@pass_options(ReconcileOptions)
def command(ctx: click.Context, options: ReconcileOptions) -> int:
    """Plan, confirm, carry out, report."""
    console, changes, write = console_of(ctx), options.changes, options.write
    manifests = options.manifests.with_policies("read")
    require_terminal(ctx, write.approval)
    if options.plan is None and not manifests.paths:
        raise click.MissingParameter(
            ctx=ctx, param=next(param for param in ctx.command.params if param.name == "paths")
        )
    if options.all_tenants:
        from reconciler.cli.tenants.waves import reconcile_all  # noqa: PLC0415  `--help` needs none of it

        return reconcile_all(ctx, console, manifests, changes, write, options.plan)
    from reconciler.cli.actions import reconcile  # noqa: PLC0415  `--help` needs none of it

    if options.plan is None:
        return reconcile.reconcile_tenant(console, manifests, changes, write)
    return reconcile.reconcile_saved(ctx, console, manifests, changes, write, options.plan)
