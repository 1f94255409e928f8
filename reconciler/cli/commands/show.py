"""`reconciler show`."""

from __future__ import annotations

import click

from reconciler.cli.options.output import logging_options, output_option
from reconciler.cli.run.show import show_plan
from reconciler.cli.terminal.console import console_of
from reconciler.rendering.forms import list_forms

EPILOG = """\b
Examples:
  reconciler show plan.json
  reconciler show plan.json -o markdown > comment.md
"""


@click.command("show", epilog=EPILOG)
@click.argument("file", metavar="FILE")
@output_option(*list_forms("plan"))
@logging_options
@click.pass_context
def command(ctx: click.Context, file: str) -> None:
    """Show a saved plan as `plan` showed it. Asks no tenant."""
    from reconciler.cli.run import plan_file  # noqa: PLC0415  `--help` needs none of it

    show_plan(console_of(ctx), plan_file.read(file, apply=False).shown)
