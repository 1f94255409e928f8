"""What a command prints and how: data on standard output, everything else on standard error."""

from __future__ import annotations

import io
import os
import sys
from typing import IO, Any

import click


class OutputLost(Exception):
    """Standard output cannot be written: a pipe that was closed, a full disk."""


class Console:
    """The two streams and what the options say about them; one for each process."""

    def __init__(self) -> None:
        """Before any option is read: text, no extra logging."""
        self.output = "text"
        self.verbose = 0
        self.quiet = False
        self.no_color = bool(os.environ.get("NO_COLOR"))
        self.force_color = os.environ.get("FORCE_COLOR", "").lower() not in {"", "0", "false"}
        self.log_format = "text"
        self.wrote = False
        if isinstance(sys.stdout, io.TextIOWrapper):  # data is UTF-8 whatever the locale says
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")

    @property
    def color(self) -> bool:
        """Whether text on standard output is coloured: NO_COLOR and --no-color win, then
        FORCE_COLOR, then a terminal decides.
        """
        wanted = self.force_color or can_draw(sys.stdout)
        return self.output == "text" and not self.no_color and wanted

    def data(self, text: str) -> None:
        """A document on standard output; raises OutputLost."""
        try:
            click.echo(
                text.removesuffix("\n"), color=self.color or None
            )  # None: click itself takes colours out of a pipe
        except OSError as error:
            raise OutputLost(os.strerror(error.errno or 0)) from None
        self.wrote = True

    def say(self, text: str) -> None:
        """A remark on standard error, unless `--quiet`."""
        if not self.quiet:
            self.log("INFO", text)

    def error(self, text: str) -> None:
        """An error on standard error."""
        self.log("ERROR", text if self.log_format == "json" else f"error: {text}")

    def log(self, level: str, text: str) -> None:
        """Text on standard error, with `--quiet` too; with `--log-format json` each of its lines is
        an object too.
        """
        if self.log_format == "json":
            from reconciler.cli.terminal.logs import json_lines  # noqa: PLC0415  logging costs 5 ms, text needs none of it

            for line in json_lines(level, text):
                click.echo(line, err=True)
        else:
            click.echo(text, err=True)


def is_terminal(stream: IO[Any] | None) -> bool:
    """Whether a stream is there, open and a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def can_draw(stream: IO[Any] | None) -> bool:
    """Whether a stream is a terminal with colours and a cursor that moves; TERM=dumb says that it
    has neither.
    """
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def console_of(ctx: click.Context) -> Console:
    """The console of this process; a new one where a command is called by itself."""
    console = ctx.find_root().obj
    if not isinstance(console, Console):
        console = Console()
        ctx.find_root().obj = console
    return console
