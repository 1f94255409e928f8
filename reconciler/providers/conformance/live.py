"""Runs the checks over a product that is there, such as one that a person started for it.

The product must hold no webhook at the start, since each check begins with deleting all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from reconciler.core.errors import BadRequest, ProviderError
from reconciler.core.model.secret import Secret
from reconciler.providers.conformance.checks import list_rows
from reconciler.providers.conformance.runner import Place, opened
from reconciler.providers.conformance.samples import Samples
from reconciler.providers.conformance.subject import Setting
from reconciler.providers.driver.product import Product
from reconciler.providers.http.client import Client


async def run_checks(
    plugin: Product, place: Place, samples: Samples
) -> AsyncIterator[tuple[str, str]]:
    """Each check with its rule, and why it failed, empty if it did not. Without `verify` in the
    samples no signature of a probe is checked. Raises BadRequest if the product holds a webhook,
    ProviderError if it cannot be asked.
    """
    if await _delete_all(plugin, place, most=0):
        raise BadRequest(
            "the product holds webhooks; the checks delete all that they find, so give one without "
            "any"
        )
    empty = _make_empty(plugin, place)
    for row in list_rows(Setting(plugin.capabilities, over_http=True, has_session=True)):
        if row.rule == "probe" and samples.verify is None:
            continue
        name = f"{row.rule}: {row.name}"
        try:
            async with opened(plugin, empty, samples) as subject:
                await row.check(subject)
        except (AssertionError, ProviderError) as error:
            yield name, str(error) or "it does not hold"
        else:
            yield name, ""
    await _delete_all(plugin, place)


def _make_empty(
    plugin: Product, place: Place
) -> Callable[[str], AbstractAsyncContextManager[Place]]:
    @asynccontextmanager
    async def empty(_endpoint: str) -> AsyncIterator[Place]:
        await _delete_all(plugin, place)
        yield place

    return empty


async def _delete_all(plugin: Product, place: Place, most: int | None = None) -> int:
    """Deletes every webhook, up to a number; how many there were."""
    async with Client(place.url, Secret(place.token, "the token"), dialect=plugin.dialect) as http:
        session = plugin.session(http, place.target)
        found = [item async for page in session.held() for item in page]
        for item in found[:most]:
            await session.delete(item)
    return len(found)
