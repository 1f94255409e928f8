"""What was delivered: deliveries, sending again, counts. Handlers of `app.py`."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from reconciler.tenant.api.endpoint import Call, reply
from reconciler.tenant.api.webhooks import check_holder
from reconciler.tenant.problems import FieldError, Refusal, invalid
from reconciler.tenant.requests import cursors
from reconciler.tenant.requests.body import Reader
from reconciler.tenant.store.rows import deliveries, invocations, webhooks
from reconciler.tenant.times import HOUR, parsed

MAX_STEPS: Final = 1000
_SIZES: Final = {"hour": 1, "day": 24}  # hours


def _exists(connection: sqlite3.Connection, call: Call, *, to_change: bool = False) -> str:
    """The id in the path; raises 404, and 403 `owner` for a write."""
    held = webhooks.get(connection, call.part("id"), call.store.clock())
    if held is None:
        raise Refusal("not-found", "there is no such webhook")
    if to_change:
        check_holder(call.principal, held)
    return held.id


async def listing(call: Call) -> Response:
    """`GET /webhooks/{id}/deliveries`: newest first."""
    limit, cursor, vault = call.limit(), call.query("cursor"), call.store.vault
    bound = f"deliveries {call.part('id')!r}"
    before = deliveries.BEFORE_ALL if cursor is None else int(cursors.after(vault, bound, cursor))

    def run(connection: sqlite3.Connection) -> list[tuple[int, dict[str, Any]]]:
        return deliveries.listed(connection, _exists(connection, call), before, limit + 1)

    found = await call.store.read(run)
    following = cursors.made(vault, bound, str(found[limit - 1][0])) if len(found) > limit else None
    return reply({"items": [item for _, item in found[:limit]], "next_cursor": following})


async def send_again(call: Call) -> Response:
    """`POST /webhooks/{id}/deliveries/{delivery}/redeliver`."""
    value = await call.json(optional=True)
    errors: list[FieldError] = []
    Reader(value, "", errors).end()
    now = call.store.clock()

    def run(connection: sqlite3.Connection) -> None:
        webhook_id = _exists(connection, call, to_change=True)
        deliveries.send_again(connection, webhook_id, call.part("delivery"), now)
        if errors:
            raise invalid(errors)

    await call.store.write(run)
    call.tenant.wake(call.part("id"))
    return reply({"deliveries": 1}, 202)


def _moment(text: str) -> str | None:
    return None if parsed(text) is not None else "must be an RFC 3339 time with an offset"


async def send_failed_again(call: Call) -> Response:
    """`POST /webhooks/{id}/redeliver`: all failed ones of a time, from included, to not."""
    value = await call.json()
    errors: list[FieldError] = []
    reader = Reader(value, "", errors)
    start, end = reader.text("from", _moment), reader.text("to", _moment)
    reader.end()
    now, first, last = call.store.clock(), parsed(start or "") or 0.0, parsed(end or "") or 0.0

    def run(
        connection: sqlite3.Connection, after: tuple[float, int]
    ) -> tuple[int, tuple[float, int] | None]:
        held = webhooks.get(connection, _exists(connection, call, to_change=True), now)
        if held is not None and not held.enabled:
            raise Refusal("disabled", "enable the webhook first")
        if errors:
            raise invalid(errors)
        return deliveries.send_failed_again(connection, call.part("id"), after, last, now)

    count = 0
    after: tuple[float, int] | None = (first, 0)
    while after is not None:  # in steps: a long span must not keep the others waiting
        made, after = await call.store.write(partial(run, after=after))
        count += made
    call.tenant.wake(call.part("id"))
    return reply({"deliveries": count}, 202)


def _moment_of(call: Call, name: str, default: float) -> float:
    """A moment of the query; raises 400."""
    text = call.query(name)
    moment = (
        default if text is None else parsed(text.replace(" ", "+"))
    )  # an unescaped + arrives as a space
    if moment is None:
        raise Refusal("bad-request", f"{name} must be an RFC 3339 time with an offset")
    return moment


def _span(call: Call) -> tuple[int, int, int]:
    """Start, end and size of the steps in hours; by default the 24 that end now, or with `to`;
    raises 400.
    """
    step = call.query("step")
    step = "hour" if step is None else step
    if step not in _SIZES:
        raise Refusal("bad-request", "step must be hour or day")
    size, now = _SIZES[step], call.store.clock()
    last = _moment_of(call, "to", now)
    first = _moment_of(call, "from", last - 23 * HOUR * size)
    start = int(first // HOUR) // size * size
    end = -int(-last // (HOUR * size)) * size
    if start < 0 or first > last:
        raise Refusal("bad-request", "from must lie before to, and after 1970")
    if (end - start) // size > MAX_STEPS:
        raise Refusal("bad-request", f"at most {MAX_STEPS} steps")
    return start, end, size


async def counts(call: Call) -> Response:
    """`GET /webhooks/{id}/invocations`: steps of an hour or a day, UTC; the one in which `to` lies
    included.
    """
    start, end, size = _span(call)

    def run(connection: sqlite3.Connection) -> list[dict[str, Any]]:
        return invocations.steps(connection, _exists(connection, call), start, end, size)

    return reply({"steps": await call.store.read(run)})


async def totals(call: Call) -> Response:
    """`GET /invocations`: over all webhooks; with `from`, `to` or `step` also in steps, as those of
    one webhook.
    """
    now = call.store.clock()
    span = (
        _span(call)
        if any(call.query(name) is not None for name in ("from", "to", "step"))
        else None
    )

    def run(connection: sqlite3.Connection) -> dict[str, Any]:
        found = invocations.totals(connection, now)
        if span is not None:
            found["steps"] = invocations.steps(connection, invocations.ALL, *span)
        return found

    return reply(await call.store.read(run))
