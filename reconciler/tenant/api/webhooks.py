"""Webhooks: list, create, read, patch, delete. Handlers of `app.py`; the rules of a write stand in
`webhook_change.py`.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from reconciler.core.model import limits
from reconciler.tenant.api.endpoint import MERGE_PATCH, Call, reply
from reconciler.tenant.problems import Refusal, invalid
from reconciler.tenant.requests import cursors
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.requests.body import Details, details
from reconciler.tenant.requests.strict import canonical
from reconciler.tenant.store.rows import idempotency, webhooks
from reconciler.tenant.store.rows.idempotency import Use
from reconciler.tenant.store.rows.tokens import Principal
from reconciler.tenant.store.rows.webhooks import Stored
from reconciler.tenant.store.vault import Vault

BASE = "/public-api/v1"


def _tagged(webhook: Stored, status: int = 200) -> Response:
    headers = {"ETag": webhook.etag}
    if status == 201:
        headers["Location"] = f"{BASE}/webhooks/{webhook.id}"
    return reply(webhooks.to_json(webhook), status, headers)


async def listing(call: Call) -> Response:
    """`GET /webhooks`."""
    limit, cursor, name = call.limit(), call.query("cursor"), call.query("name")
    name = None if name is None else limits.normal(name)
    bound, vault, now = f"webhooks name={name!r}", call.store.vault, call.store.clock()
    after = "" if cursor is None else cursors.after(vault, bound, cursor)
    found = await call.store.read(lambda c: webhooks.page(c, after, limit + 1, name, now))
    following = cursors.made(vault, bound, found[limit - 1].id) if len(found) > limit else None
    return reply(
        {"items": [webhooks.to_json(item) for item in found[:limit]], "next_cursor": following}
    )


async def read(call: Call) -> Response:
    """`GET /webhooks/{id}`."""
    now = call.store.clock()
    return _tagged(await call.store.read(lambda c: _held(c, call.part("id"), now)))


def _held(connection: sqlite3.Connection, webhook_id: str, now: float) -> Stored:
    found = webhooks.get(connection, webhook_id, now)
    if found is None:
        raise Refusal("not-found", "there is no such webhook")
    return found


def check_name(connection: sqlite3.Connection, given: Details, besides: str) -> None:
    """Raises 409 `name-taken` where another webhook than `besides` has the name that is wanted."""
    name = given.fields.get("name")
    if name is not None and webhooks.name_taken(connection, name, besides):
        raise Refusal("name-taken", "names are unique")


@dataclass(frozen=True, slots=True)
class _Creation:
    """A create as its transaction needs it."""

    webhook_id: str
    given: Details
    vault: Vault
    use: Use | None
    now: float

    def run(self, connection: sqlite3.Connection) -> Stored:
        """Makes the webhook, or finds what this Idempotency-Key made before."""
        before = (
            idempotency.made_before(connection, self.use, self.now)
            if self.use is not None
            else None
        )
        if before is not None:
            found = webhooks.get(connection, before, self.now)
            if found is None:
                raise Refusal(
                    "idempotency-gone", "the webhook that this Idempotency-Key made was deleted"
                )
            return found
        check_name(connection, self.given, "")
        if self.given.errors:
            raise invalid(self.given.errors)
        made = change.created(self.webhook_id, self.given.fields, self.vault, self.now)
        webhooks.save(connection, made, new=True)
        if self.use is not None:
            idempotency.remember(connection, self.use, made.id, self.now)
        return made


async def create(call: Call) -> Response:
    """`POST /webhooks`."""
    key = idempotency.checked(call.request.headers.getlist("idempotency-key"))
    value = await call.json()
    change.check_owner(call.principal, change.owner_of(value))
    vault, webhook_id, use = call.store.vault, call.store.new_id(), None
    given = details(value, partial(vault.seal, webhook_id), required=("name", "url"))
    if key is not None:
        use = Use(
            call.principal.id, "POST /webhooks", key, vault.mac("idempotency", canonical(value))
        )
    made = await _once(call, use, _Creation(webhook_id, given, vault, use, call.store.clock()))
    return _tagged(made, 201)


async def _once(call: Call, use: Use | None, creation: _Creation) -> Stored:
    """Runs a creation unless one of the same key is running."""
    if use is None:
        return await call.store.write(creation.run)
    running = call.tenant.running
    if use.scope in running:
        raise Refusal("idempotency-in-progress", headers={"Retry-After": "1"})
    running.add(use.scope)
    try:
        return await call.store.write(creation.run)
    finally:
        running.discard(use.scope)


def _changeable(connection: sqlite3.Connection, call: Call, now: float) -> Stored:
    """The webhook that a conditional write names; raises 404, 403 `owner`, 428, 412 in this
    order.
    """
    held = _held(connection, call.part("id"), now)
    check_holder(call.principal, held)
    tags = call.if_match()
    if tags is None:
        raise Refusal("revision-required", "send If-Match with the ETag that you read")
    if held.etag not in tags and "*" not in tags:
        raise Refusal(
            "revision", "somebody changed it since you read it", headers={"ETag": held.etag}
        )
    return held


def check_holder(principal: Principal, held: Stored) -> None:
    """Raises 403 `owner` where a webhook is another owner's."""
    change.check_owner(principal, held.managed_by.owner if held.managed_by is not None else None)


async def patch(call: Call) -> Response:
    """`PATCH /webhooks/{id}`."""
    value = await call.json(MERGE_PATCH)
    vault, now = call.store.vault, call.store.clock()
    given = details(value, partial(vault.seal, call.part("id")))
    written = await call.store.write(lambda c: _patched(c, call, value, given, now))
    call.tenant.wake(written.id)  # it may have been enabled
    return _tagged(written)


def _patched(
    connection: sqlite3.Connection, call: Call, value: Any, given: Details, now: float
) -> Stored:
    held = _changeable(connection, call, now)
    change.check_owner(call.principal, change.owner_of(value))
    check_name(connection, given, held.id)
    if given.errors:
        raise invalid(given.errors)
    after = change.patched(held, given.fields, call.store.vault, now)
    if after is not held:
        webhooks.save(connection, after, new=False)
    return after


async def delete(call: Call) -> Response:
    """`DELETE /webhooks/{id}`."""
    now = call.store.clock()

    def run(connection: sqlite3.Connection) -> None:
        held = _changeable(connection, call, now)
        if held.protected:
            raise Refusal("protected", "a PATCH of protected to false lifts that")
        webhooks.delete(connection, held.id)

    await call.store.write(run)
    call.tenant.wake(call.part("id"))  # nothing is sent there any more
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
