"""SQL of the tables `webhooks` and `subscriptions`, and what a stored webhook looks like outside.

Revisions change in `webhook_change.py`.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.model.auth import (
    CREDENTIAL_FIELDS,
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    NoAuth,
)
from reconciler.core.model.secret import Secret, Withheld, hidden_url
from reconciler.core.model.webhook import ManagedBy, Subscription, Webhook
from reconciler.core.wire import webhooks as codec
from reconciler.tenant.store.rows import deliveries
from reconciler.tenant.store.rows.invocations import day_ago
from reconciler.tenant.store.vault import Vault
from reconciler.tenant.times import maybe, rfc3339

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredAuth:
    """An authentication as it lies in the file; `sealed` is the ciphertext of its secret."""

    type: str = "none"
    username: str | None = None
    header: str | None = None
    version: str | None = None
    sealed: bytes | None = field(default=None, repr=False)

    @property
    def place(self) -> tuple[str, str]:
        """What of it decides where a secret goes: type and header, in any case."""
        return self.type, (self.header or "").lower()


@dataclass(frozen=True, slots=True)
class Counts:
    """Invocations: since ever, the last of each, and of the last 24 hours."""

    succeeded: int = 0
    failed: int = 0
    last_success: float | None = None
    last_failure: float | None = None
    day_succeeded: int = 0
    day_failed: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """One webhook as it lies in the file; moments in epoch seconds, events sorted."""

    id: str
    revision: int
    name: str
    url: str = field(repr=False)
    description: str = ""
    enabled: bool = True
    auth: StoredAuth = StoredAuth()
    events: tuple[Subscription, ...] = ()
    managed_by: ManagedBy | None = None
    protected: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0
    counts: Counts = Counts()

    @property
    def etag(self) -> str:
        """The strong entity tag of this revision."""
        return f'"{self.revision}"'


# The webhooks that `{rows}` finds, and in one pass over their last 24 hours, neighbours in the
# table, the sums of these.
_SHOWN: Final = (
    "WITH w AS MATERIALIZED (SELECT * FROM webhooks w {rows}), day AS MATERIALIZED ("
    "SELECT webhook_id, SUM(succeeded) AS succeeded, SUM(failed) AS failed FROM hourly "
    "WHERE webhook_id IN (SELECT id FROM w) AND hour > :hour GROUP BY webhook_id) "
    "SELECT w.*, COALESCE(day.succeeded, 0) AS day_succeeded, COALESCE(day.failed, 0) AS "
    "day_failed "
    "FROM w LEFT JOIN day ON day.webhook_id = w.id ORDER BY {order}"
)


def _mark_to_json(mark: ManagedBy | None) -> str | None:
    return (
        None
        if mark is None
        else json.dumps([mark.owner, mark.key, mark.sources, mark.revision, mark.repository])
    )


def _mark_from_json(text: str | None) -> ManagedBy | None:
    if text is None:
        return None
    owner, key, sources, revision, repository = json.loads(text)
    return ManagedBy(owner, key, tuple(sources), revision, repository)


def auth_of(row: sqlite3.Row) -> StoredAuth:
    """The authentication in a row of the table."""
    sealed = None if row["sealed"] is None else bytes(row["sealed"])
    return StoredAuth(
        row["auth_type"], row["username"], row["header"], row["credential_version"], sealed
    )


def _of(row: sqlite3.Row) -> Stored:
    counts = Counts(
        row["succeeded"],
        row["failed"],
        row["last_success"],
        row["last_failure"],
        row["day_succeeded"],
        row["day_failed"],
    )
    return Stored(
        id=row["id"],
        revision=row["revision"],
        name=row["name"],
        url=row["url"],
        description=row["description"],
        enabled=bool(row["enabled"]),
        auth=auth_of(row),
        events=tuple(Subscription(*item) for item in json.loads(row["events"])),
        managed_by=_mark_from_json(row["managed_by"]),
        protected=bool(row["protected"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        counts=counts,
    )


def get(connection: sqlite3.Connection, webhook_id: str, now: float) -> Stored | None:
    """One webhook, None when there is none."""
    query = _SHOWN.format(rows="WHERE w.id = :id", order="w.id")
    row = connection.execute(query, {"id": webhook_id, "hour": day_ago(now)}).fetchone()
    return None if row is None else _of(row)


def page(
    connection: sqlite3.Connection, after: str, limit: int, name: str | None, now: float
) -> list[Stored]:
    """Up to `limit` webhooks with an id above `after`, by id, in one query; `name` filters
    exactly.
    """
    where = (
        "WHERE w.id > :after"
        + (" AND w.name = :name" if name is not None else "")
        + " ORDER BY w.id LIMIT :limit"
    )
    values = {"after": after, "limit": limit, "name": name, "hour": day_ago(now)}
    return [_of(row) for row in connection.execute(_SHOWN.format(rows=where, order="w.id"), values)]


_MATCHING: Final = (
    "WHERE (:search = '' OR instr(w.folded, fold(:search)) OR instr(fold(w.url), fold(:search)))"
)


def searched(
    connection: sqlite3.Connection, search: str, offset: int, limit: int, now: float
) -> list[Stored]:
    """Up to `limit` webhooks by name in any case, from number `offset` on, whose name or url holds
    `search`; empty finds all.
    """
    order = "w.folded, w.name"
    where = f"{_MATCHING} ORDER BY {order} LIMIT :limit OFFSET :offset"
    values = {"search": search, "offset": offset, "limit": limit, "hour": day_ago(now)}
    return [_of(row) for row in connection.execute(_SHOWN.format(rows=where, order=order), values)]


def count(connection: sqlite3.Connection, search: str) -> int:
    """How many webhooks `searched` finds in all."""
    return int(
        connection.execute(
            f"SELECT COUNT(*) FROM webhooks w {_MATCHING}",  # noqa: S608  fixed texts
            {"search": search},
        ).fetchone()[0]
    )


def name_taken(connection: sqlite3.Connection, name: str, besides: str) -> bool:
    """Whether another webhook than `besides` has this name."""
    found = connection.execute(
        "SELECT 1 FROM webhooks WHERE name = ? AND id <> ?", (name, besides)
    ).fetchone()
    return found is not None


_COLUMNS: Final = (
    *(
        "id",
        "revision",
        "name",
        "url",
        "description",
        "enabled",
        "protected",
        "auth_type",
        "username",
        "header",
    ),
    *("credential_version", "sealed", "events", "managed_by", "created_at", "updated_at", "folded"),
)
_INSERT: Final = (
    f"INSERT INTO webhooks ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + c for c in _COLUMNS)})"  # noqa: S608  fixed texts
)
_UPDATE: Final = (
    f"UPDATE webhooks SET {', '.join(f'{c} = :{c}' for c in _COLUMNS[1:])} WHERE id = :id"  # noqa: S608  likewise
)


def save(connection: sqlite3.Connection, webhook: Stored, *, new: bool) -> None:
    """Writes a webhook and its subscriptions; the counts are the engine's and stay."""
    auth = webhook.auth
    values = {
        "id": webhook.id,
        "revision": webhook.revision,
        "name": webhook.name,
        "url": webhook.url,
        "description": webhook.description,
        "enabled": webhook.enabled,
        "protected": webhook.protected,
        "auth_type": auth.type,
        "username": auth.username,
        "header": auth.header,
        "credential_version": auth.version,
        "sealed": auth.sealed,
        "events": json.dumps([[s.type, s.version, s.severity] for s in webhook.events]),
        "managed_by": _mark_to_json(webhook.managed_by),
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
        "folded": webhook.name.casefold(),
    }
    if not new:  # what an endpoint earned counts for that endpoint: another url starts afresh
        connection.execute(
            "UPDATE webhooks SET unreached = 0, held_until = NULL WHERE id = :id AND url <> :url",
            values,
        )
    connection.execute(_INSERT if new else _UPDATE, values)
    connection.execute(
        "UPDATE webhooks SET disabled_at = CASE WHEN enabled THEN NULL ELSE "
        "COALESCE(disabled_at, updated_at) END WHERE id = ?",
        (webhook.id,),
    )
    connection.execute("DELETE FROM subscriptions WHERE webhook_id = ?", (webhook.id,))
    connection.executemany(
        "INSERT INTO subscriptions (type, version, severity, webhook_id) VALUES (?, ?, ?, ?)",
        [(s.type, s.version, s.severity, webhook.id) for s in webhook.events],
    )


