"""`reconciler completion`: what a shell needs to complete this command; click's own."""

from __future__ import annotations

from typing import Final

import click

from reconciler.cli.options.output import logging_options
from reconciler.cli.terminal.console import console_of

SHELLS: Final = ("bash", "zsh", "fish")
# the shell asks with it; click looks for it under this name
VARIABLE: Final = "_RECONCILER_COMPLETE"

EPILOG = """\b
Examples:
  eval "$(reconciler completion bash)"
  eval "$(reconciler completion zsh)"
  reconciler completion fish > ~/.config/fish/completions/reconciler.fish
"""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(SHELLS))
@logging_options
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell. bash wants 4.4 or newer."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415  `--help` completes nothing

    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"this version of click completes nothing in {shell}")
    script = kind(ctx.find_root().command, {}, "reconciler", VARIABLE)
    console_of(ctx).data(
        script.source_template % script.source_vars()
    )  # its `source()` starts bash to look at its version
