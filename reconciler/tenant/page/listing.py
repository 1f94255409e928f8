"""Settings > Webhooks: the widget, and every webhook with its last result. Enabling and disabling
stand in `switch.py`.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from starlette.responses import Response

from reconciler.core.model import limits
from reconciler.tenant.page import graph
from reconciler.tenant.page.front import Visit
from reconciler.tenant.page.said import said
from reconciler.tenant.store.rows import invocations, webhooks

ROWS: Final = 50  # webhooks on one page
_DIGITS: Final = 6


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 1


async def show(visit: Visit) -> Response:
    """`GET /settings/webhooks?search=…&page=…`."""
    search, at, now = (
        limits.normal(visit.query("search").strip()),
        max(1, _number(visit.query("page"))),
        visit.store.clock(),
    )
    period = graph.period(visit.query("period"))

    def run(connection: sqlite3.Connection) -> dict[str, Any]:
        count = webhooks.count(connection, search)
        last = max(1, -(-count // ROWS))
        here = min(at, last)
        found = webhooks.searched(connection, search, (here - 1) * ROWS, ROWS, now)
        everything = count if not search else webhooks.count(connection, "")
        totals, drawn = (
            invocations.totals(connection, now),
            graph.of(connection, invocations.ALL, period, now),
        )
        counted = {"count": count, "everything": everything, "here": here, "last": last}
        return {**counted, "found": found, "totals": totals, "graph": drawn, "period": period.word}

    values = await visit.store.read(run)
    return visit.page(
        "webhooks.html",
        at="webhooks",
        search=search,
        said=said(visit.query("said")),
        rows=ROWS,
        **values,
    )
