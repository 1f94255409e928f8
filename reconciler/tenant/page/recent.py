"""A webhook's deliveries with their attempts, and sending them again: a page of its own, and the
newest on the edit page.

The rules of sending again are those of the API: `../deliveries.py`.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from reconciler.tenant.page import graph, html
from reconciler.tenant.page.front import Visit
from reconciler.tenant.page.graph import Graph
from reconciler.tenant.page.revision import needed
from reconciler.tenant.page.said import said
from reconciler.tenant.page.submission import LIST
from reconciler.tenant.problems import STATUS, Problem, Refusal
from reconciler.tenant.requests import cursors
from reconciler.tenant.store.rows import deliveries, webhooks
from reconciler.tenant.store.store import Store
from reconciler.tenant.times import DAY

ROWS: Final = 25  # deliveries on one page
FEW: Final = 5  # on the edit page
_ANSWERS: Final = frozenset({"disabled", "expired"})  # refusals that are said on the page itself


@dataclass(frozen=True, slots=True)
class Recent:
    """Deliveries as the API shows them, newest first, and the cursor of the older ones; empty where
    there are none.

    `failed`: some of the last 24 hours have failed, listed here or not.
    """

    items: tuple[dict[str, Any], ...]
    older: str
    failed: bool


def recent(
    connection: sqlite3.Connection,
    store: Store,
    webhook_id: str,
    cursor: str = "",
    limit: int = FEW,
) -> Recent:
    """Up to `limit` deliveries of a webhook behind a cursor; raises 400 for a cursor of another
    listing.
    """
    vault, since = store.vault, store.clock() - DAY
    bound = f"deliveries {webhook_id!r}"
    before = int(cursors.after(vault, bound, cursor)) if cursor else deliveries.BEFORE_ALL
    found = deliveries.listed(connection, webhook_id, before, limit + 1)
    older = cursors.made(vault, bound, str(found[limit - 1][0])) if len(found) > limit else ""
    failed = deliveries.has_failed(connection, webhook_id, since)
    return Recent(tuple(item for _, item in found[:limit]), older, failed)


@dataclass(frozen=True, slots=True)
class Past:
    """What happened to a webhook so far, as the edit page shows it."""

    graph: Graph
    recent: Recent


async def past(visit: Visit, webhook_id: str) -> Past:
    """The graph of the period that the address names, and the newest deliveries."""
    period, store = graph.period(visit.query("period")), visit.store
    now = store.clock()
    return await store.read(
        lambda c: Past(graph.of(c, webhook_id, period, now), recent(c, store, webhook_id))
    )


async def show(visit: Visit) -> Response:
    """`GET /settings/webhooks/{id}/deliveries?cursor=…`."""
    return await _page(visit)


async def _page(visit: Visit, refused: Problem | None = None) -> Response:
    webhook, cursor = await needed(visit), visit.query("cursor")
    found = await visit.store.read(lambda c: recent(c, visit.store, webhook.id, cursor, ROWS))
    status, title = (200, "") if refused is None else STATUS[refused.type]
    values = {"held": webhook, "recent": found, "cursor": cursor, "said": said(visit.query("said"))}
    told = {"refused": title, "detail": "" if refused is None else refused.detail}
    return visit.page("deliveries.html", status, at="webhooks", **values, **told)


async def send_again(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}/deliveries/{delivery}/redeliver`."""
    now, webhook_id = visit.store.clock(), visit.part("id")

    def run(connection: sqlite3.Connection) -> None:
        deliveries.send_again(connection, webhook_id, visit.part("delivery"), now)

    try:
        await visit.store.write(run)
    except Refusal as refusal:
        return await _told(visit, refusal)
    visit.tenant.wake(visit.part("id"))
    return _back(visit, "sent-again")


async def send_failed_again(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}/redeliver`: all failed ones of the last 24 hours."""
    now = visit.store.clock()

    def run(
        connection: sqlite3.Connection, after: tuple[float, int]
    ) -> tuple[int, tuple[float, int] | None]:
        webhook = webhooks.get(connection, visit.part("id"), now)
        if webhook is None:
            raise Refusal("not-found", "somebody has just deleted it")
        if not webhook.enabled:
            raise Refusal("disabled", "enable the webhook first")
        return deliveries.send_failed_again(connection, webhook.id, after, now, now)

    count = 0
    after: tuple[float, int] | None = (now - DAY, 0)
    try:
        while after is not None:  # in steps, as the API does
            made, after = await visit.store.write(partial(run, after=after))
            count += made
    except Refusal as refusal:
        return await _told(visit, refusal)
    visit.tenant.wake(visit.part("id"))
    return _back(visit, "all-sent-again" if count else "none-failed")


async def _told(visit: Visit, refusal: Refusal) -> Response:
    """The deliveries again with what was refused; raises what a page of its own says."""
    if refusal.problem.type not in _ANSWERS:
        raise refusal
    return await _page(visit, refusal.problem)


def _back(visit: Visit, word: str) -> Response:
    """Where the button was."""
    path = f"{LIST}/{visit.part('id')}"
    if visit.typed("from") == "edit":
        return html.moved(path, part="deliveries", said=word)
    return html.moved(f"{path}/deliveries", said=word)
