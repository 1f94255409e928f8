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
    find_repository,
    make_blob_id,
)
from reconciler.manifests.files.trees import show_path
from reconciler.manifests.yaml.document import ParsedFile
from reconciler.manifests.yaml.reader import SIZE

_CommitFile = tuple[
    Repository, str, Entry
]  # repository, commit and entry; a submodule has its own commit


@dataclass(slots=True)
class Commit:
    """A `Tree` of the manifest files below some paths in a commit. Messages call it `name`."""

    name: str
    folders: set[str] = field(default_factory=set)
    files: dict[str, _CommitFile] = field(default_factory=dict)
    contents: dict[str, bytes | None] = field(default_factory=dict)
    parsed_by_id: dict[str, ParsedFile] = field(default_factory=dict)
    is_complete: bool = False

    def find_kind(self, path: str) -> Literal["folder", "file"] | None:
        """The kind of a path in the commit."""
        if path in self.files:
            return "file"
        return "folder" if path in self.folders else None

    def list_files(self, folders: Sequence[str], problems: list[Problem]) -> list[list[str]]:  # noqa: ARG002  a commit has no unreadable folder
        """The files that a run over these folders would have read."""
        tops = [folder.rstrip("/") + "/" for folder in folders]
        return [
            [path for path in self.files if path.startswith(top) and _is_read(path[len(top) :])]
            for top in tops
        ]

    def read(self, path: str, max_bytes: int) -> bytes:
        """The file's bytes then; of a link, those of its target."""
        data = self.contents[path]
        if data is None:
            raise OSError(errno.ENOENT, "it leads to no file of that commit", path)
        return data[:max_bytes]

    def find_parsed(self, path: str) -> ParsedFile | None:
        """The parsed file of the work tree, if its text was the same then."""
        _, _, entry = self.files[path]
        return self.parsed_by_id.get(entry.id) if entry.mode != LINK else None

    def show_path(self, path: str) -> str:
        """In git's form: `REV:path`."""
        return f"{self.name}:{show_path(path)}"

    def add(self, repository: Repository, commit: str, paths: Mapping[str, str]) -> None:
        """Adds the commit's files below paths from the top, under the absolute paths that they
        stand for; raises GitFailed.
        """
        _add_files(self, repository, commit, paths)

    def remember(self, parsed_files: Iterable[ParsedFile]) -> None:
        """Notes parsed files by the ids that git gives their texts. The index may hold different
        texts.
        """
        lengths = {len(entry.id) for _, _, entry in self.files.values()}
        for parsed_file in parsed_files:
            data = parsed_file.file.text.encode()
            self.parsed_by_id |= {make_blob_id(data, length): parsed_file for length in lengths}

    def fetch(self) -> None:
        """Reads all other files, in few processes; raises GitFailed."""
        for follow in (False, True):
            places: dict[Repository, dict[str, str]] = {}
            for path, (repository, commit, entry) in self.files.items():
                if self.find_parsed(path) is not None:
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
                    repository.read_blobs(list(names.values()), SIZE + 1, follow=follow),
                    strict=True,
                )


def _is_read(path: str) -> bool:
    *folders, name = path.split("/")
    return is_manifest(name) and not any(folder.startswith(".") for folder in folders)


def find_repository_of_paths(
    paths: Iterable[str], env: Mapping[str, str], option: str = "--since"
) -> Repository:
    """The one repository of all paths, absolute. Errors mention `option`. Raises BadRequest,
    GitFailed.
    """
    real_paths = map(os.path.realpath, paths)
    folders = dict.fromkeys(map(_folder_of, real_paths))
    tops = dict.fromkeys(find_repository(folder, env, option).top for folder in folders)
    if len(tops) > 1:
        raise BadRequest(
            f"{option}: the paths lie in several repositories: {', '.join(map(show_path, tops))}"
        )
    return find_repository(next(iter(folders)), env, option)


def _folder_of(path: str) -> str:
    return path if os.path.isdir(path) else os.path.dirname(path)  # noqa: PTH112, PTH120  this layer keeps paths as text


def _add_files(tree: Commit, repository: Repository, commit: str, paths: Mapping[str, str]) -> None:
    """The commit's files below paths from the top, under the absolute paths that they stand for."""
    for entry in repository.list_entries(commit, list(paths)):
        for path_from_top in _with_parents(entry.path):
            if path_from_top not in paths:
                continue
            path_below = entry.path[len(path_from_top) :].lstrip("/")
            if path_below:
                tree.folders.add(paths[path_from_top])
            path = (
                f"{paths[path_from_top].rstrip('/')}/{path_below}"
                if path_below
                else paths[path_from_top]
            )
            if entry.mode == SUBMODULE:
                _add_submodule(tree, repository, entry, path)
            elif not path_below or _is_read(path_below):
                tree.files[path] = (repository, commit, entry)


def _with_parents(path: str) -> list[str]:
    """A path and every folder above it, the top last."""
    paths = [path]
    while path:
        path = path.rpartition("/")[0]
        paths.append(path)
    return paths


def _add_submodule(tree: Commit, repository: Repository, entry: Entry, path: str) -> None:
    """Adds the files of a submodule at the commit that was recorded then."""
    if any(folder.startswith(".") for folder in entry.path.split("/")):
        return
    submodule_path = f"{repository.top}/{entry.path}"
    submodule = repository
    if os.path.isdir(submodule_path):  # noqa: PTH112  this layer keeps paths as text
        submodule = find_repository(submodule_path, repository.env)
    if submodule.top == repository.top or not submodule.has_commit(entry.id):
        fix = f"git submodule update --init; git -C {entry.path} fetch origin {entry.id[:12]}"
        raise GitFailed(
            f"{entry.path} is a submodule, and the recorded commit is not in this clone: {fix}"
        )
    tree.folders.add(path)
    _add_files(tree, submodule, entry.id, {"": path})
