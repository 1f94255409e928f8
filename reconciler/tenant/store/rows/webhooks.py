"""SQL of the tables `webhooks` and `subscriptions`. The table of fields says which columns a spec
has.

Revisions change in `webhook_change.py`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Final

from reconciler.core.model import fields as table
from reconciler.core.model.fields import Field, Kind
from reconciler.core.model.webhook import ManagedBy, Subscription, Webhook
from reconciler.tenant.store.rows import deliveries
from reconciler.tenant.store.rows.invocations import compute_day_start
from reconciler.tenant.store.values.webhook import Counts, StoredAuth, StoredWebhook, make_auth

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


def read_auth(row: sqlite3.Row) -> StoredAuth:
    """The authentication in a row of the table."""
    sealed = None if row["sealed"] is None else bytes(row["sealed"])
    return StoredAuth(
        row["auth_type"],
        row["username"],
        row["header"],
        row["scheme"],
        row["credential_version"],
        sealed,
    )


_NAMES: Final[dict[tuple[str, ...], str]] = {
    ("auth", "type"): "auth_type",
    ("auth", "credential"): "credential_version",
}


def name_column(spec_field: Field) -> str:
    """The column that holds a field of the spec."""
    return _NAMES.get(spec_field.path, spec_field.name)


def encode_field(spec_field: Field, spec: Webhook) -> Any:
    """What the column of a field holds; of a credential its version."""
    value = spec_field.read(spec)
    match spec_field.kind:
        case Kind.SET:
            ordered = sorted(value, key=lambda item: item.sort_key)
            return json.dumps([[s.type, s.version, s.severity] for s in ordered])
        case Kind.CREDENTIAL:
            return None if value is None else value.version
        case Kind.FOLDED:
            return value or None
        case _:
            return value


def _list_attributes() -> list[tuple[str, str, bool]]:
    """The attributes of a spec that need no decoding: name, column, whether it is a flag."""
    return [
        (row.name, name_column(row), row.type is bool)
        for row in table.list_attributes()
        if row.kind is not table.Kind.OPTIONS
    ]


def _read_spec(row: sqlite3.Row, attributes: Iterable[tuple[str, str, bool]]) -> Webhook:
    """The spec in a row, its secret withheld."""
    values = {
        name: bool(row[column]) if is_flag else row[column] for name, column, is_flag in attributes
    }
    events = frozenset(Subscription(*item) for item in json.loads(row["events"]))
    return table.make_spec(values, row["url"], make_auth(read_auth(row)), events)


def _read_webhooks(rows: Iterable[sqlite3.Row]) -> list[StoredWebhook]:
    attributes = _list_attributes()  # once for all rows
    return [_read_webhook(row, attributes) for row in rows]


def _read_webhook(row: sqlite3.Row, attributes: Iterable[tuple[str, str, bool]]) -> StoredWebhook:
    counts = Counts(
        row["succeeded"],
        row["failed"],
        row["last_success"],
        row["last_failure"],
        row["day_succeeded"],
        row["day_failed"],
    )
    return StoredWebhook(
        id=row["id"],
        revision=row["revision"],
        spec=_read_spec(row, attributes),
        sealed=None if row["sealed"] is None else bytes(row["sealed"]),
        managed_by=_mark_from_json(row["managed_by"]),
        protected=bool(row["protected"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        counts=counts,
    )


def find(connection: sqlite3.Connection, webhook_id: str, now: float) -> StoredWebhook | None:
    """One webhook, None when there is none."""
    query = _SHOWN.format(rows="WHERE w.id = :id", order="w.id")
    row = connection.execute(query, {"id": webhook_id, "hour": compute_day_start(now)}).fetchone()
    return None if row is None else _read_webhook(row, _list_attributes())


def list_page(
    connection: sqlite3.Connection, after: str, limit: int, name: str | None, now: float
) -> list[StoredWebhook]:
    """Up to `limit` webhooks with an id above `after`, by id, in one query; `name` filters
    exactly.
    """
    where = (
        "WHERE w.id > :after"
        + (" AND w.name = :name" if name is not None else "")
        + " ORDER BY w.id LIMIT :limit"
    )
    values = {"after": after, "limit": limit, "name": name, "hour": compute_day_start(now)}
    return _read_webhooks(connection.execute(_SHOWN.format(rows=where, order="w.id"), values))


_MATCHING: Final = (
    "WHERE (:search = '' OR instr(w.folded, fold(:search)) OR instr(fold(w.url), fold(:search)))"
)


def search(
    connection: sqlite3.Connection, search: str, offset: int, limit: int, now: float
) -> list[StoredWebhook]:
    """Up to `limit` webhooks by name in any case, from number `offset` on, whose name or url holds
    `search`; empty finds all.
    """
    order = "w.folded, w.name"
    where = f"{_MATCHING} ORDER BY {order} LIMIT :limit OFFSET :offset"
    values = {"search": search, "offset": offset, "limit": limit, "hour": compute_day_start(now)}
    return _read_webhooks(connection.execute(_SHOWN.format(rows=where, order=order), values))


def count_found(connection: sqlite3.Connection, search: str) -> int:
    """How many webhooks `search` finds in all."""
    return int(
        connection.execute(
            f"SELECT COUNT(*) FROM webhooks w {_MATCHING}",  # noqa: S608  fixed texts
            {"search": search},
        ).fetchone()[0]
    )


def is_name_taken(connection: sqlite3.Connection, name: str, except_id: str) -> bool:
    """Whether another webhook than `except_id` has this name."""
    row = connection.execute(
        "SELECT 1 FROM webhooks WHERE name = ? AND id <> ?", (name, except_id)
    ).fetchone()
    return row is not None


def _make_values(webhook: StoredWebhook) -> dict[str, Any]:
    """The columns of a webhook that a write sets, the counts of the engine left out."""
    return {
        "id": webhook.id,
        "revision": webhook.revision,
        **{name_column(row): encode_field(row, webhook.spec) for row in table.list_common_rows()},
        "protected": webhook.protected,
        "sealed": webhook.sealed,
        "managed_by": _mark_to_json(webhook.managed_by),
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
        "folded": webhook.name.casefold(),
    }


def insert(connection: sqlite3.Connection, webhook: StoredWebhook) -> None:
    """Writes a new webhook and its subscriptions."""
    values = _make_values(webhook)
    names = ", ".join(values)
    connection.execute(
        f"INSERT INTO webhooks ({names}) VALUES ({', '.join(f':{name}' for name in values)})",  # noqa: S608  names of columns
        values,
    )
    _save_dependents(connection, webhook)


def update(connection: sqlite3.Connection, webhook: StoredWebhook) -> None:
    """Writes a webhook again, and its subscriptions.

    What an endpoint earned counts for that endpoint: another url starts afresh.
    """
    values = _make_values(webhook)
    connection.execute(
        "UPDATE webhooks SET unreached = 0, held_until = NULL WHERE id = :id AND url <> :url",
        values,
    )
    pairs = ", ".join(f"{name} = :{name}" for name in values if name != "id")
    connection.execute(f"UPDATE webhooks SET {pairs} WHERE id = :id", values)  # noqa: S608  names of columns
    _save_dependents(connection, webhook)


def _save_dependents(connection: sqlite3.Connection, webhook: StoredWebhook) -> None:
    """Writes since when a webhook is disabled, and its subscriptions."""
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
