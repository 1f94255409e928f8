"""The organisation's rules as of a revision: `--policies-at`, by which CI judges a request that may
change the rules itself.

They stand where the manifests of that revision had them. The work tree does not decide it: a
request may move its Tenant, or put a link in place of a folder. So paths are compared as text, and
no link of the work tree is followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.core.errors import BadRequest
from reconciler.core.safety.rules import Rule
from reconciler.manifests.decode.documents import Reading, read_file
from reconciler.manifests.decode.request import InputFiles, Request
from reconciler.manifests.files import paths
from reconciler.manifests.files.commit_tree import Commit, repository_of_paths
from reconciler.manifests.files.git import LINK, Repository
from reconciler.manifests.files.trees import shown
from reconciler.manifests.policies import policies
from reconciler.manifests.yaml.places import Document

OPTION = "--policies-at"
_DIGITS = 12  # of a commit id that stands in messages


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the repository that the run's paths lie in; `name` is how messages call it."""

    repository: Repository
    commit: str
    name: str

    def documents(
        self, files: InputFiles, places: Iterable[str], kind: str, reading: Reading
    ) -> list[Document]:
        """Its documents of that kind below absolute paths; what is wrong with its files joins the
        problems of `reading`.
        """
        wanted = {self.inside(place): place for place in places}
        tree = Commit(self.name)
        tree.add(self.repository, self.commit, wanted)
        tree.fetch()
        then, found = replace(files, tree=tree, keep=False), Reading(only=kind)
        for file in paths.find(tuple(wanted.values()), tree, found.problems)[0]:
            read_file(file, then, found)
        reading.problems += found.problems
        return found.kinds[kind]

    def inside(self, path: str) -> str:
        """An absolute path from the repository's top, "" for the top itself; raises BadRequest for
        one outside of it.
        """
        top = os.path.realpath(self.repository.top)
        for candidate in (
            path,
            os.path.realpath(path),
        ):  # the second for a way to the repository that has a link in it
            if candidate == top:
                return ""
            if candidate.startswith(f"{top}/"):
                return candidate.removeprefix(f"{top}/")
        raise BadRequest(f"{OPTION}: {shown(path)} lies outside of the repository")

    def has_folder(self, path: str) -> bool:
        """Whether the path is a folder in it; raises BadRequest for a link, behind which nothing is
        looked for.
        """
        inside = self.inside(path)
        entries = self.repository.entries(self.commit, [inside])
        if any(entry.path == inside and entry.mode == LINK for entry in entries):
            raise BadRequest(
                f"{OPTION}: {self.name}:{inside} is a link; name the folder that it "
                "leads to with --policies DIR"
            )
        return any(entry.path.startswith(f"{inside}/") for entry in entries)

    def every_folder(self) -> list[str]:
        """Each folder of policies that it has, wherever it stands."""
        found: dict[str, None] = {}
        for entry in self.repository.entries(self.commit, [""]):
            folders = entry.path.split("/")[:-1]
            if policies.FOLDER in folders:
                parts = folders[: folders.index(policies.FOLDER) + 1]
                found["/".join([os.path.realpath(self.repository.top), *parts])] = None
        return list(found)


def read(request: Request, reading: Reading, tenant: str | None) -> tuple[Rule, ...]:
    """The rules as of the revision of `request`, () where there were none; `tenant` is the name of
    the Tenant in use.

    What is wrong with them joins the problems of `reading`. Raises BadRequest and GitFailed.
    """
    here, rev = os.getcwd(), request.policies.revision or ""  # noqa: PTH109  strings, as all of this layer
    given = [path for path in request.files.paths if path != paths.STDIN_ARGUMENT]
    places = [os.path.abspath(path) for path in given] or [here]  # noqa: PTH100  likewise
    repository = repository_of_paths(map(_nearest, places), request.env, OPTION)
    commit = repository.commit(rev)
    revision = Revision(repository, commit, rev[:_DIGITS] if rev == commit else rev)
    folders = _folders(request, revision, places, tenant)
    documents = revision.documents(request.files, folders, "Policy", reading)
    made: list[Rule] = []
    for folder in folders:
        of_folder = [document for document in documents if policies.lies_in(document, folder)]
        made += [rule for _, rule in policies.rules(of_folder, folder, reading.problems)]
    return tuple(made)


def _nearest(path: str) -> str:
    """A path, or the nearest folder above it that is there: a request may have removed it."""
    while not os.path.exists(path):  # noqa: PTH110  likewise
        path = os.path.dirname(path)  # noqa: PTH120  likewise
    return path


def _folders(
    request: Request, revision: Revision, places: list[str], tenant: str | None
) -> list[str]:
    """The folders that held the policies then.

    A Tenant that the revision does not have is judged by all of its policies: it may be one that a
    request renamed or moved.
    """
    here = os.getcwd()  # noqa: PTH109  likewise
    if request.policies.folder is not None:
        given = os.path.abspath(request.policies.folder)  # noqa: PTH100  likewise
        if not revision.has_folder(given):
            raise BadRequest(
                f"{OPTION}: {revision.name} has no folder {shown(given)}; merge it "
                "first, in a request of its own"
            )
        return [given]
    candidates = [here]
    if request.tenant.by_manifest:
        there = _tenants(request.files, revision, places)
        if tenant not in there and not (tenant is None and there):
            return revision.every_folder()
        candidates = [*_beside(there, tenant), here]
    folders = [f"{candidate.rstrip('/')}/{policies.FOLDER}" for candidate in candidates]
    return [folder for folder in folders if revision.has_folder(folder)][:1]


def _beside(there: dict[str, str], tenant: str | None) -> list[str]:
    """The folder of the Tenant in use; of the only one where none is; of several none."""
    if tenant is not None:
        return [there[tenant]]
    return list(there.values()) if len(there) == 1 else []


def _tenants(files: InputFiles, revision: Revision, places: list[str]) -> dict[str, str]:
    """The Tenants of then by name, with the folder that each stood in."""
    documents = revision.documents(
        files, places, "Tenant", Reading()
    )  # faults elsewhere in it are not this run's
    return {document.value["metadata"]["name"]: document.file.folder for document in documents}
