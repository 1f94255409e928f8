"""What the operator needs of an API server. `api.py` is the real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from reconciler.continuous.operator.objects import Object

_FINAL: Final = frozenset({400, 403, 405, 413, 415, 422})


class ClusterFailed(Exception):
    """The API server refused a request, or did not answer: then `status` is 0. Its text holds no
    Secret.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_final(self) -> bool:
        """Whether the same request would be refused again."""
        return self.status in _FINAL


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease of `coordination.k8s.io`: its holder, "" if there is none, and for how many seconds
    after it was renewed. Times are texts of the holder's clock. `version` is its resourceVersion,
    "" for one that is to be created.
    """

    name: str
    holder: str
    duration: float
    acquired: str
    renewed: str
    transitions: int = 0
    version: str = ""


class Leases(Protocol):
    """The requests for Leases. All raise ClusterFailed."""

    async def read_lease(self, namespace: str, name: str) -> Lease | None:
        """The Lease, None if there is none."""
        ...

    async def write_lease(self, namespace: str, lease: Lease) -> Lease | None:
        """Creates or replaces it: as it is then, None if somebody else changed it since it was
        read.
        """
        ...


class Cluster(Protocol):
    """The requests that the operator makes. All raise ClusterFailed."""

    async def list_kind(self, kind: str, namespaces: tuple[str, ...] = ()) -> list[Object]:
        """Every object of a kind, in these namespaces or in all."""
        ...

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """The texts of a Secret by key, None if there is none."""
        ...

    async def is_terminating(self, namespace: str) -> bool:
        """Whether the namespace is being deleted. A namespace that is missing is a failure."""
        ...

    async def find_terminating_kinds(self) -> frozenset[str]:
        """The kinds whose CustomResourceDefinition is missing or being deleted."""
        ...

    async def read_uid(self) -> str:
        """The uid of the cluster: that of its namespace kube-system."""
        ...

    async def set_finalizer(self, item: Object, *, present: bool) -> bool:
        """Adds or removes our finalizer; whether the object is still there."""
        ...

    async def apply_status(self, item: Object, status: Mapping[str, Any]) -> bool:
        """Writes the status; whether the object is still there."""
        ...

    async def emit(self, item: Object, reason: str, message: str, *, is_warning: bool) -> None:
        """Adds an Event to an object."""
        ...
