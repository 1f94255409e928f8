"""What happened, for whoever runs the tenant: a log line and a count for each request and each
attempt.

Nothing here holds a secret: a request is its route's template, never its path or query; an endpoint
is its scheme and host; a defect is its kind and place, never its text.
"""

from __future__ import annotations

import json
import logging
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from reconciler.core.model.secret import Secret, shown_url
from reconciler.core.results.reports import Delivery
from reconciler.tenant.store.rows.webhook_metrics import WebhookMetrics

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS: Final = (
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)  # bounds of the attempts' histogram
DEEPEST: Final = 8  # frames of a defect that are told
GONE: Final = 499  # what a request counts as whose client left before the answer

_log = logging.getLogger("reconciler.tenant")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file says at a scrape; `oldest` is the age of the oldest pending delivery in
    seconds, `size` bytes on disk.
    """

    pending: int
    oldest: float
    enabled: int
    disabled: int
    size: int


class Telemetry:
    """Counters of one application, in a registry of their own."""

    def __init__(self, *, per_webhook: bool = False) -> None:
        """`per_webhook`: with metrics of each webhook."""
        own = self._registry = CollectorRegistry()
        self.webhooks = WebhookMetrics() if per_webhook else None
        if self.webhooks is not None:
            own.register(self.webhooks)
        self._requests = Counter(
            "reconciler_requests", "Requests answered", ["method", "route", "status"], registry=own
        )
        self._attempts = Counter(
            "reconciler_attempts", "Delivery attempts ended", ["kind", "verdict"], registry=own
        )
        self._seconds = Histogram(
            "reconciler_attempt_seconds",
            "Until an attempt ended",
            ["kind"],
            buckets=SECONDS,
            registry=own,
        )
        self._pending = Gauge(
            "reconciler_pending_deliveries", "Deliveries still to be made", registry=own
        )
        self._oldest = Gauge(
            "reconciler_oldest_pending_seconds",
            "Age of the oldest pending delivery, 0 without any",
            registry=own,
        )
        self._webhooks = Gauge("reconciler_webhooks", "Webhooks", ["enabled"], registry=own)
        self._size = Gauge(
            "reconciler_database_bytes",
            "Size of the database with its write-ahead log",
            registry=own,
        )
        ProcessCollector(registry=own)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts and logs a request; `route` is a template, `status` of 0 that the client went
        away.
        """
        method, status = method if method in METHODS else "other", status or GONE
        self._requests.labels(method, route, str(status)).inc()
        fields = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6)}
        _log.info("%s %s %d in %.3f s", method, route, status, seconds, extra={"fields": fields})

    def attempt(
        self, kind: str, url: str | Secret, outcome: Delivery, event_id: str, number: int = 1
    ) -> None:
        """Counts and logs an attempt; `kind` is `event` or `test`, `number` counts the attempts of
        a delivery from 1.
        """
        self._attempts.labels(kind, outcome.verdict.value).inc()
        self._seconds.labels(kind).observe(outcome.seconds)
        host = url.shown if isinstance(url, Secret) else shown_url(url)
        verdict, code = outcome.verdict.value, outcome.status_code
        fields: dict[str, Any] = {
            "kind": kind,
            "webhook": outcome.webhook,
            "endpoint": host,
            "event": outcome.event.type,
        }
        fields |= {"event_id": event_id, "attempt": number}
        fields |= {
            "verdict": verdict,
            "status_code": code,
            "detail": outcome.detail,
            "seconds": round(outcome.seconds, 6),
        }
        name, answer = (
            json.dumps(outcome.webhook, ensure_ascii=False),
            "no answer" if code is None else code,
        )
        told = (
            kind,
            json.dumps(event_id, ensure_ascii=False),
            number,
            name,
            host,
            verdict,
            answer,
            outcome.seconds,
        )
        _log.info("%s %s attempt %d to %s %s %s %s in %.3f s", *told, extra={"fields": fields})

    def defect(self, error: BaseException) -> None:
        """Logs where a defect happened; its text may quote what was sent and is not told."""
        frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
        places = " > ".join(
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames
        )
        _log.error("a defect: %s at %s", type(error).__name__, places)

    def exposition(self, facts: Facts) -> bytes:
        """Everything in Prometheus' text format."""
        self._pending.set(facts.pending)
        self._oldest.set(facts.oldest)
        self._webhooks.labels("true").set(facts.enabled)
        self._webhooks.labels("false").set(facts.disabled)
        self._size.set(facts.size)
        return generate_latest(self._registry)
