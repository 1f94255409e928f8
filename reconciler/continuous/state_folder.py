"""What the agent keeps between two runs: a folder with a lock and the last applied revision per
Tenant.

The revisions only label changes and bound the history that is verified. All other state is in Git
and at the tenants.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, Final

from reconciler.core.errors import ReconcilerError

FORMAT: Final = "reconciler.agent-state/v1"
_LOCK: Final = "lock"
_APPLIED: Final = "applied.json"
_TEMPORARY: Final = ".applied."
_SIZE: Final = 64 * 1024 * 1024  # bytes; 100,000 Tenants are about 10 MiB
_AFTERWARDS: Final = (
    "Until the next apply of a Tenant, changes are labelled pending instead of drift, and only the "
    "newest commit is verified"
)


class StateFolderFailed(ReconcilerError):
    """The state folder cannot be used: another process holds it, it cannot be written, or a file in
    it is damaged.
    """

    kind: ClassVar[str] = "state"


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The folder of `--state`. One process holds it at a time; its threads may share the value."""

    path: Path
    _writing: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Makes the folder and holds it. The system releases it if this process dies.

        Raises StateFolderFailed with the id of the process that holds it.
        """
        handle = self._open_lock()
        try:
            self._take(handle)
            try:
                self._remove_leftovers()
                yield
            finally:
                os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def read_applied(self) -> dict[str, str]:
        """The last applied revision per Tenant; empty at the first start. Raises
        StateFolderFailed.
        """
        path = self.path / _APPLIED
        try:
            with path.open("rb") as file:
                data = file.read(_SIZE)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StateFolderFailed(f"{path}: cannot be read: {error.strerror}") from None
        try:
            return _decode(data)
        except ValueError as error:
            raise StateFolderFailed(
                f"{path}: {error}. To go on, delete it. {_AFTERWARDS}"
            ) from None

    def write_applied(self, tenant: str, revision: str) -> None:
        """Notes the last applied revision of a Tenant, on the disk when this returns.

        Raises StateFolderFailed. The old content is intact then.
        """
        with self._writing:
            applied = self.read_applied()
            if applied.get(tenant) == revision:
                return
            body = {"format": FORMAT, "applied": {**applied, tenant: revision}}
            data = json.dumps(body, indent=2, sort_keys=True).encode() + b"\n"
            try:
                _replace(self.path / _APPLIED, data)
            except OSError as error:
                raise StateFolderFailed(
                    f"{self.path / _APPLIED}: cannot be written: {error.strerror}. The file has "
                    "its old content"
                ) from None

    def _open_lock(self) -> int:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(
                self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            raise StateFolderFailed(
                f"{self.path}: cannot be used as the state folder: {error.strerror}"
            ) from None

    def _take(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateFolderFailed(
                f"{self.path}: is in use by {_show_holder(handle)}. One agent runs per state "
                "folder: stop that process, or pass another folder"
            ) from None
        except OSError as error:
            raise StateFolderFailed(
                f"{self.path}: cannot be locked: {error.strerror}. The file system must support "
                "flock"
            ) from None
        try:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n{socket.gethostname()}\n".encode(), 0)
        except OSError as error:
            raise StateFolderFailed(
                f"{self.path / _LOCK}: cannot be written: {error.strerror}"
            ) from None

    def _remove_leftovers(self) -> None:
        """What a process that was killed had begun to write."""
        for path in self.path.glob(f"{_TEMPORARY}*"):
            path.unlink(missing_ok=True)


def _show_holder(handle: int) -> str:
    """The process in the lock file, with its host if that differs: a volume may be shared."""
    pid, _, host = os.pread(handle, 1024, 0).decode(errors="replace").strip().partition("\n")
    if not pid.isdecimal():  # it took the lock a moment ago
        return "another process"
    return f"process {pid}" if host == socket.gethostname() else f"process {pid} on host {host}"


def _decode(data: bytes) -> dict[str, str]:
    """The revisions in the bytes of the file; raises ValueError with what is wrong."""
    try:
        body: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("is damaged: it is not JSON, or was cut short") from None
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ValueError(f"is damaged, or from another version: its format is not {FORMAT}")
    applied = body.get("applied")
    if not isinstance(applied, dict) or not all(
        isinstance(revision, str) and revision for revision in applied.values()
    ):
        raise ValueError("is damaged: `applied` is not a revision per Tenant")
    return applied


def _replace(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all; raises OSError. Its mode is 0600."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
