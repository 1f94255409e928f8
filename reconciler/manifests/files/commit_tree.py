"""The manifest files of a commit, as a `Tree` that a run can read instead of the work tree."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reconciler.core.errors import BadRequest, GitFailed
from reconciler.core.model.problem import Problem
from reconciler.manifests.files.folders import is_manifest
from reconciler.manifests.files.git import (
    LINK,
    SUBMODULE,
    Entry,
    Repository,
    blob_id,
    repository_of,
)
from reconciler.manifests.files.trees import shown
from reconciler.manifests.yaml.places import Parsed
from reconciler.manifests.yaml.read import SIZE

_Place = tuple[Repository, str, Entry]  # the commit beside the entry: a submodule has its own


@dataclass(slots=True)
class Commit:
    """A `Tree` of the manifest files below some paths in a commit. `name` is how messages call
    it.
    """

    name: str
    folders: set[str] = field(default_factory=set)
    files: dict[str, _Place] = field(default_factory=dict)
    contents: dict[str, bytes | None] = field(default_factory=dict)
    known: dict[str, Parsed] = field(default_factory=dict)
    whole: bool = False

    def kind(self, path: str) -> Literal["folder", "file"] | None:
        """What stood there."""
        if path in self.files:
            return "file"
        return "folder" if path in self.folders else None

    def below(self, folders: Sequence[str], problems: list[Problem]) -> list[list[str]]:  # noqa: ARG002  all of it is known
        """The files that a run over these folders would have read."""
        tops = [folder.rstrip("/") + "/" for folder in folders]
        return [
            [path for path in self.files if path.startswith(top) and _seen(path[len(top) :])]
            for top in tops
        ]

    def read(self, path: str, most: int) -> bytes:
        """What the file held; of a link, the file that it led to."""
        data = self.contents[path]
        if data is None:
            raise OSError(errno.ENOENT, "it leads to no file of that commit", path)
        return data[:most]

    def parsed(self, path: str) -> Parsed | None:
        """What a file of now holds, if it held the same then."""
        _, _, entry = self.files[path]
        return self.known.get(entry.id) if entry.mode != LINK else None

    def shown(self, path: str) -> str:
        """As git writes it: `REV:path`."""
        return f"{self.name}:{shown(path)}"

    def add(self, repository: Repository, commit: str, paths: Mapping[str, str]) -> None:
        """The commit's files below paths from the top, under the absolute paths that they stand
        for; raises GitFailed.
        """
        _add(self, repository, commit, paths)

    def know(self, parsed: Iterable[Parsed]) -> None:
        """Remembers what is parsed already by the ids that git gives such files; what is in the
        index may be another text.
        """
        lengths = {len(entry.id) for _, _, entry in self.files.values()}
        for one in parsed:
            data = one.file.text.encode()
            self.known |= {blob_id(data, length): one for length in lengths}

    def fetch(self) -> None:
        """Reads everything else, in few processes; raises GitFailed."""
        for follow in (False, True):
            places: dict[Repository, dict[str, str]] = {}
            for path, (repository, commit, entry) in self.files.items():
                if self.parsed(path) is not None:
                    continue
                if (
                    follow and "\n" in entry.path
                ):  # git is asked by lines; such a link leads nowhere
                    self.contents.setdefault(path, None)
                elif (entry.mode == LINK) == follow:
                    places.setdefault(repository, {})[path] = (
                        f"{commit}:{entry.path}" if follow else entry.id
                    )
            for repository, names in places.items():
                self.contents |= zip(
                    names,
                    repository.blobs(list(names.values()), SIZE + 1, follow=follow),
                    strict=True,
                )


def _seen(path: str) -> bool:
    *folders, name = path.split("/")
    return is_manifest(name) and not any(folder.startswith(".") for folder in folders)


def repository_of_paths(
    paths: Iterable[str], env: Mapping[str, str], option: str = "--since"
) -> Repository:
    """The one repository of all paths, absolute; raises BadRequest with the option that asks for
    it, GitFailed.
    """
    real = map(os.path.realpath, paths)
    folders = dict.fromkeys(path if os.path.isdir(path) else os.path.dirname(path) for path in real)  # noqa: PTH112, PTH120  likewise
    found = dict.fromkeys(repository_of(folder, env, option).top for folder in folders)
    if len(found) > 1:
        raise BadRequest(
            f"{option}: the paths lie in several repositories: {', '.join(map(shown, found))}"
        )
    return repository_of(next(iter(folders)), env, option)


def _add(tree: Commit, repository: Repository, commit: str, paths: Mapping[str, str]) -> None:
    """The commit's files below paths from the top, under the absolute paths that they stand for."""
    for entry in repository.entries(commit, list(paths)):
        for inside in _above(entry.path):
            if inside not in paths:
                continue
            rest = entry.path[len(inside) :].lstrip("/")
            if rest:
                tree.folders.add(paths[inside])
            path = f"{paths[inside].rstrip('/')}/{rest}" if rest else paths[inside]
            if entry.mode == SUBMODULE:
                _add_submodule(tree, repository, entry, path)
            elif not rest or _seen(rest):
                tree.files[path] = (repository, commit, entry)


def _above(path: str) -> list[str]:
    """A path and every folder above it, the top last."""
    found = [path]
    while path:
        path = path.rpartition("/")[0]
        found.append(path)
    return found


def _add_submodule(tree: Commit, repository: Repository, entry: Entry, path: str) -> None:
    """The files of a submodule in the commit that was recorded then."""
    if any(folder.startswith(".") for folder in entry.path.split("/")):
        return
    there = f"{repository.top}/{entry.path}"
    own = repository_of(there, repository.env) if os.path.isdir(there) else repository  # noqa: PTH112  likewise
    if own.top == repository.top or not own.has(entry.id):
        mend = f"git submodule update --init; git -C {entry.path} fetch origin {entry.id[:12]}"
        raise GitFailed(f"{entry.path} is a submodule, and its commit of then is not here: {mend}")
    tree.folders.add(path)
    _add(tree, own, entry.id, {"": path})
