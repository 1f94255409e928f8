"""Whether Git removed the files that webhooks came from, or they are only missing here, or were not
read. docs/plan-rules.md, rule 5.

`load` knows the files of this run. Only for the others the file system is asked, and git once per
repository.
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
from reconciler.manifests.decode.load_types import Manifests
from reconciler.manifests.files.folders import find_git_top, is_manifest
from reconciler.manifests.files.git import Excluded, Repository, make_git_environment
from reconciler.manifests.files.trees import STDIN, Snapshot

_SUBMODULE_PATH: Final = re.compile(r'^\s*path\s*=\s*"?(.+?)"?\s*$', re.MULTILINE)
_BATCH_SIZE: Final = 500  # paths that git gets by name; for more paths it lists all


def find_doubts(manifests: Manifests, sources: Iterable[str]) -> dict[str, Doubt]:
    """The sources, relative to the root, without evidence of removal, and the reason."""
    paths = {source: _make_absolute(manifests.root, source) for source in sources}
    unread = {source: path for source, path in paths.items() if not manifests.read_files.get(path)}
    if not unread:
        return {}
    if isinstance(manifests.tree, Snapshot):
        return _ask_snapshot(manifests, manifests.tree, unread)
    check = _SourceCheck(manifests)
    doubts = {source: check.check_file(path) for source, path in unread.items()}
    absent = {source: unread[source] for source, doubt in doubts.items() if doubt is _ABSENT}
    doubts |= check.check_git(absent)
    return {source: doubt for source, doubt in doubts.items() if doubt is not None}


def _ask_snapshot(
    manifests: Manifests, tree: Snapshot, unread: Mapping[str, str]
) -> dict[str, Doubt]:
    """The doubts about sources that were not read of a snapshot, which knows what was removed."""
    no_document = Doubt(State.NO_DOCUMENT)
    doubts = {
        source: no_document if path in manifests.read_files else tree.find_doubt(path)
        for source, path in unread.items()
    }
    return {source: doubt for source, doubt in doubts.items() if doubt is not None}


def _make_absolute(root: str, source: str) -> str:
    return source if source == STDIN else os.path.normpath(os.path.join(root, source))  # noqa: PTH118  this layer keeps paths as text


_ABSENT: Final = Doubt(
    State.UNREAD
)  # stands for a file that is not in the work tree, until git is asked


@dataclass(frozen=True, slots=True)
class _AbsentFile:
    """A file that does not exist: its path, the top of its work tree, and its path from there."""

    path: str
    top: str
    path_from_top: str


class _SourceCheck:
    """Checks files that were not read; paths are absolute, and relative to the root in results."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests
        self._root = os.path.realpath(manifests.root)
        self._folders = [_make_absolute(manifests.root, folder) for folder in manifests.folders]

    @cached_property
    def _read_files(self) -> dict[str, Doubt | None]:
        """The doubt about each file that was read, by real path: a link may lead to one of them."""
        return {
            os.path.realpath(path): None if has_documents else Doubt(State.NO_DOCUMENT)
            for path, has_documents in self._manifests.read_files.items()
        }

    def check_file(self, path: str) -> Doubt | None:
        """The doubt about a file that was not read as a manifest. None if it was read under a
        different path, _ABSENT if it does not exist.
        """
        if path in self._manifests.read_files:
            return Doubt(State.NO_DOCUMENT)
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return _ABSENT
        except OSError as error:
            return Doubt(State.NO_ACCESS, self._make_relative(path), os.strerror(error.errno or 0))
        except ValueError:
            return Doubt(State.NO_ACCESS, detail="it is no path")
        return _ABSENT if stat.S_ISDIR(mode) else self._explain_unread(path)

    def _explain_unread(self, path: str) -> Doubt | None:
        """The doubt about an existing file that was not read."""
        real = os.path.realpath(path)
        if real in self._read_files:
            return self._read_files[real]
        hidden = self._find_hidden(path)
        if hidden is not None:
            return Doubt(State.HIDDEN, self._make_relative(hidden))
        if not is_manifest(os.path.basename(path)):  # noqa: PTH119  this layer keeps paths as text
            return Doubt(State.ENDING)
        link = self._find_link(path)
        return (
            Doubt(State.LINK, self._make_relative(link))
            if link is not None
            else Doubt(State.UNREAD)
        )

    def check_git(self, absent: Mapping[str, str]) -> dict[str, Doubt | None]:
        """The doubts about files that are not in the work tree, by source."""
        doubts: dict[str, Doubt | None] = {}
        tops: dict[str, list[tuple[str, _AbsentFile]]] = {}
        for source, path in absent.items():
            real = os.path.realpath(path)
            top = find_git_top(_existing_folder(real))
            if top is None:
                doubts[source] = self._check_folder(path)
            else:
                tops.setdefault(top, []).append(
                    (source, _AbsentFile(path, top, os.path.relpath(real, top)))
                )
        for top, places in tops.items():
            doubts |= self._check_work_tree(top, dict(places))
        return doubts

    def _check_work_tree(
        self, top: str, places: Mapping[str, _AbsentFile]
    ) -> dict[str, Doubt | None]:
        if shutil.which("git") is None:
            return dict.fromkeys(places, Doubt(State.NO_GIT))
        names = sorted({place.path_from_top.split("/")[0] for place in places.values()})
        try:
            held_back = Repository(top, make_git_environment(os.environ)).list_excluded(
                names if len(names) <= _BATCH_SIZE else [""]
            )
        except GitFailed as error:
            if "dubious ownership" in str(error):
                return dict.fromkeys(places, Doubt(State.GIT_REFUSES, detail=top))
            return dict.fromkeys(
                places, Doubt(State.GIT_FAILED, self._make_relative(top), str(error))
            )
        return {source: self._check_excluded(place, held_back) for source, place in places.items()}

    def _check_excluded(self, place: _AbsentFile, held_back: Excluded) -> Doubt | None:
        steps = place.path_from_top.split("/")
        for parent in ("/".join(steps[:count]) for count in range(len(steps), 0, -1)):
            if parent in held_back.sparse:
                return Doubt(State.SPARSE, self._make_relative(f"{place.top}/{parent}"))
            if parent in held_back.submodules:
                is_nested = not f"{self._root}/".startswith(f"{place.top}/")
                state = State.NESTED_SUBMODULE if is_nested else State.SUBMODULE
                return Doubt(state, self._make_relative(f"{place.top}/{parent}"))
        link = self._find_link(place.path)
        return (
            Doubt(State.LINK, self._make_relative(link))
            if link is not None and not os.path.isdir(link)  # noqa: PTH112  this layer keeps paths as text
            else None
        )

    def _check_folder(self, path: str) -> Doubt | None:
        """The doubt without Git: a file counts as removed if this run read its folder."""
        folder = os.path.dirname(path)  # noqa: PTH120  this layer keeps paths as text
        if os.path.isdir(folder) and self._find_hidden(folder) is None:  # noqa: PTH112  this layer keeps paths as text
            empty = _find_empty_submodule(folder)
            return (
                Doubt(State.EMPTY_SUBMODULE, self._make_relative(empty))
                if empty is not None
                else None
            )
        return Doubt(State.NO_FOLDER, self._make_relative(folder))

    def _split_by_path(self, path: str) -> list[tuple[str, list[str]]]:
        """Per folder PATH that is the path or above it: that folder, and the steps from it."""
        tops = [folder.rstrip("/") for folder in self._folders]
        return [
            (top, path[len(top) + 1 :].split("/"))
            for top in tops
            if f"{path}/".startswith(f"{top}/")
        ]

    def _find_hidden(self, path: str) -> str | None:
        """The first name that begins with a dot between a PATH and this path; None if a PATH leads
        to it without such a name.
        """
        hidden = None
        for top, steps in self._split_by_path(path):
            number = next(
                (number for number, step in enumerate(steps) if step.startswith(".")), None
            )
            if number is None:
                return None
            hidden = "/".join([top, *steps[: number + 1]])
        return hidden

    def _find_link(self, path: str) -> str | None:
        """The first folder above a path, from a PATH down, that is a link."""
        for top, steps in self._split_by_path(path):
            parents = ("/".join([top, *steps[:count]]) for count in range(1, len(steps)))
            return next(filter(os.path.islink, parents), None)
        return None

    def _make_relative(self, path: str) -> str:
        return os.path.relpath(path, self._manifests.root)


def _existing_folder(path: str) -> str:
    """The nearest existing folder above a path."""
    while not os.path.isdir(path):  # noqa: PTH112  this layer keeps paths as text
        path = os.path.dirname(path)  # noqa: PTH120  this layer keeps paths as text
    return path


def _find_empty_submodule(folder: str) -> str | None:
    """The empty folder, this one or one above it, that a `.gitmodules` lists: a copy of a clone
    without its submodules.
    """
    parents = [folder]
    while parents[-1] != os.path.dirname(parents[-1]):  # noqa: PTH120  this layer keeps paths as text
        parents.append(os.path.dirname(parents[-1]))  # noqa: PTH120  this layer keeps paths as text
    for top in parents:
        try:
            contents = Path(top, ".gitmodules").read_text(
                encoding="utf-8", errors="surrogateescape"
            )
        except OSError:
            continue
        submodules = {os.path.join(top, name) for name in _SUBMODULE_PATH.findall(contents)}  # noqa: PTH118  this layer keeps paths as text
        for path in submodules.intersection(parents):
            if not os.listdir(path):  # noqa: PTH208  this layer keeps paths as text
                return path
    return None
