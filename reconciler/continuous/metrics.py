"""Counts of the controller, under the names that dashboards of controllers know
(controller-runtime), beside our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from reconciler.continuous.results import Result, State
from reconciler.continuous.schedule import Item

CONTROLLER: Final = "tenant"
_RESULTS: Final = {State.FAILED: "error", State.REFUSED: "requeue_after"}
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_TEXTS: Final[Mapping[str, tuple[str, str]]] = {  # name and help
    "runs": ("controller_runtime_reconcile", "Runs that ended, by result"),
    "seconds": ("controller_runtime_reconcile_time_seconds", "Length of the runs"),
    "depth": ("workqueue_depth", "Tenants that are due and wait for a worker"),
    "retries": ("workqueue_retries", "Runs that are repeated after a failure"),
    "workers": ("controller_runtime_active_workers", "Runs under way"),
    "drift": ("reconciler_drift", "Webhooks that the tenant changed"),
    "calls": ("reconciler_provider_calls", "Requests to products, by status"),
    "refusals": ("reconciler_guard_refusals", "Plans that were refused"),
    "success": (
        "reconciler_last_success_timestamp_seconds",
        "When a Tenant was last seen as declared",
    ),
    "source": ("reconciler_source_ready", "1 while the desired state can be read, else 0"),
}


class Metrics:
    """The counts of one controller, in a registry of their own."""

    def __init__(self) -> None:
        own = self._registry = CollectorRegistry()
        ProcessCollector(registry=own)
        controller, tenant = ["controller"], ["tenant"]
        texts, by_result = _TEXTS, ["controller", "result"]
        calls = ["provider", "call", "status"]
        self._runs = Counter(*texts["runs"], by_result, registry=own)
        self._seconds = Histogram(*texts["seconds"], controller, buckets=_SECONDS, registry=own)
        self._depth = Gauge(*texts["depth"], ["name"], registry=own)
        self._retries = Counter(*texts["retries"], ["name"], registry=own)
        self._workers = Gauge(*texts["workers"], controller, registry=own)
        self._drift = Gauge(*texts["drift"], tenant, registry=own)
        self._calls = Counter(*texts["calls"], calls, registry=own)
        self._refusals = Counter(*texts["refusals"], tenant, registry=own)
        self._success = Gauge(*texts["success"], tenant, registry=own)
        self._source = Gauge(*texts["source"], registry=own)

    def note_result(self, result: Result) -> None:
        """Counts a run."""
        outcome = _RESULTS.get(result.state, "success")
        self._runs.labels(CONTROLLER, outcome).inc()
        self._seconds.labels(CONTROLLER).observe(result.seconds)
        if result.state is State.FAILED:
            self._retries.labels(CONTROLLER).inc()
        if result.state is State.REFUSED:
            self._refusals.labels(result.tenant).inc()
        if result.drift is not None:
            changes = result.count_drift() if result.state is not State.APPLIED else 0
            self._drift.labels(result.tenant).set(changes)
        if result.is_at_revision:
            self._success.labels(result.tenant).set(result.started.timestamp())

    def note_call(self, provider: str, call: str, status: int) -> None:
        """Counts a request to a product; `status` is 0 if there was no answer."""
        self._calls.labels(provider, call, str(status)).inc()

    def note_source(self, *, is_ready: bool) -> None:
        """Whether the desired state can be read."""
        self._source.set(is_ready)

    def watch(self, items: Callable[[], Mapping[str, Item]], depth: Callable[[], int]) -> None:
        """Asks the loop for what changes all the time."""
        self._depth.labels(CONTROLLER).set_function(depth)
        self._workers.labels(CONTROLLER).set_function(
            lambda: sum(item.is_running for item in items().values())
        )

    def forget(self, tenant: str) -> None:
        """Removes the numbers of a Tenant that is no longer declared."""
        for metric in (self._drift, self._success, self._refusals):
            metric.remove_by_labels({"tenant": tenant})

    def render(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self._registry)
