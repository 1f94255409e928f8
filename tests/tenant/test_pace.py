"""What must not hold up the writer: a long queue that goes, a log that grows; and what rows keep."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from reconciler.core.model.webhook import Webhook
from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.store.checkpoints import LONG, checkpoint
from reconciler.tenant.store.rows import claims, deliveries, events, outcomes, upkeep, webhooks
from reconciler.tenant.store.store import Store
from reconciler.tenant.store.values.delivery import BEFORE_ALL
from reconciler.tenant.store.values.event import NewEvent
from reconciler.tenant.store.values.webhook import StoredWebhook
from tests.support import filled
from tests.support.database import database_of

COUNTS = (
    "SELECT (SELECT pending FROM totals), (SELECT COUNT(*) FROM deliveries), (SELECT "
    "COUNT(*) FROM attempts)"
)


def _counts(store: Store) -> tuple[int, ...]:
    return tuple(database_of(store).write_now(lambda c: c.execute(COUNTS).fetchone()))


def test_a_deleted_webhook_s_long_queue_is_pending_no_more_and_goes_in_steps(
    tmp_path: Path,
) -> None:
    with filled.store_at(tmp_path) as store:
        gone, stays = filled.add_webhooks(store, ["https://a.example", "https://b.example"])
        filled.add_pending(store, [gone, stays], 250)
        filled.add_history(store, [gone], 250, days=1)
        before = _counts(store)
        database_of(store).write_now(lambda c: webhooks.delete(c, gone))
        assert (before, _counts(store)[0]) == ((500, 750, 250), 250)
        assert 250 < _counts(store)[1] < 750
        assert set(database_of(store).write_now(claims.read_waiting)) == {stays}
        assert (
            database_of(store).write_now(lambda c: deliveries.list_page(c, gone, BEFORE_ALL, 10))
            == []
        )
        steps = 0
        while database_of(store).write_now(lambda c: upkeep.clean_up_some(c, time.time())):
            steps += 1
        assert (steps, _counts(store)) == (5, (250, 250, 0))


def test_a_long_queue_of_a_deleted_webhook_leaves_room_for_new_events(tmp_path: Path) -> None:
    with filled.store_at(tmp_path) as store:
        gone, _ = filled.add_webhooks(store, ["https://a.example", "https://b.example"])
        filled.add_pending(store, [gone], 300)
        database_of(store).write_now(lambda c: webhooks.delete(c, gone))
        new = NewEvent("e", filled.EVENT, filled.BODY, b"")
        assert (
            database_of(store)
            .write_now(lambda c: events.accept(c, new, time.time(), store.new_id, 1))
            .deliveries
            == 1
        )


def test_an_attempt_of_a_deleted_webhook_is_neither_stored_nor_recovered(tmp_path: Path) -> None:
    with filled.store_at(tmp_path) as store:
        [gone] = filled.add_webhooks(store, ["https://a.example"])
        filled.add_pending(store, [gone], 250)
        database_of(store).write_now(
            lambda c: c.execute("UPDATE deliveries SET lease = 'x', lease_at = 1, attempt = 1")
        )
        database_of(store).write_now(lambda c: webhooks.delete(c, gone))
        assert (
            database_of(store).write_now(lambda c: outcomes.recover(c, Retries(), time.time())) == 0
        )
        assert (
            database_of(store).write_now(
                lambda c: c.execute("SELECT COUNT(*) FROM hourly").fetchone()[0]
            )
            == 0
        )


def test_no_number_of_a_delivery_is_given_twice_and_no_row_refers_to_a_missing_one(
    tmp_path: Path,
) -> None:
    with filled.store_at(tmp_path) as store:
        [webhook_id] = filled.add_webhooks(store, ["https://a.example"])
        filled.add_pending(store, [webhook_id], 2)

    def write(connection: sqlite3.Connection) -> None:
        [event_id] = connection.execute("SELECT id FROM events LIMIT 1").fetchone()
        columns = "seq, id, webhook_id, event_id, state, next_at, created_at"
        connection.execute(
            f"INSERT INTO deliveries ({columns}) VALUES (7, 'd', ?, ?, 'pending', 1, 1)",  # noqa: S608  fixed texts
            (webhook_id, event_id),
        )
        for seq in (1, 2, 7):
            connection.execute(
                "INSERT INTO attempts VALUES (?, 1, 1, 'http_error', 500, NULL, 0.1)", (seq,)
            )
        connection.execute("DELETE FROM deliveries WHERE seq = 7")

    def read(connection: sqlite3.Connection) -> tuple[Any, ...]:
        connection.execute(
            "INSERT INTO deliveries (id, webhook_id, event_id, state, created_at) "
            "SELECT 'n', ?, id, 'failed', 1 FROM events LIMIT 1",
            (webhook_id,),
        )
        rows = connection.execute("SELECT seq FROM deliveries ORDER BY seq").fetchall()
        wrong = connection.execute("PRAGMA foreign_key_check").fetchall()
        return ([row[0] for row in rows], wrong)

    with filled.store_at(tmp_path) as store:
        database_of(store).write_now(write)
    with filled.store_at(tmp_path) as store:
        assert _counts(store) == (2, 2, 2)
        assert database_of(store).write_now(read) == ([1, 2, 8], [])


def test_a_name_is_stored_in_any_case_too_so_that_a_search_finds_it(tmp_path: Path) -> None:
    stored = StoredWebhook("w", 1, Webhook("Änne", "https://a.example"))
    with filled.store_at(tmp_path) as store:
        database_of(store).write_now(lambda c: webhooks.insert(c, stored))
        assert (
            database_of(store).write_now(
                lambda c: c.execute("SELECT folded FROM webhooks").fetchone()[0]
            )
            == "änne"
        )
        [found] = database_of(store).write_now(lambda c: webhooks.search(c, "ÄNN", 0, 10, 0.0))
        assert found.name == "Änne"


def test_the_log_begins_anew_where_it_has_become_long(tmp_path: Path) -> None:
    with filled.store_at(tmp_path) as store:
        path = store.path
    beside = sqlite3.connect(
        path, isolation_level=None
    )  # of a closed store, which would bring over at the same time
    beside.execute("PRAGMA wal_autocheckpoint = 0")
    beside.execute("CREATE TABLE big (x)")
    beside.execute("INSERT INTO big VALUES (zeroblob(?))", (4096 * (LONG + 100),))
    full = Path(f"{path}-wal").stat().st_size
    checkpoint(beside)
    beside.execute("INSERT INTO big VALUES (1)")
    pages = beside.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    beside.close()
    assert full > 4096 * LONG
    assert pages < 100
