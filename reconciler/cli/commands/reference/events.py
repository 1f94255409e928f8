"""`reconciler events`."""

from __future__ import annotations

from typing import NamedTuple

import click

from reconciler.cli.options.connection import ca_file_option, time_options
from reconciler.cli.options.manifests import ManifestOptions, secret_options
from reconciler.cli.options.option import option
from reconciler.cli.options.option_values import pass_options
from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.options.paths import optional_paths_argument
from reconciler.cli.options.tenant import tenant_options
from reconciler.cli.terminal.console import console_of

EPILOG = """\b
Examples:
  reconciler events
  reconciler events webhooks/
  reconciler events . --live
  reconciler events . --no-live
  reconciler events . -o json
  reconciler events . --catalog asyncapi.yaml
  reconciler events -o asyncapi > asyncapi.json
"""


class EventsOptions(NamedTuple):
    """The options of `events`."""

    manifests: ManifestOptions = ManifestOptions()
    live: bool | None = None
    catalog: str | None = None


@click.command("events", epilog=EPILOG)
@optional_paths_argument
@option(
    "--live/--no-live",
    default=None,
    help="Ask the tenants too, since a webhook that is switched off there receives nothing. "
    "Default: where the token is there.",
)
@option(
    "--catalog",
    metavar="FILE",
    default=None,
    help="Events of an AsyncAPI 3 document, or of the webhooks of OpenAPI 3.1, instead of the "
    "built-in ones or those of the Tenant's spec.catalog.",
)
@tenant_options
@time_options
@ca_file_option
@secret_options
@output_option("text", "json", "asyncapi")
@logging_options
@pass_options(EventsOptions)
def command(ctx: click.Context, options: EventsOptions) -> None:
    """Show the catalogue of events; with PATHs, the receivers of each event, the events without a
    receiver, and those that are sent twice to one url.
    """
    from reconciler.cli.actions import events  # noqa: PLC0415  `--help` needs none of it

    if options.live and not options.manifests.paths:
        raise click.UsageError("--live compares the tenants with manifests: name PATHs", ctx)
    if options.manifests.paths and console_of(ctx).output == "asyncapi":
        raise click.UsageError("-o asyncapi writes the catalogue alone: leave out PATHs", ctx)
    events.show_events(
        console_of(ctx), options.manifests, live=options.live, catalog=options.catalog
    )
