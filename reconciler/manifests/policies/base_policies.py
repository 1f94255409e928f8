"""The organisation's rules at a revision (`--policies-at`): CI uses them to check a pull request
that may change the rules.

They are read from where that revision has them, not the work tree: a pull request may move its
Tenant, or replace a folder by a link. So paths are compared as text, and no link of the work tree
is followed.
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
from reconciler.manifests.files.commit_tree import Commit, find_repository_of_paths
from reconciler.manifests.files.git import LINK, Repository
from reconciler.manifests.files.trees import show_path
from reconciler.manifests.policies import policies
from reconciler.manifests.yaml.document import Document

OPTION = "--policies-at"
_DIGITS = 12  # of a commit id that stands in messages


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the repository around the run's paths; messages call it `name`."""

    repository: Repository
    commit: str
    name: str

    def read_documents(
        self, files: InputFiles, places: Iterable[str], kind: str, reading: Reading
    ) -> list[Document]:
        """The commit's documents of that kind below absolute paths. The problems of its files join
        those of `reading`.
        """
        place_by_path = {self.path_from_top(place): place for place in places}
        tree = Commit(self.name)
        tree.add(self.repository, self.commit, place_by_path)
        tree.fetch()
        base_files, reading_then = (
            replace(files, tree=tree, keep=False),
            Reading(only_kind=kind),
        )
        for file in paths.find_files(tuple(place_by_path.values()), tree, reading_then.problems)[0]:
            read_file(file, base_files, reading_then)
        reading.problems += reading_then.problems
        return reading_then.kinds[kind]

    def path_from_top(self, path: str) -> str:
        """A path from the repository's top, "" for the top itself; raises BadRequest for a path
        outside of it.
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
        raise BadRequest(f"{OPTION}: {show_path(path)} lies outside of the repository")

    def has_folder(self, path: str) -> bool:
        """Whether the commit has the folder; raises BadRequest for a link, which is not
        followed.
        """
        folder_path = self.path_from_top(path)
        entries = self.repository.list_entries(self.commit, [folder_path])
        if any(entry.path == folder_path and entry.mode == LINK for entry in entries):
            raise BadRequest(
                f"{OPTION}: {self.name}:{folder_path} is a link; name the folder that it "
                "leads to with --policies DIR"
            )
        return any(entry.path.startswith(f"{folder_path}/") for entry in entries)

    def list_folders(self) -> list[str]:
        """Every folder of policies in the commit."""
        folders: dict[str, None] = {}
        for entry in self.repository.list_entries(self.commit, [""]):
            parents = entry.path.split("/")[:-1]
            if policies.FOLDER in parents:
                parts = parents[: parents.index(policies.FOLDER) + 1]
                folders["/".join([os.path.realpath(self.repository.top), *parts])] = None
        return list(folders)


def read_base_policies(request: Request, reading: Reading, tenant: str | None) -> tuple[Rule, ...]:
    """The rules at the revision of `request`, () if there are none; `tenant` is the name of the
    Tenant in use.

    The problems of the rules join those of `reading`. Raises BadRequest and GitFailed.
    """
    current_folder, rev = os.getcwd(), request.policies.revision or ""  # noqa: PTH109  this layer keeps paths as text
    arguments = [path for path in request.files.paths if path != paths.STDIN_ARGUMENT]
    places = [os.path.abspath(path) for path in arguments] or [current_folder]  # noqa: PTH100  this layer keeps paths as text
    repository = find_repository_of_paths(map(_nearest_existing, places), request.env, OPTION)
    commit = repository.find_commit(rev)
    revision = Revision(repository, commit, rev[:_DIGITS] if rev == commit else rev)
    folders = _find_policy_folders(request, revision, places, tenant)
    documents = revision.read_documents(request.files, folders, "Policy", reading)
    rules: list[Rule] = []
    for folder in folders:
        folder_documents = [
            document for document in documents if policies.is_in_folder(document, folder)
        ]
        rules += [
            rule for _, rule in policies.make_rules(folder_documents, folder, reading.problems)
        ]
    return tuple(rules)


def _nearest_existing(path: str) -> str:
    """The path, or the nearest existing folder above it: a pull request may have removed it."""
    while not os.path.exists(path):  # noqa: PTH110  this layer keeps paths as text
        path = os.path.dirname(path)  # noqa: PTH120  this layer keeps paths as text
    return path


def _find_policy_folders(
    request: Request, revision: Revision, places: list[str], tenant: str | None
) -> list[str]:
    """The folders that hold the policies in the commit.

    If the revision does not have the Tenant, then all of its policies count: a pull request may
    have renamed or moved the Tenant.
    """
    current_folder = os.getcwd()  # noqa: PTH109  this layer keeps paths as text
    if request.policies.folder is not None:
        policies_folder = os.path.abspath(request.policies.folder)  # noqa: PTH100  this layer keeps paths as text
        if not revision.has_folder(policies_folder):
            raise BadRequest(
                f"{OPTION}: {revision.name} has no folder {show_path(policies_folder)}; merge it "
                "first, in a request of its own"
            )
        return [policies_folder]
    candidates = [current_folder]
    if request.tenant.by_manifest:
        tenant_folders = _find_tenant_folders(request.files, revision, places)
        if tenant not in tenant_folders and not (tenant is None and tenant_folders):
            return revision.list_folders()
        candidates = [*_tenant_folders(tenant_folders, tenant), current_folder]
    folders = [f"{candidate.rstrip('/')}/{policies.FOLDER}" for candidate in candidates]
    return [folder for folder in folders if revision.has_folder(folder)][:1]


def _tenant_folders(folders_by_tenant: dict[str, str], tenant: str | None) -> list[str]:
    """The folder of the Tenant in use; without one the folder of the only Tenant, if there is only
    one.
    """
    if tenant is not None:
        return [folders_by_tenant[tenant]]
    return list(folders_by_tenant.values()) if len(folders_by_tenant) == 1 else []


def _find_tenant_folders(
    files: InputFiles, revision: Revision, places: list[str]
) -> dict[str, str]:
    """The folder of each Tenant in the commit, by name."""
    documents = revision.read_documents(
        files, places, "Tenant", Reading()
    )  # faults elsewhere in it are not this run's
    return {document.value["metadata"]["name"]: document.file.folder for document in documents}
