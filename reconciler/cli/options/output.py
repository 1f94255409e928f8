"""What a command prints, and in which form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.cli.options.option import Decorator, option, together
from reconciler.cli.terminal.console import Console, console_of

T = TypeVar("T")


def _set_verbose(ctx: click.Context, _param: click.Parameter, value: int) -> None:
    console = console_of(ctx)
    console.verbose = max(console.verbose, value)


def _setter(
    apply: Callable[[Console, T], None],
) -> Callable[[click.Context, click.Parameter, T], T]:
    """A callback that applies a value to the console, if one was given."""

    def callback(ctx: click.Context, _param: click.Parameter, value: T) -> T:
        console = console_of(ctx)
        if value:
            apply(console, value)
        return value

    return callback


def _set_quiet(console: Console, value: bool) -> None:
    console.quiet = value


def _set_no_color(console: Console, value: bool) -> None:
    console.no_color = value


def _set_log_format(console: Console, value: str) -> None:
    console.log_format = value


def _set_output(console: Console, value: str) -> None:
    console.output = value


logging_options: Decorator[Any] = together(
    option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_setter(_set_quiet),
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
        callback=_setter(_set_log_format),
        help="Form of the log lines on standard error.  [default: text]",
    ),
    option(
        "--no-color",
        is_flag=True,
        expose_value=False,
        callback=_setter(_set_no_color),
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
        callback=_setter(_set_output),
        help="Form of the output.",
        show_default=True,
    )
