"""Where manifests stand: the work tree, or whatever else meets `Tree`.

Opening never hangs: a named pipe or a device can hold no run up.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from functools import lru_cache
from io import BufferedReader
from typing import Final, Literal, Protocol

from reconciler.core.model.problem import Problem
from reconciler.manifests.files.folders import Walk
from reconciler.manifests.yaml.places import Parsed

STDIN: Final = "<stdin>"
_CHUNK: Final = 64 * 1024  # bytes


class Tree(Protocol):
    """Folders and files under absolute paths, as they are now or as they once were."""

    @property
    def whole(self) -> bool:
        """Whether what is asked for has to be there; of another time it may not have been made
        yet.
        """

    def kind(self, path: str) -> Literal["folder", "file"] | None:
        """What stands there, None for nothing."""

    def below(self, folders: Sequence[str], problems: list[Problem]) -> list[list[str]]:
        """For each folder, every manifest file in it and the folders in it; what cannot be looked
        into joins the problems.
        """

    def read(self, path: str, most: int) -> bytes:
        """The bytes of a file, at most `most`; raises OSError, whose `strerror` says why not."""

    def parsed(self, path: str) -> Parsed | None:
        """What a file held, where it was parsed before."""

    def shown(self, path: str) -> str:
        """A path as messages show it."""


class WorkTree:
    """The files as they lie there now."""

    whole = True

    def kind(self, path: str) -> Literal["folder", "file"] | None:
        """A link counts as what it points to."""
        if os.path.isdir(path):  # noqa: PTH112  strings, as all of this layer
            return "folder"
        return "file" if os.path.exists(path) else None  # noqa: PTH110  likewise

    def below(self, folders: Sequence[str], problems: list[Problem]) -> list[list[str]]:
        """Links to nothing and pipes included: they are reported when opened."""
        return Walk(problems, self.shown).files(folders)

    def read(self, path: str, most: int) -> bytes:
        """In two steps: asking for the limit at once would allocate it for each file."""
        with open_regular(path) as stream:
            data = stream.read(_CHUNK)
            return data if len(data) < _CHUNK else data + stream.read(most - _CHUNK)

    def parsed(self, path: str) -> None:
        """Nothing was before."""

    def shown(self, path: str) -> str:
        """Relative to the current folder."""
        return shown(path)


WORK_TREE: Final = WorkTree()


def open_regular(path: str, flags: int = 0) -> BufferedReader:
    """A regular file for reading; raises OSError, whose `strerror` says why not, and ValueError for
    what is no path.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    stream = os.fdopen(descriptor, "rb") if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    if stream is None:
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return stream


def is_output(path: str) -> bool:
    """Whether what this process prints goes into that file, as with `plan . -o json >
    plan.json`.
    """
    for stream in (1, 2):
        try:
            if os.path.samestat(os.fstat(stream), os.stat(path)):  # noqa: PTH116  strings, as all of this layer
                return True
        except OSError:
            continue
    return False


def shown(path: str) -> str:
    """A path relative to the current folder; as it is where there is none."""
    try:
        return relative(path, os.getcwd())  # noqa: PTH109  likewise
    except (OSError, ValueError):
        return path


@lru_cache(maxsize=4096)  # asked for each document of a file
def relative(path: str, root: str) -> str:
    """A path relative to the root, posix, "." for the root itself; standard input is no path and
    stays as it is.
    """
    if path == STDIN:
        return path
    under = root.rstrip("/") + "/"
    if path.startswith(under) and len(path) > len(under):  # both are absolute and normalised
        return path[len(under) :]
    return os.path.relpath(path, root)
