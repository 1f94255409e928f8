"""Handlers of webhooks: list, create, read, patch, delete. The rules of a write stand in
`webhook_change.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.responses import Response

from reconciler.core.model import limits
from reconciler.tenant.api.endpoint import MERGE_PATCH, Call, reply
from reconciler.tenant.problems import Refusal, make_invalid
from reconciler.tenant.requests import cursors
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.requests.body import read_details
from reconciler.tenant.requests.strict import write_canonical
from reconciler.tenant.store.values.idempotency import Use, read_key
from reconciler.tenant.store.values.token import Principal
from reconciler.tenant.store.values.webhook import StoredWebhook, webhook_to_json
from reconciler.tenant.store.values.write import Change, Creation

BASE = "/public-api/v1"
NO_WEBHOOK: Final = "there is no such webhook"


def _reply_tagged(webhook: StoredWebhook, status: int = 200) -> Response:
    headers = {"ETag": webhook.etag}
    if status == 201:
        headers["Location"] = f"{BASE}/webhooks/{webhook.id}"
    return reply(webhook_to_json(webhook), status, headers)


async def list_webhooks(call: Call) -> Response:
    """`GET /webhooks`."""
    limit, cursor, name = call.read_limit(), call.read_query("cursor"), call.read_query("name")
    name = None if name is None else limits.normalize_name(name)
    bound, vault = f"webhooks name={name!r}", call.store.vault
    after = "" if cursor is None else cursors.read_cursor(vault, bound, cursor)
    page = await call.store.webhooks.list_page(after, limit + 1, name)
    following = cursors.make_cursor(vault, bound, page[limit - 1].id) if len(page) > limit else None
    return reply(
        {"items": [webhook_to_json(item) for item in page[:limit]], "next_cursor": following}
    )


async def show_webhook(call: Call) -> Response:
    """`GET /webhooks/{id}`."""
    webhook = await call.store.webhooks.find(call.read_part("id"))
    if webhook is None:
        raise Refusal("not-found", NO_WEBHOOK)
    return _reply_tagged(webhook)


async def create_webhook(call: Call) -> Response:
    """`POST /webhooks`."""
    key = read_key(call.request.headers.getlist("idempotency-key"))
    value = await call.read_json()
    change.check_owner(call.principal, change.read_owner(value))
    vault, webhook_id, use = call.store.vault, call.store.new_id(), None
    details = read_details(value, partial(vault.seal, webhook_id), required=("name", "url"))
    if key is not None:
        use = Use(
            call.principal.id,
            "POST /webhooks",
            key,
            vault.compute_mac("idempotency", write_canonical(value)),
        )
    creation = Creation(
        details.fields.get("name"),
        partial(change.make_webhook, webhook_id, details.fields, vault, call.store.clock()),
        make_invalid(details.errors) if details.errors else None,
        use,
    )
    return _reply_tagged(await _create_once(call, creation), 201)


async def _create_once(call: Call, creation: Creation) -> StoredWebhook:
    """Creates a webhook unless a request with the same key is running."""
    use = creation.use
    if use is None:
        return await call.store.webhooks.create(creation)
    running = call.tenant.running
    if use.scope in running:
        raise Refusal("idempotency-in-progress", headers={"Retry-After": "1"})
    running.add(use.scope)
    try:
        return await call.store.webhooks.create(creation)
    finally:
        running.discard(use.scope)


def _check_write(call: Call, held: StoredWebhook | None) -> StoredWebhook:
    """The webhook that a conditional write names; raises 404, 403 `owner`, 428, 412 in this
    order.
    """
    if held is None:
        raise Refusal("not-found", NO_WEBHOOK)
    check_holder(call.principal, held)
    tags = call.read_if_match()
    if tags is None:
        raise Refusal("revision-required", "send If-Match with the ETag that you read")
    if held.etag not in tags and "*" not in tags:
        raise Refusal(
            "revision", "somebody changed it since you read it", headers={"ETag": held.etag}
        )
    return held


def check_holder(principal: Principal, held: StoredWebhook) -> None:
    """Raises 403 `owner` where a webhook is another owner's."""
    change.check_owner(principal, held.managed_by.owner if held.managed_by is not None else None)


async def change_webhook(call: Call) -> Response:
    """`PATCH /webhooks/{id}`."""
    value = await call.read_json(MERGE_PATCH)
    vault, now = call.store.vault, call.store.clock()
    details = read_details(value, partial(vault.seal, call.read_part("id")))

    def check(held: StoredWebhook | None) -> StoredWebhook:
        webhook = _check_write(call, held)
        change.check_owner(call.principal, change.read_owner(value))
        return webhook

    wanted = Change(
        check,
        lambda held: change.patch_webhook(held, details.fields, vault, now),
        details.fields.get("name"),
        make_invalid(details.errors) if details.errors else None,
    )
    written = await call.store.webhooks.change(call.read_part("id"), wanted)
    call.tenant.wake(written.id)  # it may have been enabled
    return _reply_tagged(written)


async def delete_webhook(call: Call) -> Response:
    """`DELETE /webhooks/{id}`."""

    def check(held: StoredWebhook | None) -> StoredWebhook:
        webhook = _check_write(call, held)
        if webhook.protected:
            raise Refusal("protected", "a PATCH of protected to false lifts that")
        return webhook

    await call.store.webhooks.delete(call.read_part("id"), check)
    call.tenant.wake(call.read_part("id"))  # nothing is sent there any more
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
