"""Handlers of test deliveries, of saved and of unsaved details. Tests are no invocations."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.delivery_codec import delivery_to_wire
from reconciler.core.results.reports import Delivery
from reconciler.delivery.envelope import envelope, sample_event
from reconciler.delivery.send import TOTAL
from reconciler.delivery.signing import Message
from reconciler.tenant.api.endpoint import Call, Tenant, reply
from reconciler.tenant.api.webhooks import NO_WEBHOOK, check_holder
from reconciler.tenant.problems import FieldError, Refusal, make_invalid
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.requests.body import Reader, read_details, read_subscription
from reconciler.tenant.store.values.webhook import StoredWebhook, make_target, open_secret
from reconciler.tenant.times import format_time

SHORTEST: Final = 1.0  # seconds that a caller may give an attempt at least
DEFAULT: Final = Subscription("elastio:recovery-point:create:started", "v0", "info")


def _skip_seal(_field: str, _raw: str) -> bytes:
    """What is only tested is never stored."""
    return b""


def _read_event(reader: Reader, errors: list[FieldError]) -> Subscription | None:
    value = reader.take("event")
    return None if value is None else read_subscription(value, "/event", errors)


def _read_seconds(reader: Reader) -> float | None:
    """How long the attempt may take, None for the sender's own limit."""
    if reader.drop_null("timeout_seconds"):
        return None
    value = reader.take("timeout_seconds")
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not SHORTEST <= value <= TOTAL
    ):
        reader.add_fault("timeout_seconds", f"must be a number from {SHORTEST:g} to {TOTAL:g}")
        return None
    return float(value)


async def send_test(
    tenant: Tenant, who: str, target: Webhook, event: Subscription, seconds: float | None = None
) -> Delivery:
    """One test, counted for `who`, a token or a session; raises 429. It is given up after
    `seconds`.
    """
    tenant.rates.spend(who)
    event_id = tenant.store.new_id()
    now = tenant.store.clock()
    sample = sample_event(event, event_id=event_id, time=format_time(now))
    outcome = await tenant.sender.send(
        target,
        event,
        envelope(sample),
        message=Message(event_id, int(now)),
        is_test=True,
        total=seconds,
    )
    tenant.telemetry.count_attempt("test", target.url, outcome, event_id)
    return outcome


async def _send(
    call: Call, target: Webhook, event: Subscription, seconds: float | None
) -> Response:
    return reply(
        delivery_to_wire(await send_test(call.tenant, call.principal.id, target, event, seconds))
    )


async def _require_webhook(call: Call, webhook_id: str) -> StoredWebhook:
    """The webhook whose stored secret is to be used; raises 404, and 403 `owner`."""
    held = await call.store.webhooks.find(webhook_id)
    if held is None:
        raise Refusal("not-found", NO_WEBHOOK)
    check_holder(call.principal, held)  # its credential speaks for its owner
    return held


async def run_saved_test(call: Call) -> Response:
    """`POST /webhooks/{id}/test`: with what is stored, also while disabled."""
    value: Any = await call.read_json(optional=True)
    held = await _require_webhook(call, call.read_part("id"))
    errors: list[FieldError] = []
    reader = Reader(value, "", errors)
    event, seconds = _read_event(reader, errors), _read_seconds(reader)
    reader.end()
    if errors:
        raise make_invalid(errors)
    secret = open_secret(held.id, held.auth, call.store.vault)
    target = make_target(held.name, held.url, held.auth, secret)
    return await _send(call, target, event or next(iter(held.events), DEFAULT), seconds)


async def run_unsaved_test(call: Call) -> Response:
    """`POST /webhooks/test`: details that are stored nowhere; `id` names the webhook whose secret
    may be used.
    """
    value: Any = await call.read_json()
    errors: list[FieldError] = []
    reader = Reader(value, "", errors)
    webhook_id = reader.read_optional_text(
        "id", lambda text: None if text.isascii() else "is not an id"
    )
    details = read_details(
        reader.take("webhook"), _skip_seal, required=("url",), pointer="/webhook"
    )
    event, seconds = _read_event(reader, errors), _read_seconds(reader)
    reader.end()
    held = await _require_webhook(call, webhook_id) if webhook_id is not None else None
    if errors or details.errors:
        raise make_invalid([*errors, *details.errors])
    fields = details.fields
    auth, secret = change.prepare_test(
        fields.get("auth"), held, fields["url"], call.store.vault, "/webhook"
    )
    target = make_target(fields.get("name", ""), fields["url"], auth, secret)
    known = fields.get("events") or (held.events if held is not None else ())
    return await _send(call, target, event or next(iter(known), DEFAULT), seconds)
