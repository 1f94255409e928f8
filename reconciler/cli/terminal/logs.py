"""Log lines of this package on standard error, as text or JSON. Only a command that opens a tenant
writes any, so that the others need not import logging.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from reconciler.cli.terminal.console import Console, console_of


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


def start_logging(console: Console, handler: logging.Handler | None = None) -> None:
    """Sends this package's log lines to standard error; other packages' never, they may hold urls.

    A command with a `handler` of its own is a server: it logs one level more, and with the time.
    """
    logger = logging.getLogger("reconciler")
    for old in list(logger.handlers):
        logger.removeHandler(old)
    serves = handler is not None
    handler = handler or logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s") if serves else _TextLines()
    handler.setFormatter(_JsonLines() if console.log_format == "json" else text)
    logger.addHandler(handler)
    logger.propagate = False
    levels = [logging.WARNING, logging.INFO, logging.DEBUG]
    logger.setLevel(logging.ERROR if console.quiet else levels[min(console.verbose + serves, 2)])


def start_logging_of_command() -> None:
    """The same for the command that runs now; nothing where none does."""
    context = click.get_current_context(silent=True)
    if context is not None:
        start_logging(console_of(context))


def json_lines(level: str, text: str) -> Iterator[str]:
    """Each line of a text as the JSON object of a log line of that level."""
    form, number = _JsonLines(), logging.getLevelNamesMapping()[level]
    for line in filter(None, text.splitlines()):
        yield form.format(logging.LogRecord("reconciler", number, "", 0, line, None, None))
