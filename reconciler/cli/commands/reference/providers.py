"""`reconciler providers`."""

from __future__ import annotations

import click

from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.terminal.console import console_of

EPILOG = """\b
Examples:
  reconciler providers
  reconciler providers tenant
  reconciler providers -o json
"""


@click.command("providers", epilog=EPILOG)
@click.argument("name", metavar="[NAME]", default="")
@output_option("text", "json")
@logging_options
@click.pass_context
def command(ctx: click.Context, /, name: str, **_: object) -> None:
    """List the providers that are installed, and what the webhooks of each can hold.

    A Tenant names one in `spec.provider`. A package adds one by an entry point in the group
    reconciler.providers.
    """
    from reconciler.cli.actions.providers import list_capabilities  # noqa: PLC0415  `--help` imports no provider
    from reconciler.rendering.providers import providers_json, providers_text  # noqa: PLC0415  `--help` renders nothing

    console, providers = console_of(ctx), list_capabilities(name)
    if console.output == "json":
        console.data(providers_json(providers))
    else:
        console.data(providers_text(providers, details=bool(name)))
