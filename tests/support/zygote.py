"""The process that tests fork `reconciler` processes from: it imports the program once, then a
start costs a few milliseconds.

Run as `python -m tests.support.zygote FD`. `forked.py` sends requests to that socket, with the
three standard files of the new process. The zygote forks a process that forks the new one and ends
at once: Linux then makes the new process a child of the test's process, which waits for it as for
any other.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import struct
import sys
import threading

import coverage
import coverage.control

import reconciler

SIZE = struct.Struct("I")


def preload() -> None:
    """Imports what commands import, traced if the tests are, so that the lines of definitions count
    as run.
    """
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # as reconciler.__main__ does
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    tracer = coverage.Coverage.current()
    if tracer is not None:
        tracer.stop()
        tracer.save()
        atexit.unregister(tracer._atexit)
    gc.collect()
    gc.freeze()


def receive(channel: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += channel.recv(size - len(found))
    return found


def serve(channel: socket.socket) -> tuple[dict[str, object], list[int]]:
    """Returns once per fork, in the new process, with what was asked for; ends the zygote when the
    test's process has ended.
    """
    while True:
        head, files, _flags, _address = socket.recv_fds(channel, SIZE.size, 3)
        if not head:
            sys.exit()
        asked = json.loads(receive(channel, SIZE.unpack(head)[0]))
        between = os.fork()
        if between == 0:
            process = os.fork()
            if process == 0:
                return asked, files
            channel.sendall(SIZE.pack(process))
            os._exit(0)
        os.waitpid(between, 0)
        channel.sendall(b"\0")  # from now on that process is the test's
        for file in files:
            os.close(file)


def become(asked: dict[str, object], files: list[int], channel: socket.socket) -> None:
    """Makes this process what an interpreter that was just started for `python -m reconciler`
    is.
    """
    channel.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old: io.TextIOWrapper = getattr(sys, name)
        mode = "r" if number == 0 else "w"
        new = open(  # noqa: SIM115  it lives as long as the process
            number,
            mode,
            encoding=old.encoding,
            errors=old.errors,
            closefd=False,
            buffering=1 if number == 2 else -1,
        )
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(str(asked["cwd"]))
    sys.path[0] = str(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])  # type: ignore[call-overload]
    sys.argv[1:] = asked["arguments"]  # type: ignore[call-overload]
    coverage.control.process_startup(force=True)


def end(code: object) -> None:
    """Ends as the interpreter does, but without taking a thousand modules apart, which takes longer
    than most commands.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    preload()
    line = socket.socket(fileno=int(sys.argv[1]))
    become(*serve(line), line)
    try:
        runpy.run_module("reconciler", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        end(ended.code)
