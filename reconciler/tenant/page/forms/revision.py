"""The webhook of an address, and as it was when a form was opened: the page writes conditionally,
as the API does.
"""

from __future__ import annotations

from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.values.webhook import StoredWebhook


class Moved(Exception):
    """Somebody saved in the meantime; `held` is the webhook as it is now."""

    def __init__(self, held: StoredWebhook) -> None:
        super().__init__()
        self.held = held


async def find_webhook(visit: Visit) -> StoredWebhook | None:
    """The webhook of the address, None where there is none."""
    return await visit.store.webhooks.find(visit.read_part("id"))


async def require_webhook(visit: Visit) -> StoredWebhook:
    """The webhook of the address; raises 404."""
    held = await find_webhook(visit)
    if held is None:
        raise Refusal("not-found", "there is no such webhook; somebody may have deleted it")
    return held


def check_revision(revision: str, held: StoredWebhook | None) -> StoredWebhook:
    """The webhook inside a write, still of the revision that a form carries; raises 404, and
    Moved.
    """
    webhook = check_exists(held)
    if str(webhook.revision) != revision:
        raise Moved(webhook)
    return webhook


def check_exists(held: StoredWebhook | None) -> StoredWebhook:
    """The webhook inside a write; raises 404."""
    if held is None:
        raise Refusal("not-found", "somebody has just deleted it")
    return held
