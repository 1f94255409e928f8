"""Files of a tenant that has been in use: many webhooks, pending deliveries, old attempts.

Written with the tenant's own SQL.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.tenant.store.rows import webhooks
from reconciler.tenant.store.store import Store, open_store
from reconciler.tenant.store.values.webhook import StoredWebhook
from reconciler.tenant.times import DAY, HOUR
from tests.support.database import database_of

SCOPES = ("Webhooks: Write", "Events: Write")
KIND = "bench:event"
EVENT = Subscription(KIND, "v0", "info")
BODY = '{"asset":"vol-1"}'


def kind(number: int) -> Subscription:
    return Subscription(f"{KIND}:{number}", "v0", "info")


@contextmanager
def store_at(folder: Path) -> Iterator[Store]:
    folder.mkdir(parents=True, exist_ok=True)
    with open_store(str(folder / "tenant.db")) as store:
        yield store


def add_webhooks(store: Store, urls: list[str], *, own_event: bool = False) -> list[str]:
    """Webhooks of these urls, subscribed to one event, or each to one of its own; their ids."""
    now = time.time()
    made = [
        StoredWebhook(
            store.new_id(),
            1,
            Webhook(
                f"hook {n:05}",
                url,
                subscriptions=frozenset({kind(n) if own_event else EVENT}),
            ),
            created_at=now,
            updated_at=now,
        )
        for n, url in enumerate(urls)
    ]

    def work(connection: sqlite3.Connection) -> None:
        for webhook in made:
            webhooks.insert(connection, webhook)

    database_of(store).write_now(work)
    return [webhook.id for webhook in made]


def add_pending(store: Store, webhook_ids: list[str], events: int) -> None:
    """So many events, each pending for every webhook."""
    _add(store, webhook_ids, events, time.time(), state="pending", attempts=0)


def add_history(
    store: Store, webhook_ids: list[str], attempts: int, *, days: float, each: int = 1
) -> None:
    """So many attempts that many days ago, `each` a delivery, shared out among the webhooks; and a
    count for each last hour.
    """
    deliveries = attempts // each
    events = deliveries // len(webhook_ids)
    now = time.time()
    _add(store, webhook_ids, events, now - days * DAY, state="succeeded", attempts=each)
    hours = [
        (webhook_id, int(now // HOUR) - back, 7, 1)
        for webhook_id in webhook_ids
        for back in range(24)
    ]
    insert = (
        "INSERT INTO hourly VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET succeeded = "
        "succeeded + excluded.succeeded"
    )
    database_of(store).write_now(lambda c: c.executemany(insert, hours))


def _add(
    store: Store, webhook_ids: list[str], events: int, at: float, *, state: str, attempts: int
) -> None:
    def work(connection: sqlite3.Connection) -> None:
        seq = connection.execute("SELECT COALESCE(MAX(seq), 0) FROM deliveries").fetchone()[0]
        for first in range(0, events, 500):
            ids = [store.new_id() for _ in range(first, min(first + 500, events))]
            connection.executemany(
                "INSERT INTO events VALUES (?, ?, 'v0', 'info', x'00', ?, ?, ?)",
                [(event, KIND, BODY, len(webhook_ids), at) for event in ids],
            )
            rows = [
                (
                    seq := seq + 1,
                    store.new_id(),
                    webhook_id,
                    event,
                    state,
                    attempts,
                    at if state == "pending" else None,
                    at,
                )
                for event in ids
                for webhook_id in webhook_ids
            ]
            connection.executemany(
                "INSERT INTO deliveries (seq, id, webhook_id, event_id, state, attempt, "
                "next_at, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            connection.executemany(
                "INSERT INTO attempts VALUES (?, ?, ?, 'delivered', 200, NULL, 0.1)",
                [(row[0], number + 1, at) for row in rows for number in range(attempts)],
            )

    database_of(store).write_now(work)
