"""The files that a run reads, and the folder that paths are relative to."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin
from reconciler.manifests.files.folders import find_git_top
from reconciler.manifests.files.trees import STDIN, Tree
from reconciler.manifests.yaml.document import File
from reconciler.manifests.yaml.reader import SIZE

STDIN_ARGUMENT: Final = "-"
_EMPTY_PATH: Final = "a PATH is empty, as of a variable that is not set; . is the current folder"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InputFile:
    """A file to read: an argument itself, or a file in a folder."""

    path: str
    is_argument: bool


def path_problem(path: str, rule: str, message: str, hint: str | None = None) -> Problem:
    """A problem with a path itself."""
    return Problem(Origin(path, 1), "", rule, "error", message, hint)


def find_files(
    paths: Sequence[str], tree: Tree, problems: list[Problem]
) -> tuple[list[InputFile], list[str], list[str]]:
    """The files to read, each once, in order; and the folders and files among the arguments,
    absolute.
    """
    files: dict[str, InputFile] = {}
    folders, named_files = [], []
    argument_paths = {
        argument: _make_absolute(argument) for argument in paths if argument != STDIN_ARGUMENT
    }
    kinds = {path: tree.find_kind(path) for path in argument_paths.values() if path}
    folder_paths = [path for path, kind in kinds.items() if kind == "folder"]
    files_by_folder = dict(zip(folder_paths, tree.list_files(folder_paths, problems), strict=True))
    for argument in paths:
        if argument == STDIN_ARGUMENT:
            files.setdefault(STDIN, InputFile(STDIN, is_argument=True))
            continue
        path = argument_paths[argument]
        kind = kinds.get(path)
        if kind == "folder":
            folders.append(path)
            for file in sorted(files_by_folder[path], key=_path_steps):
                files.setdefault(file, InputFile(file, is_argument=False))
        elif kind == "file":
            named_files.append(path)
            files[path] = InputFile(path, is_argument=True)
        elif tree.is_complete:
            hint = None if argument else _EMPTY_PATH
            problems.append(path_problem(argument, "path/missing", "no such file or folder", hint))
    return list(files.values()), folders, named_files


def _make_absolute(argument: str) -> str:
    """The absolute path of an argument; "" if it is no path."""
    return os.path.abspath(argument) if argument and "\0" not in argument else ""  # noqa: PTH100  this layer keeps paths as text


def _path_steps(path: str) -> list[str]:
    return path.split("/")


def make_file(path: str, tree: Tree) -> File:
    """A file without its text."""
    return File(tree.show_path(path), path=path, folder=os.path.dirname(path))  # noqa: PTH120  this layer keeps paths as text


def read_contents(
    input_file: InputFile, tree: Tree, stdin: bytes | None
) -> tuple[File, bytes | Problem]:
    """A file and its bytes, at most one more than the limit, or the problem of reading it."""
    if input_file.path == STDIN:
        current_folder = os.getcwd()  # noqa: PTH109  this layer keeps paths as text
        empty = path_problem(STDIN, "path/unreadable", "standard input cannot be read")
        return File(STDIN, path=STDIN, folder=current_folder), stdin if stdin is not None else empty
    file = make_file(input_file.path, tree)
    try:
        return file, tree.read(input_file.path, SIZE + 1)
    except OSError as error:
        hint = (
            f"pipe it in: {STDIN_ARGUMENT} stands for standard input"
            if error.errno == errno.EINVAL
            else None
        )
        return file, path_problem(
            file.name, "path/unreadable", f"cannot be read: {error.strerror}", hint
        )


def find_root(tenant: File | None) -> str:
    """The folder that sources are relative to: the Tenant manifest's folder, else the work tree's
    root, else the current folder.
    """
    return tenant.folder if tenant is not None else find_work_tree()


def find_work_tree() -> str:
    """The root of the Git work tree around the current folder, else the current folder."""
    current_folder = os.getcwd()  # noqa: PTH109  this layer keeps paths as text
    return find_git_top(current_folder) or current_folder
