"""The one error handler: every ending of a command becomes a message and one of the exit codes in
README.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import click

from reconciler.cli.terminal.console import Console, OutputLost
from reconciler.core.errors import InvalidManifests, ReconcilerError


class Exit(IntEnum):
    """Every exit code of the command line."""

    DONE = 0
    ERROR = 1
    PENDING = 2
    UNAUTHORIZED = 3
    PARTIAL = 4
    STALE = 5
    REFUSED = 6
    DRIFT = 7
    FAILED_TEST = 8
    USAGE = 64
    DEFECT = 70
    INTERRUPTED = 130


# From the least bad to the worst, for a run over several tenants: what was found, what was refused
# before anything was written, what could not be done, what was done in part, and what is
# unknown.
BADNESS: Final = (
    Exit.DONE,
    Exit.PENDING,
    Exit.DRIFT,
    Exit.REFUSED,
    Exit.STALE,
    Exit.FAILED_TEST,
    Exit.UNAUTHORIZED,
    Exit.ERROR,
    Exit.USAGE,
    Exit.PARTIAL,
    Exit.DEFECT,
    Exit.INTERRUPTED,
)

_BY_KIND: Final = {
    "unauthorized": Exit.UNAUTHORIZED,
    "stale-plan": Exit.STALE,
    "plan-refused": Exit.REFUSED,
    "usage": Exit.USAGE,
}


def code_of(error: ReconcilerError) -> Exit:
    """What a command ends with for an error that this program raised on purpose."""
    return _BY_KIND.get(error.kind, Exit.ERROR)


def worst(codes: Iterable[int]) -> int:
    """The exit code of several runs."""
    return max((Exit(code) for code in codes), key=BADNESS.index, default=Exit.DONE)


def guarded(call: Callable[[], Any], console: Console) -> int:
    """Runs `call` and returns the exit code, whatever happens; a bug prints its traceback and is
    70.
    """
    if (
        sys.stdout is None
    ):  # started with a closed standard output: nothing could be reported, so nothing is done
        console.error("standard output is closed; nothing was done")
        return Exit.ERROR
    try:
        code = _caught(call, console)
        sys.stdout.flush()
    except OutputLost as lost:
        return _lost_output(console, str(lost))
    except OSError as error:
        return _lost_output(console, os.strerror(error.errno or 0))
    return code


def _lost_output(console: Console, why: str) -> int:
    console.error(f"standard output cannot be written: {why}")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(
        null, sys.stdout.fileno()
    )  # so that the interpreter's own flush at exit does not fail again
    os.close(null)
    return Exit.ERROR


def _caught(call: Callable[[], Any], console: Console) -> int:  # noqa: PLR0911  one line for each ending
    try:
        code = call()
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.UsageError as error:
        return _usage(error, console)
    except click.ClickException as error:
        return _end(console, "error", error.format_message(), Exit.ERROR)
    except (click.Abort, KeyboardInterrupt):
        return _end(console, "interrupted", "interrupted", Exit.INTERRUPTED)
    except InvalidManifests as error:
        _problems(error, console)
        return Exit.ERROR
    except ReconcilerError as error:
        return _end(console, error.kind, str(error), code_of(error))
    except OutputLost:
        raise
    except OSError as error:
        return _end(console, "system", _system(error), Exit.ERROR)
    except Exception:  # noqa: BLE001  a defect: the traceback is for us, the exit code for the pipeline
        import traceback  # noqa: PLC0415  only for a defect

        console.log("ERROR", traceback.format_exc().rstrip())
        return _end(
            console,
            "defect",
            "a defect in the program; please report the traceback above",
            Exit.DEFECT,
        )
    return code if isinstance(code, int) else Exit.DONE


def _system(error: OSError) -> str:
    """What the operating system refused, in words."""
    try:
        Path.cwd()
    except OSError:
        return "the current folder is gone"
    place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{place}{error.strerror or 'refused by the system'}"


def _usage(error: click.UsageError, console: Console) -> int:
    bare = isinstance(error, click.exceptions.NoArgsIsHelpError)  # its message is the whole help
    if error.ctx is not None:
        usage = (
            error.ctx.get_help()
            if bare
            else f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help'."
        )
        console.log("ERROR", usage)
    message = "a command is missing" if bare else " ".join(error.format_message().split())
    return _end(console, "usage", message, Exit.USAGE)


def _end(console: Console, kind: str, message: str, code: Exit) -> int:
    from reconciler.rendering.escape import terminal  # noqa: PLC0415  only on an error

    console.error(terminal(message))
    if console.output == "json" and not console.wrote:
        from reconciler.rendering import document  # noqa: PLC0415  only on an error

        console.data(document.to_json(document.error_document(kind, message, int(code))))
    return code


def _problems(error: InvalidManifests, console: Console) -> None:
    """A document on standard output where one was asked for; for the log, unless that shows it
    anyway, text on standard error.
    """
    from reconciler.cli.terminal.problems import DOCUMENTS, SPEAKING, rendered  # noqa: PLC0415  only on an error

    arguments = (error.problems, error.documents, error.skipped)
    if console.output in DOCUMENTS:
        console.data(rendered(console.output, *arguments))
    if console.output not in SPEAKING:
        console.log("ERROR", rendered("text", *arguments).removesuffix("\n"))
