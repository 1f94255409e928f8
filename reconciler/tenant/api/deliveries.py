"""Handlers of deliveries: list them, send them again, count invocations."""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.responses import Response

from reconciler.tenant.api.endpoint import Call, reply
from reconciler.tenant.api.webhooks import NO_WEBHOOK, check_holder
from reconciler.tenant.problems import FieldError, Refusal, make_invalid
from reconciler.tenant.requests import cursors
from reconciler.tenant.requests.body import Reader
from reconciler.tenant.store.values.delivery import BEFORE_ALL
from reconciler.tenant.store.values.statistics import Span
from reconciler.tenant.store.values.webhook import StoredWebhook
from reconciler.tenant.times import HOUR, parse_time

MAX_STEPS: Final = 1000
_SIZES: Final = {"hour": 1, "day": 24}  # hours


def _check_id(call: Call, held: StoredWebhook | None) -> StoredWebhook:
    """The webhook in the path, which a token wants to change; raises 404, and 403 `owner`."""
    if held is None:
        raise Refusal("not-found", NO_WEBHOOK)
    check_holder(call.principal, held)
    return held


async def list_deliveries(call: Call) -> Response:
    """`GET /webhooks/{id}/deliveries`: newest first."""
    limit, cursor, vault = call.read_limit(), call.read_query("cursor"), call.store.vault
    bound = f"deliveries {call.read_part('id')!r}"
    before = BEFORE_ALL if cursor is None else int(cursors.read_cursor(vault, bound, cursor))
    page = await call.store.deliveries.list_page(call.read_part("id"), before, limit + 1)
    if page is None:
        raise Refusal("not-found", NO_WEBHOOK)
    following = (
        cursors.make_cursor(vault, bound, str(page[limit - 1][0])) if len(page) > limit else None
    )
    return reply({"items": [item for _, item in page[:limit]], "next_cursor": following})


async def resend(call: Call) -> Response:
    """`POST /webhooks/{id}/deliveries/{delivery}/redeliver`."""
    value = await call.read_json(optional=True)
    errors: list[FieldError] = []
    Reader(value, "", errors).end()
    await call.store.deliveries.resend(
        call.read_part("id"),
        call.read_part("delivery"),
        partial(_check_id, call),
        make_invalid(errors) if errors else None,
    )
    call.tenant.wake(call.read_part("id"))
    return reply({"deliveries": 1}, 202)


def _check_moment(text: str) -> str | None:
    return None if parse_time(text) is not None else "must be an RFC 3339 time with an offset"


async def resend_failed(call: Call) -> Response:
    """`POST /webhooks/{id}/redeliver`: all failed ones of a time, from included, to not."""
    value = await call.read_json()
    errors: list[FieldError] = []
    reader = Reader(value, "", errors)
    start, end = reader.read_text("from", _check_moment), reader.read_text("to", _check_moment)
    reader.end()
    count = await call.store.deliveries.resend_failed(
        call.read_part("id"),
        parse_time(start or "") or 0.0,
        parse_time(end or "") or 0.0,
        partial(_check_id, call),
        make_invalid(errors) if errors else None,
    )
    call.tenant.wake(call.read_part("id"))
    return reply({"deliveries": count}, 202)


def _read_moment(call: Call, name: str, default: float) -> float:
    """A moment of the query; raises 400."""
    text = call.read_query(name)
    moment = (
        default if text is None else parse_time(text.replace(" ", "+"))
    )  # an unescaped + arrives as a space
    if moment is None:
        raise Refusal("bad-request", f"{name} must be an RFC 3339 time with an offset")
    return moment


def _read_span(call: Call) -> Span:
    """Start, end and size of the steps in hours; by default the 24 that end now, or with `to`;
    raises 400.
    """
    step = call.read_query("step")
    step = "hour" if step is None else step
    if step not in _SIZES:
        raise Refusal("bad-request", "step must be hour or day")
    size, now = _SIZES[step], call.store.clock()
    last = _read_moment(call, "to", now)
    first = _read_moment(call, "from", last - 23 * HOUR * size)
    start = int(first // HOUR) // size * size
    end = -int(-last // (HOUR * size)) * size
    if start < 0 or first > last:
        raise Refusal("bad-request", "from must lie before to, and after 1970")
    if (end - start) // size > MAX_STEPS:
        raise Refusal("bad-request", f"at most {MAX_STEPS} steps")
    return Span(start, end, size)


async def list_invocations(call: Call) -> Response:
    """`GET /webhooks/{id}/invocations`: steps of an hour or a day, UTC; the one in which `to` lies
    included.
    """
    steps = await call.store.statistics.read_steps(call.read_part("id"), _read_span(call))
    if steps is None:
        raise Refusal("not-found", NO_WEBHOOK)
    return reply({"steps": steps})


async def show_totals(call: Call) -> Response:
    """`GET /invocations`: over all webhooks; with `from`, `to` or `step` also in steps, as those of
    one webhook.
    """
    span = (
        _read_span(call)
        if any(call.read_query(name) is not None for name in ("from", "to", "step"))
        else None
    )
    return reply(await call.store.statistics.read_totals(span))
