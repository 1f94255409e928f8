"""What goes when objects are being deleted: Tenants, and objects that no Tenant manages.

A Tenant goes at once, unless its namespace goes with it: then its webhooks are asked for first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from reconciler.continuous.operator.cache import Cache
from reconciler.continuous.operator.cluster import Cluster, ClusterFailed
from reconciler.continuous.operator.objects import Object
from reconciler.continuous.operator.source import ClusterSource

_log = logging.getLogger("reconciler.continuous.operator")
_RETRY: Final = 2.0  # seconds until an API server that does not answer is asked again
_WAITING: Final = ("Webhook", "EventSubscription")  # what has something at a tenant


class Deletions:
    """Looks at one namespace at a time. `let_go` releases an object, `changed` is called with a
    namespace that has a Tenant less.
    """

    def __init__(
        self, cache: Cache, cluster: Cluster, source: ClusterSource,
        let_go: Callable[[Object], None], changed: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._cache, self._cluster, self._source = cache, cluster, source
        self._let_go, self._changed = let_go, changed
        self._namespaces: set[str] = set()  # to look at
        self._news = asyncio.Event()

    def note(self, namespace: str) -> None:
        """An object of the namespace is being deleted, or is gone."""
        self._namespaces.add(namespace)
        self._news.set()

    async def run(self) -> None:
        """Looks at what was noted, until it is cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._namespaces:
                namespace = self._namespaces.pop()
                try:
                    await self._look(namespace)
                except ClusterFailed as error:
                    _log.warning("%s", error)
                    self._namespaces.add(namespace)
                    await asyncio.sleep(_RETRY)

    async def _look(self, namespace: str) -> None:
        """Whether the namespace goes decides what becomes of its Tenants."""
        tenants = [
            item for item in self._cache.list_objects(namespace, "Tenant") if item.is_deleting
        ]
        if not tenants:
            return
        if not await self._cluster.is_terminating(namespace):
            self._source.leaving |= {item.uid for item in tenants}
            self._changed(namespace)
        elif self._has_waiting(namespace):
            return
        for item in tenants:
            self._let_go(item)

    def _has_waiting(self, namespace: str) -> bool:
        """Whether an object needs a Tenant before it can go."""
        return any(
            item.has_finalizer
            for kind in _WAITING
            for item in self._cache.list_objects(namespace, kind)
        )
