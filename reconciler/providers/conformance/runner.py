"""Runs the checks over a plug-in, each on an empty product, as tests of pytest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.model.secret import Secret
from reconciler.providers.conformance.checks import list_rows
from reconciler.providers.conformance.proxy import FaultProxy, Receiver
from reconciler.providers.conformance.samples import Samples
from reconciler.providers.conformance.subject import Check, Setting, Subject
from reconciler.providers.driver.product import Product
from reconciler.providers.http.client import Client
from reconciler.providers.plugin import Plugin


@dataclass(frozen=True, slots=True)
class Place:
    """Where an empty product is: its url, a token, and a Tenant's `spec.target`.

    `deliver` makes the product send the first event of the samples, once, to each webhook that
    wants it: a provider that counts deliveries needs it. It is called in a thread.
    """

    url: str
    token: str = field(repr=False)
    target: Mapping[str, Any] = field(default_factory=dict)
    deliver: Callable[[], object] | None = field(default=None, repr=False)


_WRONG = "user:a-token-of-no-product"  # a pair too, for products that take one
Open = Callable[[str], AbstractAsyncContextManager[Place]]
"""Opens an empty product; it gets the url of an endpoint that the product must be able to reach."""


@asynccontextmanager
async def opened(plugin: Plugin, empty: Open, samples: Samples) -> AsyncIterator[Subject]:
    """A provider over an empty product, behind a proxy."""
    async with (
        Receiver() as receiver,
        empty(receiver.url) as place,
        FaultProxy(place.url) as proxy,
    ):
        token = Secret(place.token, "conformance")
        wrong = Secret(_WRONG, "conformance")
        async with (
            Client(proxy.url, token, dialect=plugin.dialect) as http,
            Client(proxy.url, wrong, dialect=plugin.dialect) as other,
        ):
            stranger = plugin.provider(other, place.target)
            provider = plugin.provider(http, place.target)
            session = plugin.session(http, place.target) if isinstance(plugin, Product) else None
            deliver = place.deliver
            yield Subject(provider, samples, proxy, receiver, session, deliver, stranger)


def conformance(plugin: Plugin, empty: Open, samples: Samples) -> Callable[..., None]:
    """A test of pytest with a case per check that applies. `empty` opens an empty product for
    each.
    """
    import pytest  # noqa: PLC0415  only tests need it

    setting = Setting(plugin.capabilities, over_http=True, has_session=isinstance(plugin, Product))
    rows = list_rows(setting)
    cases = [
        pytest.param(row.check, id=f"{row.rule.replace(' ', '-')}-{row.check.__name__}")
        for row in rows
    ]

    @pytest.mark.parametrize("check", cases)
    def test_conformance(check: Check) -> None:
        async def run() -> None:
            async with opened(plugin, empty, samples) as subject:
                await check(subject)

        asyncio.run(run())

    return test_conformance
