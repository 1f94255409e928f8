"""Enabling and disabling a webhook from the list."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from reconciler.tenant.page.forms.revision import Moved, check_revision
from reconciler.tenant.page.forms.submission import LIST
from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import Refusal
from reconciler.tenant.requests import webhook_change as change
from reconciler.tenant.store.values.write import Change


async def switch_webhook(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}/switch`: back to the list; where it has changed since, asks
    again with what it is now.
    """
    webhook_id, revision, wanted = (
        visit.read_part("id"),
        visit.read_field("revision"),
        visit.read_field("enabled"),
    )
    vault, now = visit.store.vault, visit.store.clock()
    if wanted not in {"true", "false"}:
        raise Refusal("bad-request", "the form could not be read")

    fields = {"enabled": wanted == "true"}
    switch = Change(
        partial(check_revision, revision),
        lambda held: change.patch_webhook(held, fields, vault, now),
    )
    try:
        await visit.store.webhooks.change(webhook_id, switch)
    except Moved as moved:
        if moved.held.enabled != (wanted == "true"):
            values = {
                "held": moved.held,
                "search": visit.read_field("search"),
                "here": visit.read_field("page"),
            }
            return visit.render("switch_conflict.html", 409, at="webhooks", **values)
    visit.tenant.wake(webhook_id)
    return html.redirect(
        LIST,
        part=f"webhook-{webhook_id}",
        search=visit.read_field("search"),
        page=visit.read_field("page"),
        said="enabled" if wanted == "true" else "disabled",
    )
