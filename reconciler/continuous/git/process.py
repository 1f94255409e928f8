"""Runs git, or a program like it, to its end. A call that takes too long is killed with all that it
started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final

from reconciler.core.errors import GitFailed

_MESSAGE_SIZE: Final = 64 * 1024  # bytes of standard error; a server can send any number
_GRACE: Final = 2.0  # seconds between asking git to end and killing it


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended, and what it printed."""

    code: int
    output: bytes
    errors: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the arguments without the program, and the environment."""

    arguments: Sequence[str]
    env: Mapping[str, str]
    given: bytes = b""
    timeout: float | None = None  # seconds; None for a call that waits for no other machine
    program: str = "git"


def run_program(call: Call) -> Finished:
    """Raises TimeoutError, and GitFailed if the program cannot be run.

    The outputs are files in memory. A full disk must not lose the message that says so, and a
    helper that stays in the background, as a connection that ssh shares, would keep a pipe open.
    """
    with _open_scratch() as given, _open_scratch() as output, _open_scratch() as errors:
        given.write(call.given)
        given.seek(0)
        code = _wait(call, given, output, errors)
        output.seek(0)
        errors.seek(0)
        message = errors.read(_MESSAGE_SIZE).decode(errors="replace")
        return Finished(code, output.read(), message)


def _open_scratch() -> IO[bytes]:
    """A file in memory, or without a name in the folder for temporary files."""
    make_memory_file = getattr(os, "memfd_create", None)
    if make_memory_file is None:  # not Linux
        return tempfile.TemporaryFile()
    return os.fdopen(make_memory_file("git"), "w+b")


def _wait(call: Call, given: IO[bytes], output: IO[bytes], errors: IO[bytes]) -> int:
    """The exit code; raises TimeoutError."""
    try:
        process = subprocess.Popen(  # noqa: S603  git or gpg
            [call.program, *call.arguments],
            stdin=given,
            stdout=output,
            stderr=errors,
            env=call.env,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise GitFailed(f"{call.program} is not installed, and the agent needs it") from None
    except OSError as error:
        raise GitFailed(f"{call.program} cannot be run: {error.strerror}") from None
    try:
        return process.wait(call.timeout)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    finally:
        if process.returncode is None:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends git and all that it started; git deletes its lock files if it has a moment for it."""
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with suppress(ProcessLookupError, PermissionError):  # a zombie group is not permitted on macOS
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
