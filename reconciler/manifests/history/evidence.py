"""Whether the files that webhooks came from were removed by Git, or are only not here, or not read.
docs/plan-rules.md, rule 5.

Files of this run are answered from what `load` knows. Only for the others the file system is asked,
and git once a repository.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from reconciler.core.errors import GitFailed
from reconciler.core.safety.evidence import Doubt, State
from reconciler.manifests.decode.loaded import Manifests
from reconciler.manifests.files.folders import git_top, is_manifest
from reconciler.manifests.files.git import HeldBack, Repository, environment
from reconciler.manifests.files.trees import STDIN

_SUBMODULE_PATH: Final = re.compile(r'^\s*path\s*=\s*"?(.+?)"?\s*$', re.MULTILINE)
_AT_ONCE: Final = 500  # paths that git is asked for by name; beyond, it lists all that it knows


def doubts(manifests: Manifests, sources: Iterable[str]) -> dict[str, Doubt]:
    """Of these sources, relative to the root, those without evidence of removal, and why."""
    paths = {source: _absolute(manifests.root, source) for source in sources}
    unread = {source: path for source, path in paths.items() if not manifests.read.get(path)}
    if not unread:
        return {}
    look = _Look(manifests)
    found = {source: look.at_file(path) for source, path in unread.items()}
    absent = {source: unread[source] for source, doubt in found.items() if doubt is _ABSENT}
    found |= look.at_git(absent)
    return {source: doubt for source, doubt in found.items() if doubt is not None}


def _absolute(root: str, source: str) -> str:
    return source if source == STDIN else os.path.normpath(os.path.join(root, source))  # noqa: PTH118  strings, as all of this layer


_ABSENT: Final = Doubt(
    State.UNREAD
)  # stands for a file that is not in the work tree, until git is asked


@dataclass(frozen=True, slots=True)
class _Place:
    """A file that is not there: its path, and its real path seen from the top of its work tree."""

    path: str
    top: str
    inside: str


class _Look:
    """Looks at what was not read; paths are absolute, places relative to the root."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests
        self._root = os.path.realpath(manifests.root)
        self._folders = [_absolute(manifests.root, folder) for folder in manifests.folders]

    @cached_property
    def _read(self) -> dict[str, Doubt | None]:
        """What is known of the files that were read, by real path: a link may lead to one of
        them.
        """
        return {
            os.path.realpath(path): None if filled else Doubt(State.NO_DOCUMENT)
            for path, filled in self._manifests.read.items()
        }

    def at_file(self, path: str) -> Doubt | None:
        """Why a file that was not read as a manifest is unclear; None where it was read by another
        path, _ABSENT without it.
        """
        if path in self._manifests.read:
            return Doubt(State.NO_DOCUMENT)
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return _ABSENT
        except OSError as error:
            return Doubt(State.NO_ACCESS, self._relative(path), os.strerror(error.errno or 0))
        except ValueError:
            return Doubt(State.NO_ACCESS, detail="it is no path")
        return _ABSENT if stat.S_ISDIR(mode) else self._unread(path)

    def _unread(self, path: str) -> Doubt | None:
        """Why a file that exists was not read."""
        real = os.path.realpath(path)
        if real in self._read:
            return self._read[real]
        hidden = self._hidden(path)
        if hidden is not None:
            return Doubt(State.HIDDEN, self._relative(hidden))
        if not is_manifest(os.path.basename(path)):  # noqa: PTH119  as above
            return Doubt(State.ENDING)
        link = self._link(path)
        return Doubt(State.LINK, self._relative(link)) if link is not None else Doubt(State.UNREAD)

    def at_git(self, absent: Mapping[str, str]) -> dict[str, Doubt | None]:
        """The same of files that are not in the work tree, by source."""
        found: dict[str, Doubt | None] = {}
        tops: dict[str, list[tuple[str, _Place]]] = {}
        for source, path in absent.items():
            real = os.path.realpath(path)
            top = git_top(_existing(real))
            if top is None:
                found[source] = self._without_git(path)
            else:
                tops.setdefault(top, []).append(
                    (source, _Place(path, top, os.path.relpath(real, top)))
                )
        for top, places in tops.items():
            found |= self._in_work_tree(top, dict(places))
        return found

    def _in_work_tree(self, top: str, places: Mapping[str, _Place]) -> dict[str, Doubt | None]:
        if shutil.which("git") is None:
            return dict.fromkeys(places, Doubt(State.NO_GIT))
        names = sorted({place.inside.split("/")[0] for place in places.values()})
        try:
            held_back = Repository(top, environment(os.environ)).held_back(
                names if len(names) <= _AT_ONCE else [""]
            )
        except GitFailed as error:
            if "dubious ownership" in str(error):
                return dict.fromkeys(places, Doubt(State.GIT_REFUSES, detail=top))
            return dict.fromkeys(places, Doubt(State.GIT_FAILED, self._relative(top), str(error)))
        return {source: self._held_back(place, held_back) for source, place in places.items()}

    def _held_back(self, place: _Place, held_back: HeldBack) -> Doubt | None:
        steps = place.inside.split("/")
        for above in ("/".join(steps[:count]) for count in range(len(steps), 0, -1)):
            if above in held_back.sparse:
                return Doubt(State.SPARSE, self._relative(f"{place.top}/{above}"))
            if above in held_back.submodules:
                nested = not f"{self._root}/".startswith(f"{place.top}/")
                state = State.NESTED_SUBMODULE if nested else State.SUBMODULE
                return Doubt(state, self._relative(f"{place.top}/{above}"))
        link = self._link(place.path)
        return (
            Doubt(State.LINK, self._relative(link))
            if link is not None and not os.path.isdir(link)  # noqa: PTH112  as above
            else None
        )

    def _without_git(self, path: str) -> Doubt | None:
        """Without Git, a file was removed from a folder that this run read."""
        folder = os.path.dirname(path)  # noqa: PTH120  as above
        if os.path.isdir(folder) and self._hidden(folder) is None:  # noqa: PTH112  as above
            empty = _empty_submodule(folder)
            return (
                Doubt(State.EMPTY_SUBMODULE, self._relative(empty)) if empty is not None else None
            )
        return Doubt(State.NO_FOLDER, self._relative(folder))

    def _below_paths(self, path: str) -> list[tuple[str, list[str]]]:
        """For each folder PATH that is a path or above it: that folder, and the steps from it."""
        tops = [folder.rstrip("/") for folder in self._folders]
        return [
            (top, path[len(top) + 1 :].split("/"))
            for top in tops
            if f"{path}/".startswith(f"{top}/")
        ]

    def _hidden(self, path: str) -> str | None:
        """The first name with a dot in front between a PATH and this path; None if a PATH leads to
        it without one.
        """
        hidden = None
        for top, steps in self._below_paths(path):
            number = next(
                (number for number, step in enumerate(steps) if step.startswith(".")), None
            )
            if number is None:
                return None
            hidden = "/".join([top, *steps[: number + 1]])
        return hidden

    def _link(self, path: str) -> str | None:
        """The first folder above a path, from a PATH down, that is a link."""
        for top, steps in self._below_paths(path):
            above = ("/".join([top, *steps[:count]]) for count in range(1, len(steps)))
            return next(filter(os.path.islink, above), None)
        return None

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self._manifests.root)


def _existing(path: str) -> str:
    """The nearest folder above a path that exists."""
    while not os.path.isdir(path):  # noqa: PTH112  as above
        path = os.path.dirname(path)  # noqa: PTH120  as above
    return path


def _empty_submodule(folder: str) -> str | None:
    """The empty folder, this one or one above it, that a `.gitmodules` lists: a copy of a clone
    without its submodules.
    """
    above = [folder]
    while above[-1] != os.path.dirname(above[-1]):  # noqa: PTH120  as above
        above.append(os.path.dirname(above[-1]))  # noqa: PTH120  as above
    for top in above:
        try:
            listed = Path(top, ".gitmodules").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            continue
        submodules = {os.path.join(top, name) for name in _SUBMODULE_PATH.findall(listed)}  # noqa: PTH118  as above
        for path in submodules.intersection(above):
            if not os.listdir(path):  # noqa: PTH208  as above
                return path
    return None
