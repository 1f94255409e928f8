"""SQL of the queue: the facts for the lanes, and claims.

A claim stores attempt number and lease before anything is sent, and reads the webhook of that
moment in the same transaction.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from reconciler.core.model.webhook import Subscription
from reconciler.tenant.schedule.lanes import DEAD_AFTER, Facts, Pick, Rank
from reconciler.tenant.store.rows.webhooks import read_auth
from reconciler.tenant.store.sql import make_placeholders
from reconciler.tenant.store.values.attempt import Claim, Target

_PORTS: Final = {"http": 80, "https": 443}


def read_place(url: str) -> str:
    """Host and port of a stored url, which is where the limit of a place counts."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}"


_FACTS: Final = (
    "SELECT w.id, w.url, w.unreached, COALESCE(w.held_until, 0), (SELECT MIN(next_at) "
    "FROM deliveries WHERE "
    "webhook_id = w.id AND state = 'pending' AND lease IS NULL) AS due FROM webhooks w "
    "WHERE w.enabled "
)


def read_facts(connection: sqlite3.Connection, webhook_ids: Sequence[str]) -> dict[str, Facts]:
    """What the lanes have to know of those of these webhooks that are enabled."""
    query = f"{_FACTS} AND w.id IN ({make_placeholders(webhook_ids)})"
    return _make_facts(connection.execute(query, webhook_ids))


def read_waiting(connection: sqlite3.Connection) -> dict[str, Facts]:
    """The same of every webhook for which something waits: one look into an index for each."""
    return _make_facts(connection.execute(f"{_FACTS} AND due IS NOT NULL"))


def _make_facts(rows: Iterable[sqlite3.Row]) -> dict[str, Facts]:
    return {row[0]: Facts(read_place(row[1]), row[4], row[3], row[2]) for row in rows}


def claim_picks(
    connection: sqlite3.Connection, picks: Sequence[Pick], lease: str, now: float
) -> list[tuple[Facts | None, list[Claim]]]:
    """For each pick the facts as they are now, and the claims that it found; None and nothing where
    the webhook may not send.

    One pick a webhook. Few statements for all of them, for the reason that `outcomes.py` gives.
    """
    ids = [pick.webhook_id for pick in picks]
    rows = {
        row["id"]: row for row in connection.execute(f"{_ENABLED} ({make_placeholders(ids)})", ids)
    }
    known = {
        pick.webhook_id: pick
        for pick in picks
        if pick.webhook_id in rows and _is_as_known(pick, rows[pick.webhook_id], now)
    }
    due = _find_next(connection, known.values(), now)
    ready = {
        webhook_id: [row for row in due[webhook_id][: pick.count] if row["next_at"] <= now]
        for webhook_id, pick in known.items()
    }
    _lease(connection, [row["seq"] for some in ready.values() for row in some], lease, now)
    unsure = [
        pick.webhook_id for pick in picks if pick.webhook_id not in known or pick.rank is Rank.DEAD
    ]
    facts = read_facts(connection, unsure) if unsure else {}
    claimed = {}
    for webhook_id, some in ready.items():
        row, rest = rows[webhook_id], due[webhook_id][len(some) :]
        claimed[webhook_id] = _make_claims(some, row, now)
        facts.setdefault(webhook_id, _make_facts_after(known[webhook_id], row, rest))
    return [(facts.get(webhook_id), claimed.pop(webhook_id, [])) for webhook_id in ids]


_ENABLED: Final = "SELECT * FROM webhooks WHERE enabled AND id IN"


def _is_as_known(pick: Pick, row: sqlite3.Row, now: float) -> bool:
    """Whether the lanes knew what the file says of a webhook; else they ask again."""
    dead = row["unreached"] >= DEAD_AFTER
    return (
        (row["held_until"] or 0.0) <= now
        and read_place(row["url"]) == pick.place
        and dead == (pick.rank is Rank.DEAD)
    )


_ALL: Final = "FROM deliveries WHERE webhook_id = ? AND state = 'pending' AND lease IS NULL"
_NEXT: Final = f"SELECT seq FROM (SELECT seq {_ALL} ORDER BY next_at LIMIT ?)"  # noqa: S608  fixed text
# The due one with the most attempts, so that its schedule goes on; the others wait without using
# theirs.
_PROBE: Final = (
    f"SELECT seq FROM (SELECT seq {_ALL} AND next_at <= ? ORDER BY attempt DESC, next_at LIMIT 1)"  # noqa: S608  fixed text
)
_CLAIMED: Final = (
    "SELECT d.seq, d.webhook_id, d.attempt, d.earlier, d.next_at, d.event_id, e.type, "
    "e.version, e.severity, e.body, "
    "e.accepted_at FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.seq IN"
)


def _find_next(
    connection: sqlite3.Connection, picks: Iterable[Pick], now: float
) -> defaultdict[str, list[sqlite3.Row]]:
    """By webhook what it may claim, in turn, and the one after these."""
    by_webhook: defaultdict[str, list[sqlite3.Row]] = defaultdict(list)
    parts = [
        (_PROBE, pick.webhook_id, now)
        if pick.rank is Rank.DEAD
        else (_NEXT, pick.webhook_id, pick.count + 1)
        for pick in picks
    ]
    if parts:
        query = f"{_CLAIMED} ({' UNION ALL '.join(part[0] for part in parts)}) ORDER BY d.next_at"
        for row in connection.execute(query, [value for part in parts for value in part[1:]]):
            by_webhook[row["webhook_id"]].append(row)
    return by_webhook


def _lease(connection: sqlite3.Connection, seqs: Sequence[int], lease: str, now: float) -> None:
    if seqs:
        query = (
            "UPDATE deliveries SET attempt = attempt + 1, lease = ?, lease_at = ? WHERE seq "  # noqa: S608  placeholders
            f"IN ({make_placeholders(seqs)})"
        )
        connection.execute(query, (lease, now, *seqs))


def _make_facts_after(pick: Pick, row: sqlite3.Row, rest: Sequence[sqlite3.Row]) -> Facts:
    """The facts of a webhook after a claim; `rest` are the deliveries that it left."""
    due = rest[0]["next_at"] if rest else None
    return Facts(pick.place, due, row["held_until"] or 0.0, row["unreached"])


def _make_claims(
    deliveries: Sequence[sqlite3.Row], webhook: sqlite3.Row, now: float
) -> list[Claim]:
    target = Target(webhook["id"], webhook["name"], webhook["url"], read_auth(webhook))
    return [_make_claim(delivery, target, now) for delivery in deliveries]


def _make_claim(row: sqlite3.Row, target: Target, now: float) -> Claim:
    number = row["attempt"] + 1
    what = Subscription(row["type"], row["version"], row["severity"])
    return Claim(
        row["seq"],
        number,
        number - row["earlier"],
        now,
        target,
        row["event_id"],
        what,
        row["body"],
        row["accepted_at"],
    )
