"""What a command prints and how: data on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import IO, Any

import click


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, logger, message, and the record's `fields`, if it has any; nothing of
        other arguments.
        """
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps({**line, **getattr(record, "fields", {})}, ensure_ascii=False)


class _TextLines(logging.Formatter):
    """A warning as people read it; further lines, which `-v` asks for, say where they come from."""

    def format(self, record: logging.LogRecord) -> str:
        """`warning: message`, or level, logger and message."""
        level = record.levelname
        if record.levelno >= logging.WARNING:
            return f"{level.lower()}: {record.getMessage()}"
        return f"{level} {record.name}: {record.getMessage()}"


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

    def start_logging(self, handler: logging.Handler | None = None) -> None:
        """Sends this package's log lines to standard error; other packages' never, they may hold
        urls.

        With a `handler` of its own a command is a server: it tells one level more, and with the
        time.
        """
        logger = logging.getLogger("reconciler")
        for old in list(logger.handlers):
            logger.removeHandler(old)
        serves = handler is not None
        handler = handler or logging.StreamHandler(sys.stderr)
        text = (
            logging.Formatter("%(asctime)s %(levelname)s %(message)s") if serves else _TextLines()
        )
        handler.setFormatter(_JsonLines() if self.log_format == "json" else text)
        logger.addHandler(handler)
        logger.propagate = False
        levels = [logging.WARNING, logging.INFO, logging.DEBUG]
        logger.setLevel(logging.ERROR if self.quiet else levels[min(self.verbose + serves, 2)])

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
            self.tell(logging.INFO, text)

    def error(self, text: str) -> None:
        """An error on standard error."""
        self.tell(logging.ERROR, text if self.log_format == "json" else f"error: {text}")

    def tell(self, level: int, text: str) -> None:
        """Text on standard error whatever the options say; with `--log-format json` each of its
        lines is an object too.
        """
        if self.log_format != "json":
            click.echo(text, err=True)
            return
        form = _JsonLines()
        for line in filter(None, text.splitlines()):
            click.echo(
                form.format(logging.LogRecord("reconciler", level, "", 0, line, None, None)),
                err=True,
            )


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
    found = ctx.find_root().obj
    if not isinstance(found, Console):
        found = Console()
        ctx.find_root().obj = found
    return found
