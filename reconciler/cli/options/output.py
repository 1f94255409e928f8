"""What a command prints, and in which form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from reconciler.cli.options.option import Decorator, option, together
from reconciler.cli.terminal.console import console_of


def _set_verbose(ctx: click.Context, _param: click.Parameter, value: int) -> None:
    console = console_of(ctx)
    console.verbose = max(console.verbose, value)
    console.start_logging()


def _set(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        console = console_of(ctx)
        if value:
            setattr(console, name, value)
            console.start_logging()
        return value

    return callback


logging_options: Decorator[Any] = together(
    option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_set("quiet"),
        help="Only errors on standard error.",
    ),
    option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_set_verbose,
        help="More on standard error; -vv: requests.",
    ),
    option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        expose_value=False,
        callback=_set("log_format"),
        help="Form of the log lines on standard error.  [default: text]",
    ),
    option(
        "--no-color",
        is_flag=True,
        expose_value=False,
        callback=_set("no_color"),
        help="No colour (also NO_COLOR, TERM=dumb).",
    ),
)


def output_option(*formats: str) -> Decorator[Any]:
    """`-o`; read before the others, so that a usage error comes in the form that was asked for."""
    return option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default="text",
        is_eager=True,
        expose_value=False,
        callback=_set("output"),
        help="Form of the output.",
        show_default=True,
    )
