"""A story that a TenantProvider of a served tenant goes through. Used by the tests of the provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from reconciler.core.model.webhook import Live
from reconciler.providers.tenant.provider import TenantProvider
from tests.providers.builders import (
    Answering,
    Asked,
    client,
    serving,
)
from tests.providers.small_tenant import SmallTenant

OURS = {"owner": "payments", "key": "pager", "sources": ["webhooks.yaml"], "revision": None}

T = TypeVar("T")


def using(
    answer: Answering, story: Callable[[TenantProvider], Awaitable[T]], **options: Any
) -> tuple[T, list[Asked]]:
    """Runs a story with a provider of a served tenant; what it gave, and what the tenant was
    asked.
    """
    paging = {name: options.pop(name) for name in ("page_size", "list_seconds") if name in options}

    async def run() -> tuple[T, list[Asked]]:
        async with serving(answer) as server, client(server.url, **options) as http:
            return await story(TenantProvider(http, **paging)), server.asked

    return asyncio.run(run())


def holding(*webhooks: dict[str, Any], **options: Any) -> SmallTenant:
    return SmallTenant(stored={item["id"]: item for item in webhooks}, **options)


def listing(answer: Answering, **options: Any) -> tuple[tuple[Live, ...], list[Asked]]:
    return using(answer, lambda provider: provider.list(), **options)
