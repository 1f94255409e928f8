"""The manifest files below folders of the work tree. Linked folders inside the root are followed,
and each folder is read once.

Folders themselves come before links to them, so that a link in a circle, or a second way to a
folder, adds nothing.
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
    """Whether a folder's run reads a file of that name."""
    return name.endswith(ENDINGS) and not name.startswith(".")


class _Link(NamedTuple):
    path: str
    target: str  # its real path
    number: int  # of the PATH that it was found under


@dataclass(frozen=True, slots=True)
class Walk:
    """Reads folders; `shown` writes a path as messages show it, problems join `problems`."""

    problems: list[Problem]
    shown: Callable[[str], str]

    def files(self, folders: Sequence[str]) -> list[list[str]]:
        """For each of these absolute paths, every manifest file in the folder and the folders in
        it.
        """
        found: list[list[str]] = [[] for _ in folders]
        seen: set[str] = set()
        links: list[_Link] = []
        for number, folder in enumerate(folders):
            self._read(folder, os.path.realpath(folder), number, found[number], seen, links)
        while links:
            links.sort(key=_steps, reverse=True)
            link = links.pop()
            if link.target in seen:
                continue
            if _inside(link.target, _root(folders[link.number])):
                self._read(link.path, link.target, link.number, found[link.number], seen, links)
            else:
                self._refuse(link.path)
        return found

    def _read(
        self,
        top: str,
        real_top: str,
        number: int,
        files: list[str],
        seen: set[str],
        links: list[_Link],
    ) -> None:
        """Adds the files below a folder, and the links to folders in it; `seen` holds the real
        paths of what was read.
        """
        folders = [(top.rstrip("/"), real_top.rstrip("/"))]
        while folders:
            folder, real = folders.pop()
            if real in seen:
                continue
            seen.add(real)
            try:
                with os.scandir(folder or "/") as entries:
                    for entry in entries:
                        name = entry.name
                        if name.startswith("."):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            folders.append((f"{folder}/{name}", f"{real}/{name}"))
                        elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112  strings, as all of this layer
                            target = os.path.realpath(entry.path)
                            if not _inside(real, target):  # else it leads into a circle
                                links.append(_Link(f"{folder}/{name}", target, number))
                        elif name.endswith(ENDINGS):
                            files.append(f"{folder}/{name}")
            except OSError as error:
                self._unreadable(folder or "/", os.strerror(error.errno or 0))

    def _unreadable(self, folder: str, reason: str) -> None:
        self._note(folder, "path/unreadable", f"the folder cannot be read: {reason}", None)

    def _refuse(self, link: str) -> None:
        message = (
            "a link to a folder outside of the root, which is not followed: what it has "
            "would count as removed"
        )
        self._note(
            link,
            "path/linked-folder",
            message,
            "move the folder into the repository, or name it as a PATH too",
        )

    def _note(self, path: str, rule: str, message: str, hint: str | None) -> None:
        self.problems.append(Problem(Origin(self.shown(path), 1), "", rule, "error", message, hint))


def _steps(link: _Link) -> list[str]:
    return link.path.split("/")


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _root(folder: str) -> str:
    """What links below a PATH may lead into, a real path: its work tree, else the current folder
    around it, else itself.
    """
    real = os.path.realpath(folder)
    top = git_top(real)
    if top is not None:
        return top
    here = os.path.realpath(os.getcwd())  # noqa: PTH109  likewise
    return here if _inside(real, here) else real


def git_top(folder: str) -> str | None:
    """The nearest folder with `.git`, from an absolute path upwards; None where there is none."""
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):  # noqa: PTH118  likewise
            return folder
        parent = os.path.dirname(folder)  # noqa: PTH120  likewise
        if parent == folder:
            return None
        folder = parent
