"""The objects of a cluster as manifest files: what the operator reads instead of a work tree.

Each object is a JSON document in a folder of its own, so that a run looks at exactly those objects.
An object that is being deleted is no file any more, but evidence of a removal.
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from reconciler.core.model.problem import Problem
from reconciler.core.safety.evidence import Doubt, State

FILE_NAME: Final = "object.json"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ObjectTree:
    """Documents by absolute path, each called FILE_NAME; `removed` are paths of objects that are
    being deleted. `origin` names the cluster as `host/path` names a repository.
    """

    root: str
    documents: Mapping[str, bytes]
    origin: str | None = None
    removed: frozenset[str] = frozenset()
    is_complete: bool = field(default=True, init=False)

    @property
    def has_removals(self) -> bool:
        """Whether an object is being deleted."""
        return bool(self.removed)

    def find_kind(self, path: str) -> Literal["folder", "file"] | None:
        """The kind of a path: an object, or a folder of one or more."""
        if path in self.documents:
            return "file"
        if f"{path}/{FILE_NAME}" in self.documents or f"{path}/{FILE_NAME}" in self.removed:
            return "folder"
        return "folder" if self._list_below(path) else None

    def list_files(self, folders: Sequence[str], problems: list[Problem]) -> list[list[str]]:  # noqa: ARG002  no object is unreadable
        """The objects of each folder that are not being deleted."""
        return [self._list_folder(folder) for folder in folders]

    def _list_folder(self, folder: str) -> list[str]:
        file = f"{folder}/{FILE_NAME}"
        if file in self.documents or file in self.removed:
            return [file] if file in self.documents else []
        return self._list_below(folder)

    def _list_below(self, folder: str) -> list[str]:
        return [path for path in self.documents if path.startswith(f"{folder}/")]

    def read(self, path: str, max_bytes: int) -> bytes:
        """The document of an object."""
        if path not in self.documents:
            raise OSError(errno.ENOENT, "there is no such object", path)
        return self.documents[path][:max_bytes]

    def find_parsed(self, path: str) -> None:
        """None: no document was parsed before."""

    def show_path(self, path: str) -> str:
        """`namespace/plural/name`, as `kubectl` names an object."""
        shown = posixpath.relpath(path, self.root)
        return shown.removesuffix(f"/{FILE_NAME}")

    def find_doubt(self, path: str) -> Doubt | None:
        """None for an object that is being deleted: of any other nothing is known."""
        return None if path in self.removed else Doubt(State.NO_OBJECT)