def delete(connection: sqlite3.Connection, webhook_id: str) -> None:
    """Removes a webhook, its subscriptions and its counts by the hour; what it received stays
    counted in all.

    None of its deliveries is pending or seen any more; some go at once, and `upkeep.py` removes the
    rest in steps.
    """
    waiting = "SELECT COUNT(*) FROM deliveries WHERE webhook_id = ? AND state = 'pending'"
    connection.execute(f"UPDATE totals SET pending = pending - ({waiting})", (webhook_id,))  # noqa: S608  fixed texts
    connection.execute("INSERT INTO removed (webhook_id) VALUES (?)", (webhook_id,))
    connection.execute("DELETE FROM hourly WHERE webhook_id = ?", (webhook_id,))
    connection.execute("DELETE FROM webhooks WHERE id = ?", (webhook_id,))
    deliveries.clear(connection, webhook_id)


def auth_to_json(auth: StoredAuth) -> Json:
    """An authentication as it is shown: never the secret."""
    shown: Json = {"type": auth.type}
    if auth.type == "basic":
        shown["username"] = auth.username
    if auth.type == "apiKey":
        shown["header"] = auth.header
    if auth.type != "none":
        shown["credential_version"] = auth.version
    return shown


def to_json(webhook: Stored) -> Json:
    """A webhook as the contract shows it."""
    mark, counts = webhook.managed_by, webhook.counts
    return {
        "id": webhook.id,
        "revision": str(webhook.revision),
        "name": webhook.name,
        "url": webhook.url,
        "description": webhook.description,
        "enabled": webhook.enabled,
        "auth": auth_to_json(webhook.auth),
        "events": [
            {"type": s.type, "version": s.version, "severity": s.severity} for s in webhook.events
        ],
        "managed_by": codec.mark_to_json(mark) if mark is not None else None,
        "protected": webhook.protected,
        "created_at": rfc3339(webhook.created_at),
        "updated_at": rfc3339(webhook.updated_at),
        "invocations": {
            "succeeded": counts.succeeded,
            "failed": counts.failed,
            "last_success": maybe(counts.last_success),
            "last_failure": maybe(counts.last_failure),
            "last_day": {"succeeded": counts.day_succeeded, "failed": counts.day_failed},
        },
    }


def opened(webhook_id: str, auth: StoredAuth, vault: Vault) -> Secret | None:
    """The stored secret of an authentication, None where there is none."""
    return (
        None
        if auth.sealed is None
        else vault.open(webhook_id, CREDENTIAL_FIELDS[auth.type], auth.sealed)
    )


def to_send(name: str, url: str, auth: StoredAuth, secret: Secret | None) -> Webhook:
    """The value that `delivery` sends to; its url shows itself as scheme and host only."""
    hidden, made = secret or Withheld(auth.version), NoAuth()
    by_type: dict[str, Auth] = {
        "none": made,
        "basic": BasicAuth(auth.username or "", hidden),
        "bearer": BearerAuth(hidden),
        "apiKey": ApiKeyAuth(auth.header or "", hidden),
    }
    return Webhook(name, hidden_url(url), auth=by_type[auth.type])
