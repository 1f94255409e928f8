"""The ids of saved webhooks, for tests of what is saved."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable

from reconciler.core.errors import Rejected
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Live, Webhook
from reconciler.providers.moved import withheld


class SavedWebhooks:
    """Those of one listing, which many tests share."""

    def __init__(self, list_webhooks: Callable[[], Awaitable[Iterable[Live]]]) -> None:
        self._list, self._lock = list_webhooks, asyncio.Lock()
        self._ids: dict[tuple[str, str | Secret], list[str]] | None = None

    async def find_id(self, spec: Webhook) -> str:
        """The id of the one saved webhook with that name and url; raises Rejected if there is not
        one.
        """
        async with self._lock:
            if self._ids is None:
                self._ids = defaultdict(list)
                for item in await self._list():
                    self._ids[item.spec.name, item.spec.url].append(item.id)
        same = self._ids.get((withheld(spec).name, spec.url), [])
        if len(same) != 1:
            raise Rejected(f"{spec.name}: {len(same)} saved webhooks could be it; reconcile first")
        return same[0]
