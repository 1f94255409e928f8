"""Test deliveries of saved and of unsaved details. Handlers of `app.py`; tests never count as
invocations.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.delivery_codec import delivery_to_wire
from reconciler.core.results.reports import Delivery
from reconciler.delivery.envelope import envelope, sample_event
from reconciler.delivery.send import TOTAL
from reconciler.tenant.api.endpoint import Call, Tenant, reply
from reconciler.tenant.api.webhooks import check_holder
from reconciler.tenant.problems import FieldError, Refusal, invalid
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.requests.body import Reader, details, subscription
from reconciler.tenant.store.rows import webhooks
from reconciler.tenant.store.rows.webhooks import Stored
from reconciler.tenant.times import rfc3339

SHORTEST: Final = 1.0  # seconds that a caller may give an attempt at least
DEFAULT: Final = Subscription("elastio:recovery-point:create:started", "v0", "info")


def _no_seal(_field: str, _raw: str) -> bytes:
    """What is only tested is never stored."""
    return b""


def _event(reader: Reader, errors: list[FieldError]) -> Subscription | None:
    value = reader.take("event")
    return None if value is None else subscription(value, "/event", errors)


def _seconds(reader: Reader) -> float | None:
    """How long the attempt may take, None for the sender's own limit."""
    if reader.drop_null("timeout_seconds"):
        return None
    value = reader.take("timeout_seconds")
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not SHORTEST <= value <= TOTAL
    ):
        reader.fault("timeout_seconds", f"must be a number from {SHORTEST:g} to {TOTAL:g}")
        return None
    return float(value)


async def sent(
    tenant: Tenant, who: str, target: Webhook, event: Subscription, seconds: float | None = None
) -> Delivery:
    """One test, counted for `who`, a token or a session; raises 429. It is given up after
    `seconds`.
    """
    tenant.rates.spend(who)
    event_id = tenant.store.new_id()
    sample = sample_event(event, event_id=event_id, time=rfc3339(tenant.store.clock()))
    outcome = await tenant.sender.send(target, event, envelope(sample), is_test=True, total=seconds)
    tenant.telemetry.attempt("test", target.url, outcome, event_id)
    return outcome


async def _send(
    call: Call, target: Webhook, event: Subscription, seconds: float | None
) -> Response:
    return reply(
        delivery_to_wire(await sent(call.tenant, call.principal.id, target, event, seconds))
    )


async def _stored(call: Call, webhook_id: str) -> Stored:
    """The webhook whose stored secret is to be used; raises 404, and 403 `owner`."""
    now = call.store.clock()
    held = await call.store.read(lambda c: webhooks.get(c, webhook_id, now))
    if held is None:
        raise Refusal("not-found", "there is no such webhook")
    check_holder(call.principal, held)  # its credential speaks for its owner
    return held


async def saved(call: Call) -> Response:
    """`POST /webhooks/{id}/test`: with what is stored, also while disabled."""
    value: Any = await call.json(optional=True)
    held = await _stored(call, call.part("id"))
    errors: list[FieldError] = []
    reader = Reader(value, "", errors)
    event, seconds = _event(reader, errors), _seconds(reader)
    reader.end()
    if errors:
        raise invalid(errors)
    secret = webhooks.opened(held.id, held.auth, call.store.vault)
    target = webhooks.to_send(held.name, held.url, held.auth, secret)
    return await _send(call, target, event or next(iter(held.events), DEFAULT), seconds)


async def unsaved(call: Call) -> Response:
    """`POST /webhooks/test`: details that are stored nowhere; `id` names the webhook whose secret
    may be used.
    """
    value: Any = await call.json()
    errors: list[FieldError] = []
    reader = Reader(value, "", errors)
    webhook_id = reader.maybe_text("id", lambda text: None if text.isascii() else "is not an id")
    given = details(reader.take("webhook"), _no_seal, required=("url",), pointer="/webhook")
    event, seconds = _event(reader, errors), _seconds(reader)
    reader.end()
    held = await _stored(call, webhook_id) if webhook_id is not None else None
    if errors or given.errors:
        raise invalid([*errors, *given.errors])
    fields = given.fields
    auth, secret = change.to_test(
        fields.get("auth"), held, fields["url"], call.store.vault, "/webhook"
    )
    target = webhooks.to_send(fields.get("name", ""), fields["url"], auth, secret)
    known = fields.get("events") or (held.events if held is not None else ())
    return await _send(call, target, event or next(iter(known), DEFAULT), seconds)
