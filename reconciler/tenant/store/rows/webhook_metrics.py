"""Metrics of each webhook, for `tenant serve --metrics-per-webhook`.

Read from the file at a scrape, so that they outlive a restart and end with their webhook. At most
1,000 webhooks, by name, so that no tenant floods whoever collects them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

MOST: Final = 1000  # webhooks
_LABELS: Final = ("webhook", "id")


@dataclass(frozen=True, slots=True)
class WebhookFacts:
    """A webhook's numbers; moments in epoch seconds, None for what never happened."""

    name: str
    id: str
    enabled: bool
    succeeded: int
    failed: int
    last_success: float | None
    last_failure: float | None
    pending: int


def read(connection: sqlite3.Connection) -> tuple[tuple[WebhookFacts, ...], int]:
    """The first webhooks by name, and how many there are."""
    count = connection.execute("SELECT COUNT(*) FROM webhooks").fetchone()[0]
    rows = connection.execute(
        """SELECT name, id, enabled, succeeded, failed, last_success, last_failure,
            (SELECT COUNT(*) FROM deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending')
        FROM webhooks w ORDER BY folded, name LIMIT ?""",
        (MOST,),
    ).fetchall()
    return tuple(WebhookFacts(row[0], row[1], bool(row[2]), *row[3:]) for row in rows), count


class WebhookMetrics(Collector):
    """The families of what was last `read`."""

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
        for found in self.webhooks:
            known = (found.name, found.id)
            pending.add_metric(known, found.pending)
            enabled.add_metric(known, float(found.enabled))
            for result, number, moment in (
                ("succeeded", found.succeeded, found.last_success),
                ("failed", found.failed, found.last_failure),
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
