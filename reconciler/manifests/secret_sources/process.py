"""Runs one program for its output, with a limit of time and size. Its standard error is
discarded.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from time import monotonic

from reconciler.manifests.secret_sources.base import Access, Unresolved


def run(
    argv: Sequence[str],
    access: Access,
    size: int,
    folder: str | None = None,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """The program's output, if it exits 0. Raises Unresolved, and Exited for a different code.

    The program sees the run's environment without this program's own variables and the Tenants'
    tokens, with `env` added. At the limit the program and all that it started are killed.
    """
    variables = {
        name: text
        for name, text in access.env.items()
        if not name.upper().startswith("RECONCILER_")
    }
    variables = {
        name: text for name, text in variables.items() if name not in access.hidden_variables
    } | dict(env or {})
    try:
        process = subprocess.Popen(  # noqa: S603  sops, or what --allow-command allows
            argv,
            cwd=folder or None,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Unresolved(
            "the program is not installed", "install it, or put it on the PATH"
        ) from None
    except (OSError, ValueError) as error:
        raise Unresolved(
            f"the program cannot be run ({getattr(error, 'strerror', None) or 'not a program'})"
        ) from None
    with process:
        try:
            return _collect(process, access.timeout, size)
        finally:
            _end(process)


class Exited(Unresolved):
    """The program ended with an exit code other than 0."""

    def __init__(self, code: int) -> None:
        super().__init__(
            f"the program ended with exit code {code}", "run it by hand to see its message"
        )
        self.code = code


def _collect(process: subprocess.Popen[bytes], seconds: float, size: int) -> bytes:
    """All of its output; raises Unresolved."""
    timeout_error = Unresolved(
        f"the program did not end within {seconds:g} s", "--timeout gives it longer"
    )
    deadline, ready, data, part = monotonic() + seconds, select.poll(), b"", b"more"
    output = process.stdout.fileno() if process.stdout is not None else -1
    ready.register(output, select.POLLIN)
    while part:
        if not ready.poll(max(0.0, deadline - monotonic()) * 1000):
            raise timeout_error
        part = os.read(output, size + 1 - len(data))
        data += part
        if len(data) > size:
            raise Unresolved(f"the program printed over {size // 1024} KiB")
    try:
        code = process.wait(max(0.0, deadline - monotonic()))
    except subprocess.TimeoutExpired:
        raise timeout_error from None
    if code != 0:
        raise Exited(code)
    return data


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills the program and its session, unless its end was seen: only until then its id is its
    own.
    """
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
