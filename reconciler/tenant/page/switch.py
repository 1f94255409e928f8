"""Enabling and disabling a webhook from the list."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from reconciler.tenant.page import html
from reconciler.tenant.page.front import Visit
from reconciler.tenant.page.revision import Moved, unmoved
from reconciler.tenant.page.submission import LIST
from reconciler.tenant.problems import Refusal
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.store.rows import webhooks


async def turn(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}/switch`: back to the list; where it has changed since, asks
    again with what it is now.
    """
    webhook_id, revision, wanted = visit.part("id"), visit.typed("revision"), visit.typed("enabled")
    vault, now = visit.store.vault, visit.store.clock()
    if wanted not in {"true", "false"}:
        raise Refusal("bad-request", "the form could not be read")

    def run(connection: sqlite3.Connection) -> None:
        held = unmoved(connection, webhook_id, revision, now)
        after = change.patched(held, {"enabled": wanted == "true"}, vault, now)
        if after is not held:
            webhooks.save(connection, after, new=False)

    try:
        await visit.store.write(run)
    except Moved as moved:
        if moved.held.enabled != (wanted == "true"):
            values = {
                "held": moved.held,
                "search": visit.typed("search"),
                "here": visit.typed("page"),
            }
            return visit.page("switch_conflict.html", 409, at="webhooks", **values)
    visit.tenant.wake(webhook_id)
    said = "enabled" if wanted == "true" else "disabled"
    return html.moved(
        LIST,
        part=f"webhook-{webhook_id}",
        search=visit.typed("search"),
        page=visit.typed("page"),
        said=said,
    )
