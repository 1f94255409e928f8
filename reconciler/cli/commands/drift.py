"""`reconciler drift`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.changes import moved_from_option, prune_option
from reconciler.cli.options.connection import ca_file_option, network_options, time_options
from reconciler.cli.options.manifests import ManifestOptions, secret_options, since_option
from reconciler.cli.options.option import Number, option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.paths import paths_argument
from reconciler.cli.options.selection import exclude_option, narrow_options
from reconciler.cli.options.tenant import all_tenants_option, tenant_options
from reconciler.cli.terminal.console import console_of
from reconciler.core.safety.permissions import Permissions
from reconciler.rendering.forms import list_forms

EPILOG = """\b
Examples:
  reconciler drift webhooks/
  reconciler drift webhooks/ --since "$APPLIED_COMMIT" -o markdown
  reconciler drift webhooks/ --watch 300
  reconciler drift . --all-tenants -o markdown

Exits 7 when the tenant moved; what only Git moved since REV is listed as pending and is no drift.
"""


class DriftOptions(NamedTuple):
    """The options of `drift`."""

    manifests: ManifestOptions = ManifestOptions()
    changes: Permissions = Permissions()
    watch: float | None = None
    all_tenants: bool = False


@click.command("drift", epilog=EPILOG)
@paths_argument
@since_option
@option(
    "--watch",
    type=Number(min=0, min_open=True),
    metavar="SECONDS",
    help="Keep looking and print only news; ends with Ctrl-C (130) or --deadline.",
)
@all_tenants_option
@tenant_options
@ca_file_option
@prune_option
@narrow_options
@exclude_option
@moved_from_option
@time_options
@network_options
@secret_options
@output_option(*list_forms("drift"))
@logging_options
@pass_options(DriftOptions)
def command(ctx: click.Context, options: DriftOptions) -> int:
    """Compare the tenant with the manifests: what was changed there by hand. Cannot write."""
    console, manifests, changes = console_of(ctx), options.manifests, options.changes
    if options.all_tenants:
        from reconciler.cli.tenants.drift import look_at_all  # noqa: PLC0415  `--help` needs none of it

        return look_at_all(ctx, console, manifests, changes, options.watch)
    from reconciler.cli.actions import drift  # noqa: PLC0415  `--help` needs none of it

    if options.watch is None:
        return drift.look_once(console, manifests, changes)
    if "-" in manifests.paths:
        raise click.UsageError(
            "--watch reads the manifests again each time, which standard input (-) cannot be", ctx
        )
    return drift.watch(console, manifests, changes, options.watch)
