"""The manifest files below folders of the work tree. Links to folders inside the root are followed.
Each folder is read once.

Folders come before links to them, so a circular link adds nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin

ENDINGS: Final = (".yaml", ".yml", ".json")


def is_manifest(name: str) -> bool:
    """Whether a run reads a file of that name in a folder."""
    return name.endswith(ENDINGS) and not name.startswith(".")


class _Link(NamedTuple):
    path: str
    target: str  # its real path
    number: int  # of the PATH that it was found under


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Walk:
    """Lists the files of folders. `show_path` writes a path for messages; problems join
    `problems`.
    """

    problems: list[Problem]
    show_path: Callable[[str], str]

    def list_files(self, folders: Sequence[str]) -> list[list[str]]:
        """Per absolute path, every manifest file in the folder and in the folders below."""
        files_by_folder: list[list[str]] = [[] for _ in folders]
        visited: set[str] = set()
        links: list[_Link] = []
        for number, folder in enumerate(folders):
            self._read(
                folder, os.path.realpath(folder), number, files_by_folder[number], visited, links
            )
        while links:
            links.sort(key=_link_steps, reverse=True)
            link = links.pop()
            if link.target in visited:
                continue
            if _is_inside(link.target, _find_link_root(folders[link.number])):
                self._read(
                    link.path,
                    link.target,
                    link.number,
                    files_by_folder[link.number],
                    visited,
                    links,
                )
            else:
                self._report_linked_folder(link.path)
        return files_by_folder

    def _read(
        self,
        top: str,
        real_top: str,
        number: int,
        files: list[str],
        visited: set[str],
        links: list[_Link],
    ) -> None:
        """Adds the files below a folder, and its links to folders. `visited` holds the real paths
        of folders that were read.
        """
        folders = [(top.rstrip("/"), real_top.rstrip("/"))]
        while folders:
            folder, real_folder = folders.pop()
            if real_folder in visited:
                continue
            visited.add(real_folder)
            try:
                with os.scandir(folder or "/") as entries:
                    for entry in entries:
                        name = entry.name
                        if name.startswith("."):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            folders.append((f"{folder}/{name}", f"{real_folder}/{name}"))
                        elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112  this layer keeps paths as text
                            target = os.path.realpath(entry.path)
                            if not _is_inside(real_folder, target):  # else it leads into a circle
                                links.append(_Link(f"{folder}/{name}", target, number))
                        elif name.endswith(ENDINGS):
                            files.append(f"{folder}/{name}")
            except OSError as error:
                self._report_unreadable(folder or "/", os.strerror(error.errno or 0))

    def _report_unreadable(self, folder: str, reason: str) -> None:
        self._add_problem(folder, "path/unreadable", f"the folder cannot be read: {reason}", None)

    def _report_linked_folder(self, link: str) -> None:
        message = (
            "a link to a folder outside of the root is not followed: its webhooks "
            "would count as removed"
        )
        self._add_problem(
            link,
            "path/linked-folder",
            message,
            "move the folder into the repository, or name it as a PATH too",
        )

    def _add_problem(self, path: str, rule: str, message: str, hint: str | None) -> None:
        self.problems.append(
            Problem(Origin(self.show_path(path), 1), "", rule, "error", message, hint)
        )


def _link_steps(link: _Link) -> list[str]:
    return link.path.split("/")


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _find_link_root(folder: str) -> str:
    """The real path that links below a PATH may lead into: its work tree, else the current folder
    around it, else the PATH.
    """
    real_folder = os.path.realpath(folder)
    top = find_git_top(real_folder)
    if top is not None:
        return top
    current_folder = os.path.realpath(os.getcwd())  # noqa: PTH109  this layer keeps paths as text
    return current_folder if _is_inside(real_folder, current_folder) else real_folder


def find_git_top(folder: str) -> str | None:
    """The nearest folder with `.git`, from an absolute path upwards; None if there is none."""
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):  # noqa: PTH118  this layer keeps paths as text
            return folder
        parent = os.path.dirname(folder)  # noqa: PTH120  this layer keeps paths as text
        if parent == folder:
            return None
        folder = parent
