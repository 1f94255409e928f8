"""Settings > Webhooks: the widget, and every webhook with its last result. Enabling and disabling
stand in `switching.py`.
"""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from reconciler.core.model import limits
from reconciler.tenant.page.rendering import graph
from reconciler.tenant.page.rendering.messages import read_message
from reconciler.tenant.page.session.visit import Visit

ROWS: Final = 50  # webhooks on one page
_DIGITS: Final = 6


def _read_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 1


async def show_webhooks(visit: Visit) -> Response:
    """`GET /settings/webhooks?search=…&page=…`."""
    search = limits.normalize_name(visit.read_query("search").strip())
    period = graph.find_period(visit.read_query("period"))
    page = await visit.store.webhooks.search(
        search,
        max(1, _read_number(visit.read_query("page"))),
        ROWS,
        period.compute_span(visit.store.clock()),
    )
    return visit.render(
        "webhooks.html",
        at="webhooks",
        search=search,
        message=read_message(visit.read_query("said")),
        rows=ROWS,
        found=page.webhooks,
        count=page.found,
        everything=page.everything,
        here=page.number,
        last=page.last,
        totals=page.totals,
        graph=graph.make_graph(period, page.steps),
        period=period.word,
    )
