"""SQL of how attempts ended: what is stored, counted and told to the lanes, and what an earlier
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

from reconciler.core.model.webhook import Subscription
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.tenant.schedule.lanes import ALL, DEAD_AFTER, After
from reconciler.tenant.schedule.retries import Retries
from reconciler.tenant.store.rows import invocations
from reconciler.tenant.store.rows.claims import Claim, Target
from reconciler.tenant.store.rows.webhooks import StoredAuth
from reconciler.tenant.store.sql import placeholders

# of the closed list in core/cause.py
INTERRUPTED: Final = "the sender stopped before an answer came"


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended; `wait` is in how many seconds it is made again, None for never."""

    claim: Claim
    outcome: Delivery
    wait: float | None

    @property
    def won(self) -> bool:
        """Whether the event was received."""
        return self.outcome.verdict is Verdict.DELIVERED

    def next_at(self, now: float) -> float | None:
        """When it is made again, in epoch seconds as `now` is; None for never."""
        return None if self.wait is None else now + self.wait

    @property
    def row(self) -> tuple[int | float | str | None, ...]:
        """What is stored of it in `attempts`."""
        claim, outcome = self.claim, self.outcome
        ended = (
            outcome.verdict.value,
            outcome.status_code,
            outcome.detail,
            round(outcome.seconds, 6),
        )
        return (claim.seq, claim.number, claim.claimed_at, *ended)


@dataclass(slots=True)
class _Held:
    """What a webhook's row tells its lane: attempts in a row without an answer, and until when it
    is held.
    """

    unreached: int
    until: float | None

    def after(self, outcome: Delivery, next_at: float | None, now: float) -> After:
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
        return After(next_at, self.until or 0.0, self.unreached)


def finish(
    connection: sqlite3.Connection, ended: Sequence[Ended], now: float
) -> list[After | None]:
    """Stores how attempts ended, counts them, and makes the deliveries due again; at most ALL at
    once.

    For each what that changed; None where the webhook or the event is gone: then nothing is stored
    or counted.
    """
    rows = _under_way(connection, ended)
    known = [each for each in ended if each.claim.seq in rows]
    if known:
        _store(connection, known, now)
        invocations.count(
            connection, ((each.claim.target.webhook_id, each.won) for each in known), now
        )
    before = {row["id"]: (row["unreached"], row["held_until"]) for row in rows.values()}
    held = {webhook_id: _Held(*values) for webhook_id, values in before.items()}
    after = {
        each.claim.seq: held[each.claim.target.webhook_id].after(
            each.outcome, each.next_at(now), now
        )
        for each in known
    }
    for webhook_id, each in held.items():
        if (each.unreached, each.until) != before[webhook_id]:
            values = (each.unreached, each.until, webhook_id)
            connection.execute(
                "UPDATE webhooks SET unreached = ?, held_until = ? WHERE id = ?", values
            )
    return [after.get(each.claim.seq) for each in ended]


def _under_way(connection: sqlite3.Connection, ended: Sequence[Ended]) -> dict[int, sqlite3.Row]:
    """Those of these attempts that the file still has under way, by number of their delivery, with
    their webhooks' rows.
    """
    query = (
        "SELECT d.seq, w.id, w.unreached, w.held_until FROM deliveries d JOIN webhooks w "  # noqa: S608  placeholders
        "ON w.id = d.webhook_id "
        "WHERE d.lease IS NOT NULL AND (d.seq, d.attempt) IN (VALUES "
        f"{placeholders(ended, '(?, ?)')})"
    )
    values = [value for each in ended for value in (each.claim.seq, each.claim.number)]
    return {row["seq"]: row for row in connection.execute(query, values)}


def _store(connection: sqlite3.Connection, ended: Sequence[Ended], now: float) -> None:
    won = [each.claim.seq for each in ended if each.won]
    if won:
        connection.execute(
            f"{_ENDED} state = 'succeeded', next_at = NULL WHERE seq IN ({placeholders(won)})", won
        )
    for each in ended:
        if not each.won:
            next_at = each.next_at(now)
            state = "failed" if next_at is None else "pending"
            connection.execute(
                f"{_ENDED} state = ?, next_at = ? WHERE seq = ?", (state, next_at, each.claim.seq)
            )
    connection.execute(
        "INSERT INTO attempts (delivery, number, started_at, verdict, status_code, "  # noqa: S608  placeholders
        "detail, seconds) "
        f"VALUES {placeholders(ended, '(?, ?, ?, ?, ?, ?, ?)')}",
        [value for each in ended for value in each.row],
    )


_ENDED: Final = "UPDATE deliveries SET lease = NULL, lease_at = NULL,"


def move(connection: sqlite3.Connection, seconds: float) -> None:
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
    outcome = interrupted("")
    lost = [
        Claim(
            row[0],
            row[1],
            row[1] - row[2],
            row[4],
            Target(row[3], "", "", StoredAuth()),
            "",
            _NO_EVENT,
            "",
            0.0,
        )
        for row in rows
    ]
    for first in range(0, len(lost), ALL):
        some = [
            Ended(each, outcome, retries.wait(each.tries, outcome))
            for each in lost[first : first + ALL]
        ]
        finish(connection, some, now)
    return len(lost)


_NO_EVENT: Final = Subscription("", None, None)


def interrupted(name: str) -> Delivery:
    """The outcome of an attempt that never got to its end."""
    return Delivery(name, _NO_EVENT, Verdict.INTERRUPTED, None, INTERRUPTED)
