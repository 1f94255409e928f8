"""SQL of how attempts ended: what is stored, counted and handed to the lanes, and what an earlier
process left under way.

Outcomes, their counters and the next attempts are one transaction, of few statements however many
end together: each statement gives up Python's one lock and has to win it back from the event loop,
which costs more than SQLite.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.results.reports import Delivery, Verdict
from reconciler.tenant.schedule.lanes import ALL, DEAD_AFTER, LaneChange
from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.store.rows import invocations
from reconciler.tenant.store.sql import make_placeholders
from reconciler.tenant.store.values.attempt import (
    NO_EVENT,
    AttemptEnd,
    Claim,
    Target,
    make_interrupted,
)
from reconciler.tenant.store.values.webhook import StoredAuth


@dataclass(slots=True)
class _LaneState:
    """What a webhook's row holds for its lane: attempts in a row without an answer, and until when
    it is held.
    """

    unreached: int
    until: float | None

    def apply(self, outcome: Delivery, next_at: float | None, now: float) -> LaneChange:
        """Counts attempts without an answer, and holds the webhook: for a Retry-After, or until a
        dead one's next probe.
        """
        before = self.unreached
        if outcome.verdict is not Verdict.INTERRUPTED:
            self.unreached = 0 if outcome.status_code is not None else before + 1
        if self.unreached >= DEAD_AFTER:
            self.until = next_at
        elif before >= DEAD_AFTER:
            self.until = None
        if outcome.retry_after is not None:
            self.until = max(self.until or 0.0, now + outcome.retry_after)
        return LaneChange(next_at, self.until or 0.0, self.unreached)


def finish(
    connection: sqlite3.Connection, ended: Sequence[AttemptEnd], now: float
) -> list[LaneChange | None]:
    """Stores how attempts ended, counts them, and makes the deliveries due again; at most ALL at
    once.

    For each what that changed; None where the webhook or the event is gone: then nothing is stored
    or counted.
    """
    rows = _find_under_way(connection, ended)
    known = [result for result in ended if result.claim.seq in rows]
    if known:
        _store(connection, known, now)
        invocations.count_invocations(
            connection, ((result.claim.target.webhook_id, result.won) for result in known), now
        )
    before = {row["id"]: (row["unreached"], row["held_until"]) for row in rows.values()}
    held = {webhook_id: _LaneState(*values) for webhook_id, values in before.items()}
    after = {
        result.claim.seq: held[result.claim.target.webhook_id].apply(
            result.outcome, result.compute_next(now), now
        )
        for result in known
    }
    for webhook_id, state in held.items():
        if (state.unreached, state.until) != before[webhook_id]:
            values = (state.unreached, state.until, webhook_id)
            connection.execute(
                "UPDATE webhooks SET unreached = ?, held_until = ? WHERE id = ?", values
            )
    return [after.get(result.claim.seq) for result in ended]


def _find_under_way(
    connection: sqlite3.Connection, ended: Sequence[AttemptEnd]
) -> dict[int, sqlite3.Row]:
    """Those of these attempts that the file still has under way, by number of their delivery, with
    their webhooks' rows.
    """
    query = (
        "SELECT d.seq, w.id, w.unreached, w.held_until FROM deliveries d JOIN webhooks w "  # noqa: S608  placeholders
        "ON w.id = d.webhook_id "
        "WHERE d.lease IS NOT NULL AND (d.seq, d.attempt) IN (VALUES "
        f"{make_placeholders(ended, '(?, ?)')})"
    )
    values = [value for result in ended for value in (result.claim.seq, result.claim.number)]
    return {row["seq"]: row for row in connection.execute(query, values)}


def _store(connection: sqlite3.Connection, ended: Sequence[AttemptEnd], now: float) -> None:
    won = [end.claim.seq for end in ended if end.won]
    if won:
        connection.execute(
            f"{_ENDED} state = 'succeeded', next_at = NULL WHERE seq IN ({make_placeholders(won)})",
            won,
        )
    for end in ended:
        if not end.won:
            next_at = end.compute_next(now)
            state = "failed" if next_at is None else "pending"
            connection.execute(
                f"{_ENDED} state = ?, next_at = ? WHERE seq = ?", (state, next_at, end.claim.seq)
            )
    connection.execute(
        "INSERT INTO attempts (delivery, number, started_at, verdict, status_code, "  # noqa: S608  placeholders
        "detail, seconds) "
        f"VALUES {make_placeholders(ended, '(?, ?, ?, ?, ?, ?, ?)')}",
        [value for end in ended for value in end.row],
    )


_ENDED: Final = "UPDATE deliveries SET lease = NULL, lease_at = NULL,"


def move_times(connection: sqlite3.Connection, seconds: float) -> None:
    """Plans every attempt that much later, below 0 earlier: the clock jumped."""
    connection.execute(
        "UPDATE deliveries SET next_at = next_at + ? WHERE next_at IS NOT NULL", (seconds,)
    )
    connection.execute(
        "UPDATE webhooks SET held_until = held_until + ? WHERE held_until IS NOT NULL", (seconds,)
    )


def recover(connection: sqlite3.Connection, retries: Retries, now: float) -> int:
    """Counts every attempt that was under way when the last engine ended as failed, `interrupted`;
    how many these were.
    """
    rows = connection.execute(
        "SELECT d.seq, d.attempt, d.earlier, d.webhook_id, d.lease_at FROM deliveries d "
        "JOIN webhooks w ON w.id = d.webhook_id "
        "WHERE d.lease IS NOT NULL"
    )
    outcome = make_interrupted("")
    lost = [
        Claim(
            row[0],
            row[1],
            row[1] - row[2],
            row[4],
            Target(row[3], "", "", StoredAuth()),
            "",
            NO_EVENT,
            "",
            0.0,
        )
        for row in rows
    ]
    for first in range(0, len(lost), ALL):
        some = [
            AttemptEnd(lost_row, outcome, retries.wait(lost_row.tries, outcome))
            for lost_row in lost[first : first + ALL]
        ]
        finish(connection, some, now)
    return len(lost)
