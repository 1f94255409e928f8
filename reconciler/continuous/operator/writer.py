"""Writes back what runs found: statuses, Events, and finalizers that may go. Queued, beside the
runs: an API server that is slow delays none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from reconciler.continuous.operator.cache import Cache
from reconciler.continuous.operator.cluster import Cluster, ClusterFailed
from reconciler.continuous.operator.documents import Objects
from reconciler.continuous.operator.objects import Key, Object
from reconciler.continuous.operator.released import find_released
from reconciler.continuous.operator.runs import Run, how_to_accept
from reconciler.continuous.operator.source import ClusterSource
from reconciler.continuous.operator.status import make_statuses, make_tenant_status
from reconciler.continuous.results import Result, State

_log = logging.getLogger("reconciler.continuous.writer")
_AT_ONCE: Final = 10  # requests
_RETRY: Final = 5.0  # seconds until what failed is written again
_WORST: Final = (  # of the states of a ClusterTenant in its namespaces the last one counts
    State.SYNCED,
    State.APPLIED,
    State.PENDING,
    State.DRIFTED,
    State.FAILED,
    State.REFUSED,
)


class Writer:
    """What is to be written, by object: only the newest state of each."""

    def __init__(
        self, cache: Cache, cluster: Cluster, now: Callable[[], datetime], source: ClusterSource
    ) -> None:
        self._cache, self._cluster, self._now, self._source = cache, cluster, now, source
        self._statuses: dict[Key, tuple[Object, dict[str, Any]]] = {}
        self._in_flight: dict[Key, tuple[Object, dict[str, Any]]] = {}  # statuses
        self._finalizers: dict[Key, Object] = {}
        self._events: list[tuple[Object, str, str, bool]] = []
        self._told: dict[str, tuple[str, str]] = {}  # the last Event of each Tenant
        self._released: dict[str, set[str]] = {}  # uid of an object -> Tenants that let it go
        self._shared: dict[str, Run] = {}  # the last run of each item of a ClusterTenant
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()

    def note_run(self, run: Run) -> None:
        """Takes a run that ended. Statuses are made of the newest ones: another run may have
        written since this one began.
        """
        run = replace(run, objects=self._refresh(run.objects))
        now = self._now().isoformat(timespec="seconds").replace("+00:00", "Z")
        items = {item.key: item for item in (run.objects.tenant, *run.objects.others)}
        statuses = make_statuses(run, now)
        if run.objects.tenant.kind == "ClusterTenant":
            statuses[run.objects.tenant.key] = make_tenant_status(self._find_worst(run), now)
        for key, status in statuses.items():
            if items[key].status != status:
                self._statuses[key] = items[key], status
        for item in find_released(run):
            self._release(item, run.key)
        self._tell(run)
        self._tell_tests(run)
        self._news.set()

    def _tell_tests(self, run: Run) -> None:
        """An Event per test delivery that failed."""
        webhooks = {item.name: item for item in run.objects.list_kind("Webhook")}
        self._events += [
            (webhooks[test.key], "TestFailed", test.text, True)
            for test in run.result.tests
            if not test.has_passed and test.key in webhooks
        ]

    def _refresh(self, objects: Objects) -> Objects:
        others = tuple(map(self._find_newest, objects.others))
        return replace(objects, tenant=self._find_newest(objects.tenant), others=others)

    def _find_newest(self, item: Object) -> Object:
        """The object of a run with the newest status, written or not."""
        found = self._cache.find(item.key)
        if found is None or found.uid != item.uid:
            return item
        for waiting in (self._statuses, self._in_flight):
            if item.key in waiting:
                return replace(item, status=waiting[item.key][1])
        return replace(item, status=found.status)

    def note_status(self, item: Object, status: Mapping[str, Any]) -> None:
        """Takes the status of one object that no run reads."""
        if item.status != status:
            self._statuses[item.key] = item, dict(status)
            self._news.set()

    def let_go(self, item: Object) -> None:
        """The finalizer of an object may go."""
        found = self._cache.find(item.key)
        if found is not None and found.uid == item.uid and found.has_finalizer:
            self._finalizers[item.key] = found
            self._news.set()

    def _release(self, item: Object, tenant: str) -> None:
        """One Tenant has nothing of the object any more; it goes when no Tenant has."""
        released = self._released.setdefault(item.uid, set())
        released.add(tenant)
        if released.issuperset(key for key, _ in self._source.list_items(item.namespace)):
            del self._released[item.uid]
            self.let_go(item)

    def _find_worst(self, run: Run) -> Run:
        """Of the namespaces of a ClusterTenant the run that needs a person most: it has one status
        for all.
        """
        self._shared[run.key] = run
        self._shared = {key: each for key, each in self._shared.items() if self._is_current(each)}
        mine = (r for r in self._shared.values() if r.objects.tenant.key == run.objects.tenant.key)
        worst = max(mine, key=lambda each: (_WORST.index(each.result.state), each.key))
        return replace(worst, objects=replace(worst.objects, tenant=run.objects.tenant))

    def _is_current(self, run: Run) -> bool:
        items = self._source.list_items(run.objects.namespace)
        return any(key == run.key for key, _ in items)

    def _tell(self, run: Run) -> None:
        """An Event for what is new: a refused plan once per digest, other things until they
        change.
        """
        event = _make_event(run)
        if event is None:
            self._told.pop(run.key, None)
            return
        reason, message, is_warning = event
        known = (reason, run.result.digest if reason == "GuardRefused" else message)
        if self._told.get(run.key) != known or reason == "Applied":
            self._events.append((run.objects.tenant, reason, message, is_warning))
        self._told[run.key] = known

    async def run(self) -> None:
        """Writes what comes, until it is cancelled."""
        while True:
            await self._news.wait()
            if not await self.flush():
                await asyncio.sleep(_RETRY)
                self._news.set()

    async def flush(self) -> bool:
        """Writes all that waits; whether everything was written. The rest waits for the next
        time.
        """
        async with self._writing:
            return await self._flush()

    async def _flush(self) -> bool:
        self._news.clear()
        statuses = {key: each for key, each in self._statuses.items() if self._is_there(each[0])}
        finalizers = {key: each for key, each in self._finalizers.items() if self._is_there(each)}
        self._statuses, self._finalizers, self._in_flight = {}, {}, statuses
        events, self._events = self._events, []
        cluster = self._cluster
        written = await _call_all(
            *(cluster.apply_status(*each) for each in statuses.values()),
            *(cluster.set_finalizer(item, present=False) for item in finalizers.values()),
            *(
                cluster.emit(item, reason, text, is_warning=is_warning)
                for item, reason, text, is_warning in events
            ),
        )
        count = len(statuses)
        for (key, (item, status)), done in zip(statuses.items(), written[:count], strict=True):
            if done:
                self._keep(item, status)
            else:
                self._statuses.setdefault(key, (item, status))
        self._in_flight = {}
        gone = zip(finalizers, written[count : count + len(finalizers)], strict=True)
        self._finalizers = {k: finalizers[k] for k, done in gone if not done} | self._finalizers
        return not (self._statuses or self._finalizers)

    def _keep(self, item: Object, status: Mapping[str, Any]) -> None:
        """A status is written: known before the watch shows it."""
        found = self._cache.find(item.key)
        if found is not None and found.uid == item.uid:
            self._cache.put(replace(found, status=status))

    def _is_there(self, item: Object) -> bool:
        """Whether an object can still be written, by this replica."""
        found = self._cache.find(item.key)
        if found is None or found.uid != item.uid:
            return False
        return not item.namespace or self._source.holds(item.namespace)


async def _call_all(*calls: Awaitable[object]) -> list[bool]:
    """Makes the requests, some at a time; whether each is over. One that would be refused again is
    over too.
    """
    room = asyncio.Semaphore(_AT_ONCE)

    async def call(each: Awaitable[object]) -> bool:
        async with room:
            try:
                await each
            except ClusterFailed as error:
                _log.log(logging.ERROR if error.is_final else logging.WARNING, "%s", error)
                return error.is_final
        return True

    return await asyncio.gather(*map(call, calls))


def _make_event(run: Run) -> tuple[str, str, bool] | None:
    """Reason, message, and whether it is a warning; None if there is nothing to tell."""
    result = run.result
    if result.state is State.APPLIED:
        return "Applied", result.describe_counts(), False
    if result.state is State.REFUSED:
        return "GuardRefused", f"{result.describe_failure()}. {how_to_accept(run)}", True
    if result.state is State.FAILED:
        return "Failed", result.describe_failure(), True
    if result.count_drift():
        return "DriftDetected", f"{result.count_drift()} webhooks differ at the tenant", True
    return _make_plan_event(result)


def _make_plan_event(result: Result) -> tuple[str, str, bool] | None:
    pending = result.plan is not None and result.plan.pending
    return ("Planned", result.describe_counts(), False) if pending else None
