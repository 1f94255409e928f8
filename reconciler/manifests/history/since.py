"""The manifests as of a revision of their repository: the same loader, fed from a commit instead of
the work tree.

Secret references are read as references only.
"""

from __future__ import annotations

import os
from dataclasses import replace

from reconciler.core.errors import BadRequest
from reconciler.core.saved.since import Base
from reconciler.manifests.decode.loaded import Manifests
from reconciler.manifests.decode.request import InputFiles, PolicyChoice, Request
from reconciler.manifests.files.commit_tree import Commit, repository_of_paths
from reconciler.manifests.files.git import Repository
from reconciler.manifests.load import load


def base(rev: str, now: Manifests, request: Request) -> Base:
    """What the manifests declared as of `rev` for the tenant of `now`, which is what `request`
    read.

    Raises BadRequest for a revision or paths that git does not know, GitFailed, and
    InvalidManifests of then.
    """
    if request.files.has_stdin:
        raise BadRequest("--since: standard input (-) has no past; name files or folders")
    paths = [os.path.abspath(path) for path in request.files.paths]  # noqa: PTH100  strings, as all of this layer
    repository = repository_of_paths(paths, request.env)
    commit = repository.commit(rev)
    tree = Commit(rev)
    tree.add(repository, commit, {_inside(repository, path): path for path in paths})
    moved = _moved(tree, repository, commit, now)
    tree.know(now.parsed)
    tree.fetch()
    tenant = now.tenant.name if now.tenant is not None else None
    files = InputFiles((*paths, *moved), request.files.stdin, tree, may_be_empty=True)
    then = replace(
        request,
        files=files,
        strict=False,
        secrets=replace(request.secrets, mode="ignore"),
        tenant=replace(request.tenant, name=tenant, lenient=True),
        policies=PolicyChoice(),
    )
    found = load(then)
    declared = found.declared
    if (
        now.tenant is not None and found.tenant is None
    ):  # there was none of that name, and not a single other one
        declared = tuple(item for item in declared if now.tenant.selects(item.labels))
    return Base(rev, commit, declared)


def _inside(repository: Repository, path: str) -> str:
    """The path from the repository's top, "" for the top itself."""
    real, top = os.path.realpath(path), os.path.realpath(repository.top)
    return "" if real == top else real.removeprefix(top.rstrip("/") + "/")


def _moved(tree: Commit, repository: Repository, commit: str, now: Manifests) -> list[str]:
    """Where manifests of now stood then, if git sees that they were moved here from outside of the
    paths.
    """
    files = {f"{now.root}/{source}" for item in now.declared for source in item.sources}
    if now.tenant is not None:
        files.add(now.tenant.origin.file)
    new = {os.path.abspath(file) for file in files} - tree.files.keys()  # noqa: PTH100  likewise
    wanted = {_inside(repository, path) for path in new if os.path.exists(path)}  # noqa: PTH110  standard input is no file
    known = {entry.path for _, _, entry in tree.files.values()}
    if not wanted:
        return []
    then = [
        was
        for is_now, was in repository.renamed(commit).items()
        if is_now in wanted and was not in known
    ]
    paths = {was: f"{repository.top}/{was}" for was in then}
    if paths:
        tree.add(repository, commit, paths)
    return list(paths.values())
