"""SQL of the queue: what the lanes are told, claims, outcomes, and what an earlier process left under way. Called by `engine.py`.

A claim stores attempt number and lease before anything is sent, and reads the webhook of that moment in the same transaction.
An outcome, its counters and the next attempt are one transaction too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from reconciler.core.model import Subscription
from reconciler.core.report import Delivery, Verdict
from reconciler.tenant import invocations
from reconciler.tenant.lanes import DEAD_AFTER, After, Facts, Pick, Rank
from reconciler.tenant.retries import Retries
from reconciler.tenant.webhooks import StoredAuth, auth_of

INTERRUPTED: Final = "the sender stopped before an answer came"  # of the closed list in delivery/detail.py
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook's deliveries go, as it stood when they were claimed."""

    webhook_id: str
    name: str
    url: str = field(repr=False)
    auth: StoredAuth


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt that may be sent now: its number, how many attempts its round has with it, and the event."""

    seq: int
    number: int
    tries: int
    claimed_at: float
    target: Target
    event_id: str
    subscription: Subscription
    body: str = field(repr=False)
    accepted_at: float


def place(url: str) -> str:
    """Host and port of a stored url, which is where the limit of a place counts."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}"


_FACTS: Final = (
    "SELECT w.id, w.url, w.unreached, COALESCE(w.held_until, 0), (SELECT MIN(next_at) FROM deliveries WHERE "
    "webhook_id = w.id AND state = 'pending' AND lease IS NULL) AS due FROM webhooks w WHERE w.enabled "
)


def facts(connection: sqlite3.Connection, webhook_ids: Sequence[str]) -> dict[str, Facts]:
    """What the lanes have to know of those of these webhooks that are enabled."""
    query = f"{_FACTS} AND w.id IN ({', '.join('?' * len(webhook_ids))})"
    return _told(connection.execute(query, webhook_ids))


def waiting(connection: sqlite3.Connection) -> dict[str, Facts]:
    """The same of every webhook for which something waits: one look into an index for each."""
    return _told(connection.execute(f"{_FACTS} AND due IS NOT NULL"))


def _told(rows: Iterable[sqlite3.Row]) -> dict[str, Facts]:
    return {row[0]: Facts(place(row[1]), row[4], row[3], row[2]) for row in rows}


def claim(
    connection: sqlite3.Connection, picks: Iterable[Pick], lease: str, now: float
) -> list[tuple[Facts | None, list[Claim]]]:
    """For each pick the facts as they are now, and the claims that it found; None and nothing where the webhook may not send."""
    return [_of_webhook(connection, pick, lease, now) for pick in picks]


def _of_webhook(connection: sqlite3.Connection, pick: Pick, lease: str, now: float) -> tuple[Facts | None, list[Claim]]:
    row = connection.execute("SELECT * FROM webhooks WHERE id = ? AND enabled", (pick.webhook_id,)).fetchone()
    if row is None:
        return None, []
    held, unreached = row["held_until"] or 0.0, row["unreached"]
    here = place(row["url"])
    dead = unreached >= DEAD_AFTER
    if held > now or here != pick.place or dead != (pick.rank is Rank.DEAD):  # the lanes knew less: they ask again
        return facts(connection, (pick.webhook_id,)).get(pick.webhook_id), []
    target = Target(row["id"], row["name"], row["url"], auth_of(row))
    if dead:
        probe = [_leased(connection, row, target, lease, now) for row in connection.execute(_PROBE, (pick.webhook_id, now))]
        return facts(connection, (pick.webhook_id,)).get(pick.webhook_id), probe
    found = connection.execute(_NEXT, (pick.webhook_id, pick.count + 1)).fetchall()
    ready = [row for row in found[: pick.count] if row["next_at"] <= now]
    due = found[len(ready)]["next_at"] if len(found) > len(ready) else None
    return Facts(here, due, held, unreached), [_leased(connection, row, target, lease, now) for row in ready]


