"""A create that makes one webhook, even if its answer is lost."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.core.errors import Unreachable
from reconciler.core.model.capabilities import Capabilities
from reconciler.core.model.webhook import Webhook
from reconciler.providers.driver.compare import find_differences
from reconciler.providers.plugin import Copying, Held, Session


async def create_once(
    session: Session,
    want: Webhook,
    key: str,
    known: Collection[str],
    capabilities: Capabilities,
    former: Held | None = None,
) -> Held:
    """Creates a webhook once, in place of `former` if there is one. After a lost answer it is the
    one webhook that is as wanted and not among the `known` ids; if there is none, or if two could
    be it, that error is raised.
    """
    before = frozenset(known)
    try:
        if former is not None and isinstance(session, Copying):
            return await session.create_copy(former, want, key)
        return await session.create(want, key)
    except Unreachable:
        new = [
            item
            async for page in session.held()
            for item in page
            if item.id not in before and not find_differences(item, want, capabilities)
        ]
        if len(new) != 1:
            raise
        return new[0]
