"""Removes our finalizers from every object, so that the operator can be uninstalled."""

from __future__ import annotations

from reconciler.continuous.operator.cluster import Cluster, ClusterFailed
from reconciler.continuous.operator.objects import KINDS
from reconciler.core.errors import ReconcilerError


class NotReleased(ReconcilerError):
    """The API server did not take it."""

    kind = "cluster"


async def release(cluster: Cluster, namespaces: tuple[str, ...]) -> int:
    """How many objects were released, in these namespaces or in all. Raises NotReleased; then it
    can be repeated.
    """
    count = 0
    try:
        for kind in KINDS.values():
            if not kind.has_finalizer:
                continue
            for item in await cluster.list_kind(kind.name):
                if item.has_finalizer and (not namespaces or item.namespace in namespaces):
                    await cluster.set_finalizer(item, present=False)
                    count += 1
    except ClusterFailed as error:
        raise NotReleased(f"{count} objects were released, then: {error}; run it again") from None
    return count