_WAITING: Final = "FROM deliveries WHERE webhook_id = ? AND state = 'pending' AND lease IS NULL"
_CLAIMED: Final = (
    "SELECT d.seq, d.attempt, d.earlier, d.next_at, d.event_id, e.type, e.version, e.severity, e.body, e.accepted_at "
    "FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.seq IN "
)
_NEXT: Final = f"{_CLAIMED} (SELECT seq {_WAITING} ORDER BY next_at LIMIT ?) ORDER BY d.next_at"
# The due one with the most attempts, so that its schedule goes on; the others wait without using theirs.
_PROBE: Final = f"{_CLAIMED} (SELECT seq {_WAITING} AND next_at <= ? ORDER BY attempt DESC, next_at LIMIT 1)"


def _leased(connection: sqlite3.Connection, row: sqlite3.Row, target: Target, lease: str, now: float) -> Claim:
    number = row["attempt"] + 1
    connection.execute(
        "UPDATE deliveries SET attempt = ?, lease = ?, lease_at = ? WHERE seq = ?", (number, lease, now, row["seq"])
    )
    event = Subscription(row["type"], row["version"], row["severity"])
    return Claim(
        row["seq"], number, number - row["earlier"], now, target, row["event_id"], event, row["body"], row["accepted_at"]
    )


def finish(connection: sqlite3.Connection, claim: Claim, outcome: Delivery, wait: float | None, now: float) -> After | None:
    """Stores an attempt's outcome, counts it, and makes the delivery due in `wait` seconds, None for never.

    None where the webhook or the event is gone: then nothing is stored or counted.
    """
    won = outcome.verdict is Verdict.DELIVERED
    next_at = None if wait is None else now + wait
    state = "succeeded" if won else "failed" if next_at is None else "pending"
    changed = connection.execute(
        "UPDATE deliveries SET state = ?, next_at = ?, lease = NULL, lease_at = NULL "
        "WHERE seq = ? AND attempt = ? AND lease IS NOT NULL AND EXISTS (SELECT 1 FROM webhooks WHERE id = webhook_id)",
        (state, next_at, claim.seq, claim.number),
    ).rowcount
    if not changed:
        return None
    connection.execute(
        "INSERT INTO attempts (delivery, number, started_at, verdict, status_code, detail, seconds) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(claim.seq, claim.number, claim.claimed_at),
            *(outcome.verdict.value, outcome.status_code, outcome.detail, round(outcome.seconds, 6)),
        ),
    )
    invocations.count(connection, claim.target.webhook_id, now, won=won)
    return _lane_after(connection, claim.target.webhook_id, outcome, next_at, now)


def _lane_after(connection: sqlite3.Connection, webhook_id: str, outcome: Delivery, next_at: float | None, now: float) -> After:
    """Counts attempts without an answer, and holds the webhook: for a Retry-After, or until a dead one's next probe."""
    before = connection.execute("SELECT unreached, held_until FROM webhooks WHERE id = ?", (webhook_id,)).fetchone()
    unreached, held = before["unreached"], before["held_until"]
    if outcome.verdict is not Verdict.INTERRUPTED:
        unreached = 0 if outcome.status_code is not None else unreached + 1
    if unreached >= DEAD_AFTER:
        held = next_at
    elif before["unreached"] >= DEAD_AFTER:
        held = None
    if outcome.retry_after is not None:
        held = max(held or 0.0, now + outcome.retry_after)
    if (unreached, held) != (before["unreached"], before["held_until"]):
        connection.execute("UPDATE webhooks SET unreached = ?, held_until = ? WHERE id = ?", (unreached, held, webhook_id))
    return After(next_at, held or 0.0, unreached)


def recover(connection: sqlite3.Connection, retries: Retries, now: float) -> int:
    """Counts every attempt that was under way when the last engine ended as failed, `interrupted`; how many these were."""
    rows = connection.execute(
        "SELECT d.seq, d.attempt, d.earlier, d.webhook_id, d.lease_at FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id "
        "WHERE d.lease IS NOT NULL"
    )
    lost = [
        Claim(row[0], row[1], row[1] - row[2], row[4], Target(row[3], "", "", StoredAuth()), "", _NO_EVENT, "", 0.0)
        for row in rows
    ]
    outcome = interrupted("")
    for each in lost:
        finish(connection, each, outcome, retries.wait(each.tries, outcome), now)
    return len(lost)


_NO_EVENT: Final = Subscription("", None, None)


def interrupted(name: str) -> Delivery:
    """The outcome of an attempt that never got to its end."""
    return Delivery(name, _NO_EVENT, Verdict.INTERRUPTED, None, INTERRUPTED)
