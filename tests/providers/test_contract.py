"""The contract suite over every provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from reconciler.core.model.secret import Secret
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.providers.base import Provider
from reconciler.providers.http.client import Client
from reconciler.providers.memory import MemoryProvider
from reconciler.providers.tenant.provider import TenantProvider
from reconciler.tenant.server.app import create_app
from reconciler.tenant.store.store import open_store
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


@asynccontextmanager
async def embedded_tenant(folder: Path) -> AsyncIterator[Provider]:
    """The tenant that the product serves, in process: real store, tokens, vault, validation."""
    store = open_store(folder / "tenant.db")
    try:
        async with Sender(AddressPolicy.parse((), ())) as sender:
            app = create_app(store, sender, local_token="token-of-the-contract", deliver=False)
            async with Client(
                "http://localhost/public-api/v1", Secret("token-of-the-contract"), app=app
            ) as http:
                yield TenantProvider(http, page_size=5)
    finally:
        store.close()


PROVIDERS: tuple[Callable[[Path], AbstractAsyncContextManager[Provider]], ...] = (
    memory,
    tenant_over_http,
    embedded_tenant,
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
