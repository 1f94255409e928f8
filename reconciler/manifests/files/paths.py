"""Which files a run reads, and what paths are relative to."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin
from reconciler.manifests.files.folders import git_top
from reconciler.manifests.files.trees import STDIN, Tree
from reconciler.manifests.yaml.places import File
from reconciler.manifests.yaml.read import SIZE

STDIN_ARGUMENT: Final = "-"


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read: `named` by itself, or found in a folder."""

    path: str
    named: bool


def problem(path: str, rule: str, message: str, hint: str | None = None) -> Problem:
    """A problem with a path itself."""
    return Problem(Origin(path, 1), "", rule, "error", message, hint)


def find(
    paths: Sequence[str], tree: Tree, problems: list[Problem]
) -> tuple[list[Found], list[str], list[str]]:
    """The files to read, each once, in order; the folders and the files among the paths,
    absolute.
    """
    files: dict[str, Found] = {}
    folders, named = [], []
    given_paths = {given: _absolute(given) for given in paths if given != STDIN_ARGUMENT}
    kinds = {path: tree.kind(path) for path in given_paths.values() if path}
    walked = [path for path, kind in kinds.items() if kind == "folder"]
    below = dict(zip(walked, tree.below(walked, problems), strict=True))
    for given in paths:
        if given == STDIN_ARGUMENT:
            files.setdefault(STDIN, Found(STDIN, named=True))
            continue
        path = given_paths[given]
        kind = kinds.get(path)
        if kind == "folder":
            folders.append(path)
            for file in sorted(below[path], key=_steps):
                files.setdefault(file, Found(file, named=False))
        elif kind == "file":
            named.append(path)
            files[path] = Found(path, named=True)
        elif tree.whole:
            hint = (
                None
                if given
                else "a PATH is empty, as of a variable that is not set; . is the current folder"
            )
            problems.append(problem(given, "path/missing", "no such file or folder", hint))
    return list(files.values()), folders, named


def _absolute(given: str) -> str:
    """The absolute path of what was given; "" for what is no path."""
    return os.path.abspath(given) if given and "\0" not in given else ""  # noqa: PTH100  strings, as all of this layer


def _steps(path: str) -> list[str]:
    return path.split("/")


def file_of(path: str, tree: Tree) -> File:
    """A file without its text yet."""
    return File(tree.shown(path), path=path, folder=os.path.dirname(path))  # noqa: PTH120  strings, as all of this layer


def contents(found: Found, tree: Tree, stdin: bytes | None) -> tuple[File, bytes | Problem]:
    """A file and its bytes, at most one more than the limit, or why it cannot be read."""
    if found.path == STDIN:
        here = os.getcwd()  # noqa: PTH109  likewise
        empty = problem(STDIN, "path/unreadable", "standard input cannot be read")
        return File(STDIN, path=STDIN, folder=here), stdin if stdin is not None else empty
    file = file_of(found.path, tree)
    try:
        return file, tree.read(found.path, SIZE + 1)
    except OSError as error:
        hint = (
            f"pipe it in: {STDIN_ARGUMENT} stands for standard input"
            if error.errno == errno.EINVAL
            else None
        )
        return file, problem(
            file.name, "path/unreadable", f"cannot be read: {error.strerror}", hint
        )


def root_of(tenant: File | None) -> str:
    """What sources are relative to: the Tenant manifest's folder, else the work tree's root, else
    the current folder.
    """
    return tenant.folder if tenant is not None else work_tree()


def work_tree() -> str:
    """The root of the Git work tree that the current folder lies in, else the current folder."""
    here = os.getcwd()  # noqa: PTH109  strings, as all of this layer
    return git_top(here) or here
