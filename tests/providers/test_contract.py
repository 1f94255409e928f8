"""The contract suite over every provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from reconciler.providers.base import Provider
from reconciler.providers.memory import MemoryProvider
from reconciler.providers.tenant import TenantProvider
from tests.providers.builders import client, serving
from tests.providers.contract import CHECKS
from tests.providers.small_tenant import SmallTenant

Check = Callable[[Provider], Awaitable[None]]


@asynccontextmanager
async def memory(_folder: Path) -> AsyncIterator[Provider]:
    yield MemoryProvider()


@asynccontextmanager
async def tenant_over_http(_folder: Path) -> AsyncIterator[Provider]:
    async with serving(SmallTenant()) as server, client(server.url) as http:
        yield TenantProvider(http, page_size=5)


PROVIDERS: tuple[Callable[[Path], AbstractAsyncContextManager[Provider]], ...] = (
    memory,
    tenant_over_http,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.__name__)
def test_every_provider_keeps_the_contract(
    provider: Callable[[Path], AbstractAsyncContextManager[Provider]], check: Check, tmp_path: Path
) -> None:
    held = []

    async def run() -> None:
        async with provider(tmp_path) as tenant:
            await check(tenant)
            held.append(tenant)

    asyncio.run(run())
    assert len(held) == 1
