"""Operations on webhooks: find, list, search, create, change, delete."""

from __future__ import annotations

import sqlite3

from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.operations.base import Operations
from reconciler.tenant.store.rows import drafts, idempotency, invocations, subscriptions, webhooks
from reconciler.tenant.store.values.receivers import Receivers
from reconciler.tenant.store.values.statistics import ALL, Span
from reconciler.tenant.store.values.webhook import SearchPage, StoredWebhook
from reconciler.tenant.store.values.write import Change, Check, Creation


class Webhooks(Operations):
    """The webhooks of a file."""

    __slots__ = ()

    async def find(self, webhook_id: str) -> StoredWebhook | None:
        """One webhook, None when there is none."""
        now = self._clock()
        return await self._database.read(lambda c: webhooks.find(c, webhook_id, now))

    async def list_page(self, after: str, limit: int, name: str | None) -> list[StoredWebhook]:
        """Up to `limit` webhooks with an id above `after`, by id; `name` filters exactly."""
        now = self._clock()
        return await self._database.read(lambda c: webhooks.list_page(c, after, limit, name, now))

    async def search(self, search: str, number: int, size: int, span: Span) -> SearchPage:
        """Page `number` of `size` webhooks whose name or url holds `search`, the last one where
        there are fewer; with the invocations of all webhooks over a span.
        """
        now = self._clock()
        return await self._database.read(lambda c: _search(c, search, number, size, span, now))

    async def is_name_taken(self, name: str, except_id: str) -> bool:
        """Whether another webhook than `except_id` has this name."""
        return await self._database.read(lambda c: webhooks.is_name_taken(c, name, except_id))

    async def list_receivers(self) -> dict[str, Receivers]:
        """Every type of event that a webhook receives, in order, with its receivers."""
        return await self._database.read(subscriptions.read_receivers)

    async def create(self, creation: Creation) -> StoredWebhook:
        """Makes a webhook, or returns what its Idempotency-Key made before. Raises 409 for a taken
        name and for a deleted result of the key, 422, and what `make` raises.
        """
        now = self._clock()
        return await self._database.write(lambda c: _create(c, creation, now))

    async def change(self, webhook_id: str, change: Change) -> StoredWebhook:
        """Changes a webhook and returns it as it is then. Raises 409 for a taken name, 422, and
        what `check` and `make` raise.
        """
        now = self._clock()
        return await self._database.write(lambda c: _change(c, webhook_id, change, now))

    async def delete(self, webhook_id: str, check: Check) -> None:
        """Deletes a webhook; raises what `check` raises."""
        now = self._clock()

        def work(connection: sqlite3.Connection) -> None:
            webhooks.delete(connection, check(webhooks.find(connection, webhook_id, now)).id)

        await self._database.write(work)


def _search(
    connection: sqlite3.Connection, search: str, number: int, size: int, span: Span, now: float
) -> SearchPage:
    count = webhooks.count_found(connection, search)
    last = max(1, -(-count // size))
    number = min(number, last)
    return SearchPage(
        tuple(webhooks.search(connection, search, (number - 1) * size, size, now)),
        number,
        last,
        count,
        count if not search else webhooks.count_found(connection, ""),
        invocations.read_totals(connection, now),
        invocations.read_steps(connection, ALL, span),
    )


def _check_name(connection: sqlite3.Connection, name: str | None, except_id: str) -> None:
    """Raises 409 `name-taken` where another webhook than `except_id` has the wanted name."""
    if name is not None and webhooks.is_name_taken(connection, name, except_id):
        raise Refusal("name-taken", "names are unique")


def _create(connection: sqlite3.Connection, creation: Creation, now: float) -> StoredWebhook:
    use = creation.use
    before = None if use is None else idempotency.find_result(connection, use, now)
    if before is not None:
        existing = webhooks.find(connection, before, now)
        if existing is None:
            raise Refusal(
                "idempotency-gone", "the webhook that this Idempotency-Key made was deleted"
            )
        return existing
    _check_name(connection, creation.name, "")
    if creation.fault is not None:
        raise creation.fault
    webhook = creation.make()
    webhooks.insert(connection, webhook)
    if use is not None:
        idempotency.remember(connection, use, webhook.id, now)
    if creation.draft is not None:
        drafts.discard(connection, creation.draft)
    return webhook


def _change(
    connection: sqlite3.Connection, webhook_id: str, change: Change, now: float
) -> StoredWebhook:
    before = change.check(webhooks.find(connection, webhook_id, now))
    _check_name(connection, change.name, before.id)
    if change.fault is not None:
        raise change.fault
    after = change.make(before)
    if change.draft is not None:
        drafts.discard(connection, change.draft)
    if after is not before:
        webhooks.update(connection, after)
    return after
