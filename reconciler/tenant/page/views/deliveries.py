"""A webhook's deliveries with their attempts, and sending them again: a page of its own, and the
newest on the edit page.

The rules of sending again are those of the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from reconciler.tenant.page.forms.revision import check_exists, require_webhook
from reconciler.tenant.page.forms.submission import LIST
from reconciler.tenant.page.rendering import graph, html
from reconciler.tenant.page.rendering.graph import Graph
from reconciler.tenant.page.rendering.messages import read_message
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import STATUS, Problem, Refusal
from reconciler.tenant.requests import cursors
from reconciler.tenant.store.values.delivery import BEFORE_ALL, NewestDeliveries
from reconciler.tenant.times import DAY

ROWS: Final = 25  # deliveries on one page
FEW: Final = 5  # on the edit page
_ANSWERS: Final = frozenset({"disabled", "expired"})  # refusals that are shown on the page itself


@dataclass(frozen=True, slots=True)
class RecentDeliveries:
    """Deliveries as the API shows them, newest first, and the cursor of the older ones; empty where
    there are none.

    `failed`: some of the last 24 hours have failed, listed here or not.
    """

    items: tuple[dict[str, Any], ...]
    older: str
    failed: bool


def _bind_cursor(webhook_id: str) -> str:
    return f"deliveries {webhook_id!r}"


def _read_cursor(visit: Visit, webhook_id: str, cursor: str) -> int:
    """The sequence number below which to list; raises 400 for a cursor of another listing."""
    if not cursor:
        return BEFORE_ALL
    return int(cursors.read_cursor(visit.store.vault, _bind_cursor(webhook_id), cursor))


def _make_recent(
    visit: Visit, webhook_id: str, newest: NewestDeliveries, limit: int
) -> RecentDeliveries:
    """The first `limit` of deliveries, of which one more was read."""
    items, older = newest.items, ""
    if len(items) > limit:
        vault, last = visit.store.vault, str(items[limit - 1][0])
        older = cursors.make_cursor(vault, _bind_cursor(webhook_id), last)
    return RecentDeliveries(tuple(item for _, item in items[:limit]), older, newest.has_failed)


@dataclass(frozen=True, slots=True)
class WebhookPast:
    """What happened to a webhook so far, as the edit page shows it."""

    graph: Graph
    recent: RecentDeliveries


async def read_past(visit: Visit, webhook_id: str) -> WebhookPast:
    """The graph of the period that the address names, and the newest deliveries."""
    period = graph.find_period(visit.read_query("period"))
    span = period.compute_span(visit.store.clock())
    history = await visit.store.deliveries.read_history(webhook_id, span, FEW + 1)
    return WebhookPast(
        graph.make_graph(period, history.steps),
        _make_recent(visit, webhook_id, history.newest, FEW),
    )


async def show_deliveries(visit: Visit) -> Response:
    """`GET /settings/webhooks/{id}/deliveries?cursor=…`."""
    return await _render(visit)


async def _render(visit: Visit, refused: Problem | None = None) -> Response:
    webhook, cursor = await require_webhook(visit), visit.read_query("cursor")
    before = _read_cursor(visit, webhook.id, cursor)
    newest = await visit.store.deliveries.list_newest(webhook.id, before, ROWS + 1)
    status, title = (200, "") if refused is None else STATUS[refused.type]
    return visit.render(
        "deliveries.html",
        status,
        at="webhooks",
        held=webhook,
        recent=_make_recent(visit, webhook.id, newest, ROWS),
        cursor=cursor,
        message=read_message(visit.read_query("said")),
        refused=title,
        detail="" if refused is None else refused.detail,
    )


async def resend(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}/deliveries/{delivery}/redeliver`."""
    try:
        await visit.store.deliveries.resend(visit.read_part("id"), visit.read_part("delivery"))
    except Refusal as refusal:
        return await _answer_refusal(visit, refusal)
    visit.tenant.wake(visit.read_part("id"))
    return _redirect(visit, "sent-again")


async def resend_failed(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}/redeliver`: all failed ones of the last 24 hours."""
    now = visit.store.clock()
    try:
        count = await visit.store.deliveries.resend_failed(
            visit.read_part("id"), now - DAY, now, check_exists
        )
    except Refusal as refusal:
        return await _answer_refusal(visit, refusal)
    visit.tenant.wake(visit.read_part("id"))
    return _redirect(visit, "all-sent-again" if count else "none-failed")


async def _answer_refusal(visit: Visit, refusal: Refusal) -> Response:
    """The deliveries again with what was refused; raises what has a page of its own."""
    if refusal.problem.type not in _ANSWERS:
        raise refusal
    return await _render(visit, refusal.problem)


def _redirect(visit: Visit, word: str) -> Response:
    """Where the button was."""
    path = f"{LIST}/{visit.read_part('id')}"
    if visit.read_field("from") == "edit":
        return html.redirect(path, part="deliveries", said=word)
    return html.redirect(f"{path}/deliveries", said=word)
