"""`reconciler adopt`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.changes import moved_from_option, revision_option
from reconciler.cli.options.connection import ca_file_option, time_options
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.option import option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.tenant import adopt_from_option, tenant_options
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
  reconciler adopt payments-oncall --local
  reconciler adopt --all --manifests webhooks/ --yes
  reconciler adopt --all --adopt-from search
"""


class AdoptOptions(NamedTuple):
    """The options of `adopt`."""

    manifests: ManifestOptions = ManifestOptions()
    changes: Permissions = Permissions()
    write: WriteOptions = WriteOptions()
    names: tuple[str, ...] = ()
    everything: bool = False
    adopt_from: str | None = None


@click.command("adopt", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@option("--all", "everything", is_flag=True, help="Every declared webhook that is unowned.")
@option(
    "--manifests",
    "paths",
    multiple=True,
    default=(".",),
    metavar="PATH",
    help="Where manifests are; repeatable.  [default: .]",
)
@adopt_from_option
@moved_from_option
@yes_option
@parallelism_option("Changes")
@on_error_option
@revision_option
@tenant_options
@ca_file_option
@time_options
@output_option(*list_forms("report"))
@logging_options
@pass_options(AdoptOptions)
def command(ctx: click.Context, options: AdoptOptions) -> int:
    """Mark webhooks that exist already as ours, by metadata.name or by their name at the tenant. No
    other field changes.
    """
    from reconciler.cli.actions import adopt  # noqa: PLC0415  `--help` needs none of it

    names = frozenset(options.names)
    if bool(names) == options.everything:
        raise click.UsageError("give the NAMEs of declared webhooks, or --all", ctx)
    require_terminal(ctx, options.write.approval)
    return adopt.adopt(
        console_of(ctx),
        options.manifests,
        options.changes,
        options.write,
        names or None,
        options.adopt_from,
    )
