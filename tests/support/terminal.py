"""A command on a pseudo-terminal, as a person would run it: what he sees, and what he types where
he sees something.
"""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from tests.support.processes import COMMAND, Ended, environment


def at_terminal(
    *arguments: str,
    cwd: Path,
    typed: tuple[tuple[str, bytes], ...] = (),
    seconds: float = 60,
    **env: str,
) -> Ended:
    """Runs it to its end, typing each text once the words before it are on the screen; `out` is the
    whole screen.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _LEADER, *COMMAND[1:], *arguments],
        cwd=cwd,
        env={**environment(), "TERM": "xterm", "COLUMNS": "100", **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen, waiting, end = b"", list(typed), time.monotonic() + seconds
    try:
        while (part := _read(ours, end)) is not None:
            screen += part
            if waiting and waiting[0][0].encode() in screen:
                os.write(ours, waiting.pop(0)[1])
        code = process.wait(timeout=10)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
    return Ended(code, screen.decode().replace("\r\n", "\n"), "")


# Makes the pseudo-terminal the controlling one, so that Ctrl-C becomes a signal, then turns into
# the command.
_LEADER = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def _read(terminal: int, end: float) -> bytes | None:
    """What was written next; None at the end of the process or of the time."""
    left = end - time.monotonic()
    if left <= 0 or not select.select([terminal], [], [], left)[0]:
        return None
    try:
        return os.read(terminal, 65536) or None
    except OSError:  # the other side is closed
        return None
