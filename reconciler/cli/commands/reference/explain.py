"""`reconciler explain`."""

from __future__ import annotations

import click

from reconciler.cli.options.output import logging_options
from reconciler.cli.terminal.console import console_of

EPILOG = """\b
Examples:
  reconciler explain
  reconciler explain Webhook
  reconciler explain Webhook.spec.auth
  reconciler explain tenant.limits.deletes
"""


@click.command("explain", epilog=EPILOG)
@click.argument("field", metavar="[KIND[.FIELD]]", default="")
@logging_options
@click.pass_context
def command(ctx: click.Context, field: str) -> None:
    """Say what a field of a manifest means, what it may hold and what stands below it. `spec.` may
    be left out.
    """
    from reconciler.manifests.schemas.fields import explain_field, list_kinds  # noqa: PLC0415  `--help` reads no schema
    from reconciler.rendering.commands.explain import field_text, kinds_text  # noqa: PLC0415  `--help` reads no schema

    if not field:
        console_of(ctx).data(kinds_text(list_kinds()))
        return
    explained = explain_field(field)
    console_of(ctx).data(field_text(explained, explained.fields))
