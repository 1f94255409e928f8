"""A commit that is the desired state itself: an agent reads it instead of a work tree.

Its files stand under a folder that does not exist on disk, so that no file of the machine can be
read in the place of one of the commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.core.errors import BadRequest, GitFailed
from reconciler.core.safety.evidence import Doubt, State
from reconciler.manifests.files.commit_tree import Commit
from reconciler.manifests.files.folders import is_manifest
from reconciler.manifests.files.git import LINK, SUBMODULE, Entry, Repository
from reconciler.manifests.files.trees import relative_path


@dataclass(slots=True)
class Published(Commit):
    """The manifest files below some paths of a commit, under the folder `root`.

    `origin` is the repository as `host/path`, None if it is not known. `entries` holds every file
    of the commit below the paths by absolute path, also those that no run reads.
    """

    root: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)
    is_complete: bool = True
    origin: str | None = None
    has_removals: bool = False  # a file that is gone names nothing

    def find_doubt(self, path: str) -> Doubt | None:
        """A file of the commit that no run read; None if the commit does not have it."""
        if path in self.entries:
            steps = self.show_path(path).split("/")
            hidden = next((at for at, step in enumerate(steps) if step.startswith(".")), None)
            if hidden is not None:
                return Doubt(State.HIDDEN, "/".join(steps[: hidden + 1]))
            return Doubt(State.UNREAD if is_manifest(steps[-1]) else State.ENDING)
        parents = [path[:at] for at in range(len(self.root) + 1, len(path)) if path[at] == "/"]
        link = next((each for each in parents if self._is_link(each)), None)
        return None if link is None else Doubt(State.LINK, self.show_path(link))

    def _is_link(self, path: str) -> bool:
        return path in self.entries and self.entries[path].mode == LINK

    def show_path(self, path: str) -> str:
        """The path from the top of the repository."""
        return relative_path(path, self.root)


def publish(
    repository: Repository, commit: str, paths: Iterable[str], root: str, origin: str | None
) -> Published:
    """The tree of a commit below `paths` from its top; reads every manifest file. Raises BadRequest
    for a path that the commit does not have, GitFailed for a submodule below the paths.
    """
    tree = Published(commit, root=root, origin=origin)
    places = {path: f"{root}/{path}".rstrip("/") for path in paths}
    tree.entries = {
        f"{root}/{entry.path}": entry for entry in repository.list_entries(commit, list(places))
    }
    submodules = [entry.path for entry in tree.entries.values() if entry.mode == SUBMODULE]
    if submodules:
        raise GitFailed(
            f"{submodules[0]} is a submodule: the agent reads one repository; name folders without "
            "submodules with --path"
        )
    tree.add(repository, commit, places)
    for path, place in places.items():
        if tree.find_kind(place) is None:
            raise BadRequest(f"--path {path}: commit {commit[:12]} has no such file or folder")
    tree.fetch()
    return tree
