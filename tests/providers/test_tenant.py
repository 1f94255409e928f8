"""TenantProvider against tenants that lose answers, restart, move under it, or list nonsense; real sockets throughout."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.errors import BadAnswer, Conflict, Rejected, Unreachable
from reconciler.core.model import ApiKeyAuth, BasicAuth, Live, ManagedBy, NoAuth
from reconciler.core.report import Verdict
from reconciler.core.secret import Secret, Withheld
from reconciler.providers.tenant import TenantProvider
from tests.providers.builders import (
    CREDENTIAL,
    EVENT,
    OWNER,
    URL,
    Answering,
    Asked,
    Reply,
    Sleeps,
    bearer,
    client,
    declared,
    problem,
    reply,
    serving,
    webhook,
)
from tests.providers.small_tenant import SmallTenant, losing

OURS = {"owner": "payments", "key": "pager", "sources": ["webhooks.yaml"], "revision": None}


def using(answer: Answering, story: Callable[[TenantProvider], Awaitable[T]], **options: Any) -> tuple[T, list[Asked]]:
    """Runs a story with a provider of a served tenant; what it gave, and what the tenant was asked."""
    page_size = options.pop("page_size", 500)

    async def run() -> tuple[T, list[Asked]]:
        async with serving(answer) as server, client(server.url, **options) as http:
            return await story(TenantProvider(http, page_size=page_size)), server.asked

    return asyncio.run(run())


def holding(*webhooks: dict[str, Any], **options: Any) -> SmallTenant:
    return SmallTenant(stored={item["id"]: item for item in webhooks}, **options)
