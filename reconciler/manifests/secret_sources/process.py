"""Runs one program for its output, within a time and a size; its standard error is thrown away.
Called by sops and command.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from time import monotonic

from reconciler.manifests.secret_sources.base import Access, Lost


def run(
    argv: Sequence[str],
    access: Access,
    size: int,
    folder: str | None = None,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """What a program printed, if it exits 0; raises Lost, and Exited for another code.

    It sees the run's environment without what is the program's own and the Tenants' tokens, with
    `env` on top. Whatever it started is ended with it when time or size are over.
    """
    seen = {
        name: text
        for name, text in access.env.items()
        if not name.upper().startswith("RECONCILER_")
    }
    seen = {name: text for name, text in seen.items() if name not in access.withheld} | dict(
        env or {}
    )
    try:
        process = subprocess.Popen(  # noqa: S603  sops, or what --allow-command allows
            argv,
            cwd=folder or None,
            env=seen,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Lost("the program is not installed", "install it, or put it on the PATH") from None
    except (OSError, ValueError) as error:
        raise Lost(
            f"the program cannot be run ({getattr(error, 'strerror', None) or 'not a program'})"
        ) from None
    with process:
        try:
            return _collect(process, access.timeout, size)
        finally:
            _end(process)


class Exited(Lost):
    """The program ended with another exit code than 0."""

    def __init__(self, code: int) -> None:
        super().__init__(
            f"the program ended with exit code {code}", "run it by hand to see what it says"
        )
        self.code = code


def _collect(process: subprocess.Popen[bytes], seconds: float, size: int) -> bytes:
    """All of its output; raises Lost."""
    late = Lost(f"the program did not end within {seconds:g} s", "--timeout gives it longer")
    until, ready, data, part = monotonic() + seconds, select.poll(), b"", b"more"
    output = process.stdout.fileno() if process.stdout is not None else -1
    ready.register(output, select.POLLIN)
    while part:
        if not ready.poll(max(0.0, until - monotonic()) * 1000):
            raise late
        part = os.read(output, size + 1 - len(data))
        data += part
        if len(data) > size:
            raise Lost(f"the program printed over {size // 1024} KiB")
    try:
        code = process.wait(max(0.0, until - monotonic()))
    except subprocess.TimeoutExpired:
        raise late from None
    if code != 0:
        raise Exited(code)
    return data


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the program and what it started in its session; if it was not seen to end, since only
    then its id is still its own.
    """
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
