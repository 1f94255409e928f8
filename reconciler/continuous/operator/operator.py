"""The operator: objects of a cluster, the controller, and what is written back, until it is
stopped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from reconciler import __version__
from reconciler.connect import open_provider
from reconciler.continuous.agent.server import create_app, serving
from reconciler.continuous.agent.status import make_status, make_tenant
from reconciler.continuous.controller import Controller
from reconciler.continuous.loop import Settings as LoopSettings
from reconciler.continuous.metrics import Metrics
from reconciler.continuous.operator.api import ApiServer
from reconciler.continuous.operator.cache import Cache
from reconciler.continuous.operator.cluster import ClusterFailed
from reconciler.continuous.operator.deletions import Deletions
from reconciler.continuous.operator.objects import GROUP, KINDS, VERSION, Object, decode_object
from reconciler.continuous.operator.orphans import make_unused_status
from reconciler.continuous.operator.runs import Run
from reconciler.continuous.operator.settings import OperatorSettings
from reconciler.continuous.operator.shards import Shards
from reconciler.continuous.operator.source import ClusterSettings, ClusterSource
from reconciler.continuous.operator.watch.events import Watched, watch
from reconciler.continuous.operator.writer import Writer
from reconciler.continuous.results import Result
from reconciler.continuous.run import Runner
from reconciler.continuous.schedule import Reason

_log = logging.getLogger("reconciler.continuous.operator")
_LAST_WRITES: Final = 5.0  # seconds that statuses may take at the end
_RETRY: Final = 2.0  # seconds until an API server that does not answer is asked again


class Operator:
    """One replica of the operator. `stop` ends it, from a signal handler too."""

    def __init__(self, api: ApiServer, settings: OperatorSettings) -> None:
        self._api, self._settings = api, settings
        self._cache = Cache()
        self._shards = Shards(api, settings.leases, self._take_shards)
        cluster = ClusterSettings(settings.leases.namespace, settings.lookup, self._shards.holds)
        self._source = ClusterSource(self._cache, api, cluster)
        self._metrics = Metrics()
        counted = partial(open_provider, observe=self._metrics.note_call)
        self._runner = Runner(self._source, replace(settings.run, open=counted))
        loop = LoopSettings(settings.clock, settings.spread, settings.workers, settings.settle)
        self._controller = Controller(
            self._source, self._runner, loop, self._metrics, (self._note_result,)
        )
        self._writer = Writer(self._cache, api, settings.run.now, self._source)
        self._deletions = Deletions(
            self._cache, api, self._source, self._writer.let_go, self._drop_tenants
        )
        self._kinds = list(KINDS)  # that are watched
        self._stopped = asyncio.Event()
        self._missed = asyncio.Event()  # the watch may have missed something
        self._recovered = asyncio.Event()  # the cluster can be read again
        self._problem = "the cluster has not been read yet"
        self._last_look: datetime | None = None

    def stop(self) -> None:
        """Ends the operator: nothing new is started, requests under way are finished."""
        self._stopped.set()

    async def run(self, ready: Callable[[str], None]) -> None:
        """Until `stop`; `ready` gets the origin of the page. Raises NotServed, BadRequest."""
        async with serving(
            create_app(self, {}, self._settings.place.hosts), self._settings.place
        ) as origin:
            ready(origin)
            work = (self._follow(), self._writer.run(), self._deletions.run())
            beside = [asyncio.ensure_future(each) for each in work]
            try:
                await self._controller.run_until_stopped(
                    self._stopped, self._settings.grace, beside
                )
            finally:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._writer.flush(), _LAST_WRITES)
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)

    async def _follow(self) -> None:
        """Reads the cluster whole, then follows its changes; only then a Tenant may run."""
        while not await self._resync():  # noqa: ASYNC110  it asks a server
            await asyncio.sleep(_RETRY)
        watched = Watched(
            GROUP,
            VERSION,
            tuple(KINDS[kind].plural for kind in self._kinds),
            self._settings.login,
            self._settings.namespaces,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(watched))
            group.create_task(self._shards.run())
            group.create_task(self._resync_regularly())

    async def _watch(self, watched: Watched) -> None:
        """Watches, anew after the cluster could not be read: a kind that was missing then is not
        watched.
        """
        while True:
            self._recovered.clear()
            task = asyncio.ensure_future(watch(watched, self._take_event, self._missed.set))
            try:
                await self._recovered.wait()
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _resync_regularly(self) -> None:
        """Lists everything now and then, and soon after the watch or a listing failed."""
        while True:
            had_problem = bool(self._problem)
            if had_problem:
                await asyncio.sleep(_RETRY)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._missed.wait(), self._settings.resync)
            self._missed.clear()
            if await self._resync() and had_problem:
                self._recovered.set()

    async def _resync(self) -> bool:
        """Lists every kind; whether that worked. What a watch missed is noticed here. Nothing is
        concluded of a part: a Webhook without its Tenant would look unused.
        """
        try:
            self._source.cluster_uid = await self._api.read_uid()
            before = {
                kind: frozenset(item.uid for item in self._cache.list_kind(kind)) for kind in KINDS
            }
            listed = {kind: await self._list_kind(kind) for kind in KINDS}
        except ClusterFailed as error:
            if self._problem != str(error):
                _log.error("the cluster cannot be read: %s", error)
            self._problem = str(error)
        else:
            self._problem = ""
            self._last_look = self._settings.run.now()
            changed = [
                item
                for kind, items in listed.items()
                for item in self._cache.replace_kind(kind, items, before[kind])
            ]
            for item in changed:
                self._take_change(item, is_gone=self._cache.find(item.key) is None)
        self._metrics.note_source(is_ready=not self._problem)
        return not self._problem

    async def _list_kind(self, kind: str) -> list[Object]:
        """Every object of a kind. With the rights of some namespaces alone there are no
        ClusterTenants.
        """
        namespaces = self._settings.namespaces
        try:
            return await self._api.list_kind(kind, namespaces)
        except ClusterFailed as error:
            if error.status != 403 or not namespaces or KINDS[kind].is_namespaced:
                raise
        if kind in self._kinds:
            _log.info("there are no %ss without the right to list them", kind)
            self._kinds.remove(kind)
        return []

    def _take_event(self, body: Mapping[str, Any], is_gone: bool) -> None:
        """One event of the watch."""
        item = decode_object(body)
        if item is None:
            return
        changed = self._cache.remove(item.key, item.uid) if is_gone else self._cache.put(item)
        if changed:
            self._take_change(item, is_gone=is_gone)

    def _take_change(self, item: Object, *, is_gone: bool) -> None:
        """A run would see a difference: its Tenants are due."""
        if is_gone:
            self._source.forget(item)
        if item.namespace and (item.is_deleting or is_gone):
            self._deletions.note(item.namespace)
        affected = self._source.find_affected(item)
        if item.kind in {"Tenant", "ClusterTenant"}:
            self._take_tenants()
            self._note_unused(item.namespace)
        elif self._is_new_to_loop(item, affected, is_gone=is_gone):
            self._take_tenants()
        for key in affected:
            self._controller.loop.ask(key, Reason.CHANGE)
        if not affected and not is_gone:
            self._note_unused(item.namespace, item)

    def _is_new_to_loop(self, item: Object, affected: list[str], *, is_gone: bool) -> bool:
        """Whether a ClusterTenant has an item more or less: the first or last Webhook of a
        namespace.
        """
        if item.kind != "Webhook":
            return False
        if is_gone:
            return not self._cache.has_kind(item.namespace, "Webhook")
        known = self._controller.loop.items
        return any(key not in known for key in affected) and self._source.holds(item.namespace)

    def _note_unused(self, namespace: str, *items: Object) -> None:
        """Objects without a Tenant: their status says so, and nothing keeps them from going. Those
        of the namespace, "" for all; or only these.
        """
        for name in [namespace] if namespace else self._cache.list_namespaces():
            if any(True for _ in self._source.list_items(name)) or not self._source.holds(name):
                continue
            for item in items or self._cache.list_objects(name, "Webhook") + (
                self._cache.list_objects(name, "EventSubscription")
            ):
                if item.is_deleting:
                    self._writer.let_go(item)
                elif item.kind in {"Webhook", "EventSubscription"}:
                    status = make_unused_status(item, self._settings.run.now())
                    self._writer.note_status(item, status)

    def _drop_tenants(self, namespace: str) -> None:
        """A namespace has a Tenant less: its objects may be unused, or go now."""
        self._take_tenants()
        self._note_unused(namespace)
        for key, _ in self._source.list_items(namespace):
            self._controller.loop.ask(key, Reason.CHANGE)

    def _take_shards(self) -> None:
        """A shard came or went."""
        self._take_tenants()
        self._note_unused("")
        for item in self._cache.list_kind("Tenant"):
            if item.is_deleting:
                self._deletions.note(item.namespace)

    def _take_tenants(self) -> None:
        """Takes over the Tenants of this replica; runs of others are stopped."""
        self._controller.take_tenants(changed=False)
        self._runner.stop(self._controller.loop.removed)
        for key in self._source.runs.keys() - self._controller.loop.items.keys():
            del self._source.runs[key]

    def _note_result(self, result: Result) -> None:
        """What a run found is written back, unless its shard is no longer ours."""
        removed = self._controller.loop.removed
        if result.tenant not in self._source.runs or result.tenant in removed:
            return
        objects, documents = self._source.runs[result.tenant]
        item = self._controller.loop.items.get(result.tenant)
        seconds = item.interval if item is not None else 0.0
        due = self._settings.run.now() + timedelta(seconds=seconds)
        run = Run(result.tenant, result, objects, documents, due.isoformat(timespec="seconds"))
        self._writer.note_run(run)

    @property
    def is_ready(self) -> bool:
        """Whether the cluster was read, as `Board` says."""
        return not self._problem

    def make_status(self) -> dict[str, Any]:
        """As `Board` says."""
        now, clock = datetime.now(UTC), self._settings.clock()
        items = self._controller.loop.items
        tenants = [
            make_tenant(items[key], self._controller.results.get(key), now, clock)
            for key in sorted(items)
        ]
        look = self._last_look
        source = {
            "is_cluster": True,
            "cluster": self._source.cluster_uid or None,
            "shards": sorted(self._shards.held),
            "problem": self._problem or None,
            "last_look": look.isoformat(timespec="seconds") if look else None,
        }
        return make_status(tenants, source, __version__, now)

    def render_metrics(self) -> bytes:
        """As `Board` says."""
        return self._metrics.render()

    def take_push(self, ref: str, delivery: str) -> bool:  # noqa: ARG002  no forge pushes here
        """As `Board` says."""
        return False
