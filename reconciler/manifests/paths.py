"""Which files a run reads, and what paths are relative to. Called by `load.py`; no file is parsed here."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from reconciler.core.model import Origin
from reconciler.core.problem import Problem
from reconciler.manifests.files import open_regular
from reconciler.manifests.places import File
from reconciler.manifests.read import SIZE

STDIN: Final = "<stdin>"
STDIN_ARGUMENT: Final = "-"
_CHUNK: Final = 64 * 1024  # bytes
_ENDINGS: Final = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read: `named` by itself, or found in a folder."""

    path: str
    named: bool


def shown(path: str) -> str:
    """A path as messages show it: relative to the current folder."""
    try:
        return relative(path, os.getcwd())  # noqa: PTH109  strings, as all of this layer
    except (OSError, ValueError):
        return path


def problem(path: str, rule: str, message: str, hint: str | None = None) -> Problem:
    """A problem with a path itself."""
    return Problem(Origin(path, 1), "", rule, "error", message, hint)


def find(paths: Iterable[str], problems: list[Problem]) -> tuple[list[Found], list[str], list[str]]:
    """The files to read, each once, in order; the folders and the files among the paths, absolute."""
    files: dict[str, Found] = {}
    folders, named = [], []
    for given in paths:
        if given == STDIN_ARGUMENT:
            files.setdefault(STDIN, Found(STDIN, named=True))
            continue
        path = os.path.abspath(given) if "\0" not in given else ""  # noqa: PTH100  strings, as all of this layer
        if path and os.path.isdir(path):  # noqa: PTH112  likewise
            folders.append(path)
            for file in _walk(path, problems):
                files.setdefault(file, Found(file, named=False))
        elif path and os.path.exists(path):  # noqa: PTH110  likewise
            named.append(path)
            files[path] = Found(path, named=True)
        else:
            problems.append(problem(given, "path/missing", "no such file or folder"))
    return list(files.values()), folders, named


def _walk(folder: str, problems: list[Problem]) -> list[str]:
    """Every manifest file below a folder in name order, links to nothing and pipes included: they are told when opened."""

    def unreadable(error: OSError) -> None:
        text = f"the folder cannot be read: {os.strerror(error.errno or 0)}"
        problems.append(problem(shown(error.filename or folder), "path/unreadable", text))

    found: list[str] = []
    for top, names, files in os.walk(folder, onerror=unreadable):
        names[:] = [name for name in names if not name.startswith(".")]
        manifests = (name for name in files if name.endswith(_ENDINGS) and not name.startswith("."))
        found += [f"{top.rstrip('/')}/{name}" for name in manifests]
    return sorted(found, key=lambda path: path.split("/"))


def contents(found: Found, stdin: bytes | None) -> tuple[File, bytes | Problem]:
    """A file and its bytes, at most one more than the limit, or why it cannot be read."""
    if found.path == STDIN:
        here = os.getcwd()  # noqa: PTH109  likewise
        empty = problem(STDIN, "path/unreadable", "standard input cannot be read")
        return File(STDIN, path=STDIN, folder=here), stdin if stdin is not None else empty
    file = File(shown(found.path), path=found.path, folder=os.path.dirname(found.path))  # noqa: PTH120  likewise
    try:
        with open_regular(found.path) as stream:
            data = stream.read(_CHUNK)  # asking for the limit at once would allocate it for each file
            return file, data if len(data) < _CHUNK else data + stream.read(SIZE + 1 - _CHUNK)
    except OSError as error:
        hint = f"pipe it in: {STDIN_ARGUMENT} stands for standard input" if error.errno == errno.EINVAL else None
        return file, problem(file.name, "path/unreadable", f"cannot be read: {error.strerror}", hint)


def root_of(tenant: File | None) -> str:
    """What sources are relative to: the Tenant manifest's folder, else the work tree's root, else the current folder."""
    if tenant is not None:
        return tenant.folder
    here = folder = os.getcwd()  # noqa: PTH109  likewise
    while True:
        if os.path.exists(os.path.join(folder, ".git")):  # noqa: PTH110, PTH118  likewise
            return folder
        parent = os.path.dirname(folder)  # noqa: PTH120  likewise
        if parent == folder:
            return here
        folder = parent


@lru_cache(maxsize=4096)  # asked for each document of a file
def relative(path: str, root: str) -> str:
    """A path relative to the root, posix, "." for the root itself; standard input is no path and stays as it is."""
    if path == STDIN:
        return path
    under = root.rstrip("/") + "/"
    if path.startswith(under) and len(path) > len(under):  # both are absolute and normalised
        return path[len(under) :]
    return os.path.relpath(path, root)
