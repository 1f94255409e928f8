"""Deleting a webhook: a page that names it and its recent use, and the button that does it."""

from __future__ import annotations

from starlette.responses import Response

from reconciler.tenant.page.forms.revision import Moved, check_revision, require_webhook
from reconciler.tenant.page.forms.submission import LIST
from reconciler.tenant.page.rendering import html
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.values.webhook import StoredWebhook


async def confirm_delete(visit: Visit) -> Response:
    """`GET /settings/webhooks/{id}/delete`: the confirmation; raises 404."""
    return await _render(visit, await require_webhook(visit))


async def delete_webhook(visit: Visit) -> Response:
    """`POST /settings/webhooks/{id}/delete`: deletes what was shown; where it has changed since,
    shows it again.
    """
    webhook_id, revision = visit.read_part("id"), visit.read_field("revision")

    def check(held: StoredWebhook | None) -> StoredWebhook:
        webhook = check_revision(revision, held)
        if webhook.protected:
            raise Moved(webhook)
        return webhook

    try:
        await visit.store.webhooks.delete(webhook_id, check)
    except Refusal:  # gone already, which is what was wanted
        return html.redirect(LIST, said="gone")
    except Moved as moved:
        return await _render(visit, moved.held, 409)
    visit.tenant.wake(webhook_id)  # nothing is sent there any more
    return html.redirect(LIST, said="deleted")


async def _render(visit: Visit, held: StoredWebhook, status: int = 200) -> Response:
    waiting = await visit.store.deliveries.count_pending(held.id)
    return visit.render(
        "delete.html", status, at="webhooks", held=held, waiting=waiting, changed=status == 409
    )
