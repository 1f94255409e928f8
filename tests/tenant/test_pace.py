"""What must not hold up the writer: a long queue that goes, a log that grows; and what an older
file becomes.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.store import migrations
from reconciler.tenant.store.checkpoints import LONG, checkpoint
from reconciler.tenant.store.rows import claims, deliveries, events, outcomes, upkeep, webhooks
from reconciler.tenant.store.rows.events import NewEvent
from reconciler.tenant.store.store import Store
from tests.support import filled

COUNTS = (
    "SELECT (SELECT pending FROM totals), (SELECT COUNT(*) FROM deliveries), (SELECT "
    "COUNT(*) FROM attempts)"
)


def _counts(store: Store) -> tuple[int, ...]:
    return tuple(store.write_now(lambda c: c.execute(COUNTS).fetchone()))


def test_a_deleted_webhook_s_long_queue_is_pending_no_more_and_goes_in_steps(
    tmp_path: Path,
) -> None:
    with filled.store_at(tmp_path) as store:
        gone, stays = filled.add_webhooks(store, ["https://a.example", "https://b.example"])
        filled.add_pending(store, [gone, stays], 250)
        filled.add_history(store, [gone], 250, days=1)
        before = _counts(store)
        store.write_now(lambda c: webhooks.delete(c, gone))
        assert (before, _counts(store)[0]) == ((500, 750, 250), 250)
        assert 250 < _counts(store)[1] < 750
        assert set(store.write_now(claims.waiting)) == {stays}
        assert (
            store.write_now(lambda c: deliveries.listed(c, gone, deliveries.BEFORE_ALL, 10)) == []
        )
        steps = 0
        while store.write_now(lambda c: upkeep.step(c, time.time())):
            steps += 1
        assert (steps, _counts(store)) == (5, (250, 250, 0))


def test_a_long_queue_of_a_deleted_webhook_leaves_room_for_new_events(tmp_path: Path) -> None:
    with filled.store_at(tmp_path) as store:
        gone, _ = filled.add_webhooks(store, ["https://a.example", "https://b.example"])
        filled.add_pending(store, [gone], 300)
        store.write_now(lambda c: webhooks.delete(c, gone))
        new = NewEvent("e", filled.EVENT, filled.BODY, b"")
        assert (
            store.write_now(
                lambda c: events.accept(c, new, time.time(), store.new_id, 1)
            ).deliveries
            == 1
        )


def test_an_attempt_of_a_deleted_webhook_is_neither_stored_nor_recovered(tmp_path: Path) -> None:
    with filled.store_at(tmp_path) as store:
        [gone] = filled.add_webhooks(store, ["https://a.example"])
        filled.add_pending(store, [gone], 250)
        store.write_now(
            lambda c: c.execute("UPDATE deliveries SET lease = 'x', lease_at = 1, attempt = 1")
        )
        store.write_now(lambda c: webhooks.delete(c, gone))
        assert store.write_now(lambda c: outcomes.recover(c, Retries(), time.time())) == 0
        assert (
            store.write_now(lambda c: c.execute("SELECT COUNT(*) FROM hourly").fetchone()[0]) == 0
        )


def test_a_file_of_the_version_before_keeps_its_deliveries_attempts_and_numbers(
    tmp_path: Path,
) -> None:
    old = sqlite3.connect(tmp_path / "tenant.db", isolation_level=None)
    old.execute("PRAGMA foreign_keys = ON")
    for statements in migrations.MIGRATIONS[:3]:
        for statement in statements:
            old.execute(statement)
    old.execute("PRAGMA user_version = 3")
    columns = (
        "id, revision, name, url, description, enabled, protected, auth_type, events, "
        "created_at, updated_at"
    )
    old.execute(
        f"INSERT INTO webhooks ({columns}) VALUES ('w', 1, 'Änne', 'https://a.example', "  # noqa: S608  fixed texts
        "'', 1, 0, 'none', '[]', 1, 1)"
    )
    old.execute("INSERT INTO events VALUES ('e', 't', 'v0', 'info', x'00', '{}', 1, 1)")
    for seq in (1, 2, 7):
        columns = "seq, id, webhook_id, event_id, state, next_at, created_at"
        old.execute(
            f"INSERT INTO deliveries ({columns}) VALUES (?1, 'd' || ?1, 'w', 'e', 'pending', 1, 1)",  # noqa: S608  fixed texts
            (seq,),
        )
        old.execute("INSERT INTO attempts VALUES (?, 1, 1, 'http_error', 500, NULL, 0.1)", (seq,))
    old.execute("DELETE FROM deliveries WHERE seq = 7")
    old.close()

    def read(connection: sqlite3.Connection) -> tuple[Any, ...]:
        connection.execute(
            "INSERT INTO deliveries (id, webhook_id, event_id, state, created_at) VALUES "
            "('n', 'w', 'e', 'failed', 1)"
        )
        rows = connection.execute("SELECT seq FROM deliveries ORDER BY seq").fetchall()
        wrong = connection.execute("PRAGMA foreign_key_check").fetchall()
        return (
            [row[0] for row in rows],
            wrong,
            connection.execute("SELECT folded FROM webhooks").fetchone()[0],
        )

    with filled.store_at(tmp_path) as store:
        assert _counts(store) == (2, 2, 2)
        assert store.write_now(read) == ([1, 2, 8], [], "änne")


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
