"""Claims and outcomes of a group leave the file as each by itself would: the same rows, counts and
facts.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model.webhook import Subscription
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.tenant.schedule.lanes import DEAD_AFTER, Facts, Pick, Rank
from reconciler.tenant.store.rows import claims, outcomes
from reconciler.tenant.store.store import Store, open_store
from reconciler.tenant.store.values.attempt import AttemptEnd, Claim
from tests.support import filled
from tests.support.database import database_of

NOW = 1_790_000_000.0
PLACE = "127.0.0.1:9"
WEBHOOKS = 4
EACH = 6  # deliveries
ANY = Subscription("", None, None)
OUTCOMES = (
    WON := Delivery("w", ANY, Verdict.DELIVERED, 200, None, 0.1),
    Delivery("w", ANY, Verdict.RECEIVER_ERROR, 503, "d", 0.1, 60.0),
    Delivery("w", ANY, Verdict.REFUSED, None, "d", 0.1),
    Delivery("w", ANY, Verdict.INTERRUPTED, None, "d", 0.1),
)
CONTENT = (
    "SELECT * FROM deliveries",
    "SELECT * FROM attempts",
    "SELECT * FROM hourly",
    "SELECT * FROM totals",
    "SELECT id, succeeded, failed, last_success, last_failure, unreached, held_until FROM webhooks",
)
ends = st.tuples(st.sampled_from(OUTCOMES), st.sampled_from([None, 5.0, 30.0]))
lots = st.lists(ends, min_size=WEBHOOKS * EACH, max_size=WEBHOOKS * EACH)
sizes = st.lists(st.integers(1, 8), min_size=WEBHOOKS * EACH)


def open_filled_store(folder: str) -> Store:
    numbers = iter(range(10_000))
    store = open_store(
        f"{folder}/tenant.db", clock=lambda: NOW, new_id=lambda: f"id-{next(numbers):05}"
    )
    ids = filled.add_webhooks(store, [f"http://{PLACE}/{number}" for number in range(WEBHOOKS)])
    filled.add_pending(store, ids, EACH)
    database_of(store).write_now(
        lambda c: c.execute(
            "UPDATE deliveries SET next_at = ? + seq, created_at = ?", (NOW - 1000, NOW)
        )
    )
    database_of(store).write_now(lambda c: c.execute("UPDATE events SET accepted_at = ?", (NOW,)))
    return store


def content(store: Store) -> list[list[tuple[Any, ...]]]:
    return database_of(store).write_now(
        lambda c: [[tuple(row) for row in c.execute(query)] for query in CONTENT]
    )


def picks(rank: Rank = Rank.PROVEN, count: int = EACH) -> list[Pick]:
    return [Pick(f"id-{number:05}", PLACE, rank, count) for number in range(WEBHOOKS)]


def all_claimed(store: Store) -> list[Claim]:
    ends = database_of(store).write_now(lambda c: claims.claim_picks(c, picks(), "lease", NOW))
    by_webhook = [claimed for _, claimed in ends]
    return [
        claim for turn in zip(*by_webhook, strict=True) for claim in turn
    ]  # as they would come back: mixed


@settings(max_examples=25, deadline=None)
@given(lots, sizes, st.integers(0, WEBHOOKS - 1))
def test_outcomes_stored_together_leave_what_each_by_itself_would(
    lot: list[Any], parts: list[int], gone: int
) -> None:
    found = []
    for grouped in (True, False):
        with TemporaryDirectory() as folder, open_filled_store(folder) as store:
            ended = [
                AttemptEnd(claim, outcome, wait)
                for claim, (outcome, wait) in zip(all_claimed(store), lot, strict=True)
            ]
            database_of(store).write_now(
                lambda c: c.execute("DELETE FROM webhooks WHERE id = ?", (f"id-{gone:05}",))
            )
            results, rest = [], iter(parts)
            while ended:
                size = next(rest, 8) if grouped else 1
                some, ended = ended[:size], ended[size:]
                results += database_of(store).write_now(
                    lambda c, some=some: outcomes.finish(c, some, NOW)
                )
            found.append((results, content(store)))
    assert found[0] == found[1]
    assert found[0][0].count(None) == EACH


def test_an_attempt_that_ended_before_or_never_began_has_no_result_and_is_not_counted(
    tmp_path: Path,
) -> None:
    with open_filled_store(str(tmp_path)) as store:
        claim, other, *_ = all_claimed(store)
        ended = AttemptEnd(claim, WON, None)
        [first] = database_of(store).write_now(lambda c: outcomes.finish(c, [ended], NOW))
        assert first is not None
        before = content(store)
        later = AttemptEnd(replace(other, number=other.number + 1), WON, None)
        assert database_of(store).write_now(lambda c: outcomes.finish(c, [ended, later], NOW)) == [
            None,
            None,
        ]
        assert content(store) == before


def test_claims_of_several_webhooks_are_what_each_of_them_would_have_claimed(
    tmp_path: Path,
) -> None:
    def prepare(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE webhooks SET enabled = 0 WHERE id = 'id-00000'")
        connection.execute("UPDATE webhooks SET unreached = ? WHERE id = 'id-00001'", (DEAD_AFTER,))
        connection.execute("UPDATE webhooks SET held_until = ? WHERE id = 'id-00002'", (NOW + 5,))

    asked = [
        pick if number != 1 else replace(pick, rank=Rank.DEAD)
        for number, pick in enumerate(picks(count=2))
    ]
    found = []
    for grouped in (True, False):
        (folder := tmp_path / str(grouped)).mkdir()
        with open_filled_store(str(folder)) as store:
            database_of(store).write_now(prepare)
            groups = [asked] if grouped else [[pick] for pick in asked]
            ends = [
                end
                for group in groups
                for end in database_of(store).write_now(
                    lambda c, g=group: claims.claim_picks(c, g, "lease", NOW)
                )
            ]
            found.append((ends, content(store)))
    assert found[0] == found[1]
    (off, none), (dead, probe), (held, nothing), (_, two) = found[0][0]
    assert (off, none) == (None, [])
    assert dead is not None
    assert (dead.unreached, len(probe)) == (DEAD_AFTER, 1)
    assert held == Facts(PLACE, NOW - 1000 + 3, NOW + 5, 0)
    assert (nothing, len(two)) == ([], 2)


def test_a_webhook_that_is_picked_twice_is_not_sent_the_same_twice(tmp_path: Path) -> None:
    with open_filled_store(str(tmp_path)) as store:
        [pick, *_] = picks(count=2)
        [(_, first), (_, second)] = database_of(store).write_now(
            lambda c: claims.claim_picks(c, [pick, pick], "lease", NOW)
        )
        assert (len(first), second) == (2, [])
        assert (
            database_of(store).write_now(
                lambda c: c.execute(
                    "SELECT COUNT(*) FROM deliveries WHERE lease IS NOT NULL"
                ).fetchone()[0]
            )
            == 2
        )
