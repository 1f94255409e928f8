"""Deleting a webhook: a page that names it and its recent use, and the button that does it."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from reconciler.tenant.page import html
from reconciler.tenant.page.front import Visit
from reconciler.tenant.page.revision import Moved, needed, unmoved
from reconciler.tenant.page.submission import LIST
from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.rows import deliveries, webhooks
from reconciler.tenant.store.rows.webhooks import Stored


async def ask(visit: Visit) -> Response:
    """`GET /settings/webhooks/{id}/delete`: the confirmation; raises 404."""
    return await _page(visit, await needed(visit))


async def proceed(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}/delete`: deletes what was shown; where it has changed since,
    shows it again.
    """
    webhook_id, revision, now = visit.part("id"), visit.typed("revision"), visit.store.clock()

    def run(connection: sqlite3.Connection) -> None:
        held = unmoved(connection, webhook_id, revision, now)
        if held.protected:
            raise Moved(held)
        webhooks.delete(connection, held.id)

    try:
        await visit.store.write(run)
    except Refusal:  # gone already, which is what was wanted
        return html.moved(LIST, said="gone")
    except Moved as moved:
        return await _page(visit, moved.held, 409)
    visit.tenant.wake(webhook_id)  # nothing is sent there any more
    return html.moved(LIST, said="deleted")


async def _page(visit: Visit, held: Stored, status: int = 200) -> Response:
    waiting = await visit.store.read(lambda c: deliveries.waiting(c, held.id))
    return visit.page(
        "delete.html", status, at="webhooks", held=held, waiting=waiting, changed=status == 409
    )
