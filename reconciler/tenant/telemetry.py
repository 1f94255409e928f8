"""What happened, for people who run the tenant: a log line and a count for each request and each
attempt.

Nothing here holds a secret: a request is its route's template, never its path or query; an endpoint
is its scheme and host; a defect is its kind and place, never its text.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from reconciler.core.model.secret import Secret, shown_url
from reconciler.core.results.reports import Delivery
from reconciler.tenant.store.values.statistics import MOST, Metrics, WebhookFacts

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
DEEPEST: Final = 8  # frames of a defect that are logged
GONE: Final = 499  # what a request counts as whose client left before the answer

_log = logging.getLogger("reconciler.tenant")


_LABELS: Final = ("webhook", "id")


class WebhookMetrics(Collector):
    """The metrics per webhook, as they were read last.

    At most 1,000 webhooks, by name, so that no tenant floods the collector. They stand in the file,
    so they outlive a restart and end with their webhook.
    """

    def __init__(self) -> None:
        self.webhooks: Sequence[WebhookFacts] = ()
        self.count = 0

    def collect(self) -> Iterator[Metric]:
        """Each family, with a sample for each webhook."""
        ended = CounterMetricFamily(
            "reconciler_webhook_invocations",
            "Delivery attempts of a webhook that ended",
            labels=[*_LABELS, "result"],
        )
        pending = GaugeMetricFamily(
            "reconciler_webhook_pending_deliveries", "Deliveries still to be made", labels=_LABELS
        )
        enabled = GaugeMetricFamily(
            "reconciler_webhook_enabled", "1 while a webhook is enabled, else 0", labels=_LABELS
        )
        last = GaugeMetricFamily(
            "reconciler_webhook_last_invocation_timestamp_seconds",
            "When the last attempt ended",
            labels=[*_LABELS, "result"],
        )
        for webhook in self.webhooks:
            known = (webhook.name, webhook.id)
            pending.add_metric(known, webhook.pending)
            enabled.add_metric(known, float(webhook.enabled))
            for result, number, moment in (
                ("succeeded", webhook.succeeded, webhook.last_success),
                ("failed", webhook.failed, webhook.last_failure),
            ):
                ended.add_metric((*known, result), number)
                if moment is not None:
                    last.add_metric((*known, result), moment)
        yield from (ended, pending, enabled, last)
        left_out = max(0, self.count - len(self.webhooks))
        yield GaugeMetricFamily(
            "reconciler_webhooks_without_metrics",
            f"Webhooks beyond the first {MOST}",
            value=left_out,
        )


class Telemetry:
    """Counters of one application, in a registry of their own."""

    def __init__(self, *, per_webhook: bool = False) -> None:
        """`per_webhook`: with metrics of each webhook."""
        own = self._registry = CollectorRegistry()
        self._per_webhook = WebhookMetrics() if per_webhook else None
        if self._per_webhook is not None:
            own.register(self._per_webhook)
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

    @property
    def per_webhook(self) -> bool:
        """Whether a scrape shows the webhooks one by one."""
        return self._per_webhook is not None

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts and logs a request; `route` is a template, `status` of 0 that the client went
        away.
        """
        method, status = method if method in METHODS else "other", status or GONE
        self._requests.labels(method, route, str(status)).inc()
        fields = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6)}
        _log.info("%s %s %d in %.3f s", method, route, status, seconds, extra={"fields": fields})

    def count_attempt(
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
        texts = (
            kind,
            json.dumps(event_id, ensure_ascii=False),
            number,
            name,
            host,
            verdict,
            answer,
            outcome.seconds,
        )
        _log.info("%s %s attempt %d to %s %s %s %s in %.3f s", *texts, extra={"fields": fields})

    def log_defect(self, error: BaseException) -> None:
        """Logs where a defect happened; its text may quote what was sent and is not logged."""
        frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
        places = " > ".join(
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames
        )
        _log.error("a defect: %s at %s", type(error).__name__, places)

    def write_metrics(self, metrics: Metrics, now: float) -> bytes:
        """Everything in Prometheus' text format; `metrics` is what the file says at a scrape."""
        totals, collector = metrics.totals, self._per_webhook
        self._pending.set(totals.pending)
        self._oldest.set(0.0 if totals.oldest is None else max(0.0, now - totals.oldest))
        self._webhooks.labels("true").set(totals.enabled)
        self._webhooks.labels("false").set(totals.webhooks - totals.enabled)
        self._size.set(metrics.size)
        if collector is not None:
            collector.webhooks, collector.count = metrics.webhooks, metrics.count
        return generate_latest(self._registry)
