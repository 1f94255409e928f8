"""The manifests at a revision of their repository: the same loader reads a commit instead of the
work tree.

Secret references are not resolved.
"""

from __future__ import annotations

import os
from dataclasses import replace

from reconciler.core.errors import BadRequest
from reconciler.core.saved.since import Base
from reconciler.manifests.decode.load_types import Manifests
from reconciler.manifests.decode.request import InputFiles, PolicyChoice, Request
from reconciler.manifests.files.commit_tree import Commit, find_repository_of_paths
from reconciler.manifests.files.git import Repository
from reconciler.manifests.load import load


def load_base(rev: str, manifests: Manifests, request: Request) -> Base:
    """What the manifests declared at `rev` for the tenant of `manifests`, which is what `request`
    read.

    Raises BadRequest for a revision or paths that git does not know, GitFailed, and
    InvalidManifests of that revision.
    """
    if request.files.has_stdin:
        raise BadRequest("--since: standard input (-) has no history; pass files or folders")
    paths = [os.path.abspath(path) for path in request.files.paths]  # noqa: PTH100  this layer keeps paths as text
    repository = find_repository_of_paths(paths, request.env)
    commit = repository.find_commit(rev)
    tree = Commit(rev)
    tree.add(repository, commit, {_path_from_top(repository, path): path for path in paths})
    moved_paths = _find_moved(tree, repository, commit, manifests)
    tree.remember(manifests.parsed_files)
    tree.fetch()
    tenant = manifests.tenant.name if manifests.tenant is not None else None
    base_manifests = load(_make_request(request, (*paths, *moved_paths), tree, tenant))
    declared = base_manifests.declared
    if (
        manifests.tenant is not None and base_manifests.tenant is None
    ):  # the revision has no Tenant of that name, and several or none of other names
        declared = tuple(item for item in declared if manifests.tenant.selects(item.labels))
    return Base(rev, commit, declared)


def _make_request(
    request: Request, paths: tuple[str, ...], tree: Commit, tenant: str | None
) -> Request:
    return replace(
        request,
        files=InputFiles(paths, request.files.stdin, tree, may_be_empty=True),
        strict=False,
        secrets=replace(request.secrets, mode="ignore"),
        tenant=replace(request.tenant, name=tenant, lenient=True),
        policies=PolicyChoice(),
    )


def _path_from_top(repository: Repository, path: str) -> str:
    """The path from the repository's top, "" for the top itself."""
    real, top = os.path.realpath(path), os.path.realpath(repository.top)
    return "" if real == top else real.removeprefix(top.rstrip("/") + "/")


def _find_moved(
    tree: Commit, repository: Repository, commit: str, manifests: Manifests
) -> list[str]:
    """The old paths of manifests that git sees as renamed from outside of the run's paths."""
    files = {f"{manifests.root}/{source}" for item in manifests.declared for source in item.sources}
    if manifests.tenant is not None:
        files.add(manifests.tenant.origin.file)
    new_files = {os.path.abspath(file) for file in files} - tree.files.keys()  # noqa: PTH100  this layer keeps paths as text
    new_paths = {_path_from_top(repository, path) for path in new_files if os.path.exists(path)}  # noqa: PTH110  standard input is no file
    known_paths = {entry.path for _, _, entry in tree.files.values()}
    if not new_paths:
        return []
    old_paths = [
        old_path
        for new_path, old_path in repository.find_renames(commit).items()
        if new_path in new_paths and old_path not in known_paths
    ]
    paths = {old_path: f"{repository.top}/{old_path}" for old_path in old_paths}
    if paths:
        tree.add(repository, commit, paths)
    return list(paths.values())
