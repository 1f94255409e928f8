"""The webhook of an address, and as it was when a form was opened: the page writes conditionally,
as the API does.
"""

from __future__ import annotations

import sqlite3

from reconciler.tenant.page.front import Visit
from reconciler.tenant.problems import Refusal
from reconciler.tenant.store.rows import webhooks
from reconciler.tenant.store.rows.webhooks import Stored


class Moved(Exception):
    """Somebody saved meanwhile; `held` is the webhook as it is now."""

    def __init__(self, held: Stored) -> None:
        super().__init__()
        self.held = held


async def found(visit: Visit) -> Stored | None:
    """The webhook of the address, None where there is none."""
    webhook_id, now = visit.part("id"), visit.store.clock()
    return await visit.store.read(lambda c: webhooks.get(c, webhook_id, now))


async def needed(visit: Visit) -> Stored:
    """The webhook of the address; raises 404."""
    held = await found(visit)
    if held is None:
        raise Refusal("not-found", "there is no such webhook; somebody may have deleted it")
    return held


def unmoved(connection: sqlite3.Connection, webhook_id: str, revision: str, now: float) -> Stored:
    """The webhook inside a write, still of the revision that a form carries; raises 404, and
    Moved.
    """
    held = webhooks.get(connection, webhook_id, now)
    if held is None:
        raise Refusal("not-found", "somebody has just deleted it")
    if str(held.revision) != revision:
        raise Moved(held)
    return held
