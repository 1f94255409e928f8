"""Where manifests are read from: the work tree, or a different `Tree`.

Opening never waits: a run does not stop at a named pipe or a device.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from functools import lru_cache
from io import BufferedReader
from typing import TYPE_CHECKING, Final, Literal, Protocol, runtime_checkable

from reconciler.core.model.problem import Problem
from reconciler.manifests.files.folders import Walk
from reconciler.manifests.yaml.document import ParsedFile

if TYPE_CHECKING:
    from reconciler.core.safety.evidence import Doubt

STDIN: Final = "<stdin>"
_CHUNK: Final = 64 * 1024  # bytes


class Tree(Protocol):
    """Folders and files under absolute paths, now or at an earlier commit."""

    @property
    def is_complete(self) -> bool:
        """Whether a missing path is an error. In an earlier commit a path may not exist yet."""

    def find_kind(self, path: str) -> Literal["folder", "file"] | None:
        """The kind of the path, None if it does not exist."""

    def list_files(self, folders: Sequence[str], problems: list[Problem]) -> list[list[str]]:
        """Per folder, every manifest file in it and below. Problems with folders join
        `problems`.
        """

    def read(self, path: str, max_bytes: int) -> bytes:
        """The bytes of a file, at most `max_bytes`; raises OSError, whose `strerror` is the
        reason.
        """

    def find_parsed(self, path: str) -> ParsedFile | None:
        """The file as it was parsed before, if it was."""

    def show_path(self, path: str) -> str:
        """A path relative to the current folder; unchanged if there is no current folder."""


@runtime_checkable
class Snapshot(Tree, Protocol):
    """A tree that is the desired state itself, whole: it knows what was removed."""

    @property
    def origin(self) -> str | None:
        """The repository of the run, as `host/path`; None if it is not known."""
        ...

    @property
    def has_removals(self) -> bool:
        """Whether it names what is to be deleted: then nothing else has to be declared."""
        ...

    def find_doubt(self, path: str) -> Doubt | None:
        """Why a path that no run read is no evidence of a removal; None if it was removed."""
        ...


class WorkTree:
    """The files on disk."""

    is_complete = True

    def find_kind(self, path: str) -> Literal["folder", "file"] | None:
        """The kind of the path; a link has the kind of its target."""
        if os.path.isdir(path):  # noqa: PTH112  this layer keeps paths as text
            return "folder"
        return "file" if os.path.exists(path) else None  # noqa: PTH110  this layer keeps paths as text

    def list_files(self, folders: Sequence[str], problems: list[Problem]) -> list[list[str]]:
        """Links to nothing and pipes are listed too: opening them reports the problem."""
        return Walk(problems, self.show_path).list_files(folders)

    def read(self, path: str, max_bytes: int) -> bytes:
        """Reads in two steps: a buffer of the limit's size for each file would cost memory."""
        with open_regular(path) as stream:
            data = stream.read(_CHUNK)
            return data if len(data) < _CHUNK else data + stream.read(max_bytes - _CHUNK)

    def find_parsed(self, path: str) -> None:
        """None: no file was parsed before."""

    def show_path(self, path: str) -> str:
        """Relative to the current folder."""
        return show_path(path)


WORK_TREE: Final = WorkTree()


def open_regular(path: str, flags: int = 0) -> BufferedReader:
    """A regular file for reading. Raises OSError, whose `strerror` is the reason, and ValueError
    for a text that is no path.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    stream = os.fdopen(descriptor, "rb") if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    if stream is None:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return stream


def is_output(path: str) -> bool:
    """Whether this process prints into that file, as with `plan . -o json > plan.json`."""
    for stream in (1, 2):
        try:
            if os.path.samestat(os.fstat(stream), os.stat(path)):  # noqa: PTH116  this layer keeps paths as text
                return True
        except OSError:
            continue
    return False


def show_path(path: str) -> str:
    """A path relative to the current folder; as it is where there is none."""
    try:
        return relative_path(path, os.getcwd())  # noqa: PTH109  this layer keeps paths as text
    except (OSError, ValueError):
        return path


@lru_cache(maxsize=4096)  # called for each document of a file
def relative_path(path: str, root: str) -> str:
    """A path relative to the root, in posix form, "." for the root itself. Standard input stays as
    it is.
    """
    if path == STDIN:
        return path
    prefix = root.rstrip("/") + "/"
    if path.startswith(prefix) and len(path) > len(prefix):  # both are absolute and normalised
        return path[len(prefix) :]
    return os.path.relpath(path, root)
