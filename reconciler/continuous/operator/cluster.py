"""What the operator needs of an API server. `api.py` is the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from reconciler.continuous.operator.objects import Object


class ClusterFailed(Exception):
    """The API server refused a request, or did not answer. Its text holds no Secret."""


class Cluster(Protocol):
    """The requests that the operator makes. All raise ClusterFailed."""

    async def list_kind(self, kind: str) -> list[Object]:
        """Every object of a kind."""
        ...

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """The texts of a Secret by key, None if there is none."""
        ...

    async def is_terminating(self, namespace: str) -> bool:
        """Whether the namespace is being deleted."""
        ...

    async def find_terminating_kinds(self) -> frozenset[str]:
        """The kinds whose CustomResourceDefinition is missing or being deleted."""
        ...

    async def read_uid(self) -> str:
        """The uid of the cluster: that of its namespace kube-system."""
        ...

    async def set_finalizer(self, item: Object, *, present: bool) -> None:
        """Adds or removes our finalizer; an object that is gone is no failure."""
        ...

    async def apply_status(self, item: Object, status: Mapping[str, Any]) -> None:
        """Writes the status; an object that is gone is no failure."""
        ...

    async def emit(self, item: Object, reason: str, message: str, *, is_warning: bool) -> None:
        """Adds an Event to an object."""
        ...
