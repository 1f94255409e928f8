"""Processes of the command, forked from a warm interpreter instead of started: starts are most of
what tests wait for.

They are real processes with their own files, folder, environment, signals and exit code. If the
system is not Linux, or the environment changes how Python starts, a process is started as usual.
Tests about starting (times, imports, installation) start their own processes.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.support.zygote import SIZE, receive

ROOT = Path(__file__).parents[2]
PR_SET_CHILD_SUBREAPER = 36
_LOCK = threading.Lock()


@functools.cache
def _zygote() -> socket.socket:
    """The socket of the zygote of this pytest process: started at the first use, ended with pytest,
    when the socket is closed.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "tests.support.zygote", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
    theirs.close()
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


def can_fork(env: dict[str, str]) -> bool:
    """True if a fork of the zygote behaves as a process that is started with this environment."""
    same_modules = env.get("PYTHONPATH") == str(ROOT)
    return (
        sys.platform == "linux" and same_modules and _start_of(env) == _start_of(dict(os.environ))
    )


def _start_of(env: dict[str, str]) -> dict[str, str]:
    """The variables that an interpreter reads when it starts."""
    return {
        n: v
        for n, v in env.items()
        if n.startswith(("PYTHON", "LANG", "LC_")) and n != "PYTHONPATH"
    }


class Forked(subprocess.Popen[str]):
    """`Popen` for `python -m reconciler`; it gets the arguments after that."""

    def _execute_child(self, args: Any, *rest: Any) -> None:
        # The order of the arguments is that of CPython 3.11 to 3.14.
        _executable, _preexec, _close, _pass, cwd, env, _info, _flags, _shell, *pipes = rest
        standard = [
            file if file != -1 else number
            for number, file in enumerate((pipes[0], pipes[3], pipes[5]))
        ]
        asked = json.dumps(
            {"arguments": list(args), "cwd": str(Path(cwd).absolute()), "env": env}
        ).encode()
        with _LOCK:
            line = _zygote()
            socket.send_fds(line, [SIZE.pack(len(asked))], standard)
            line.sendall(asked)
            (self.pid,) = SIZE.unpack(receive(line, SIZE.size))
            receive(line, 1)
        self._child_created = True
        self._close_pipe_fds(*pipes[:6])  # type: ignore[attr-defined]  # what the overridden method does at its end
