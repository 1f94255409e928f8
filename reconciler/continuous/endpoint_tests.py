"""Test deliveries of a run, to the endpoints of webhooks that are at the tenant as declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.continuous.results import EndpointTest
from reconciler.core.errors import ProviderError
from reconciler.core.model.webhook import Declared, Live
from reconciler.core.results.reports import Verdict
from reconciler.providers.base import Provider, find_scopes
from reconciler.testing import choose_events


async def send_tests(
    provider: Provider, declared: Iterable[Declared], wanted: Mapping[str, str]
) -> tuple[EndpointTest, ...]:
    """One delivery per webhook of these keys, each with the text that asked for it, one after the
    other. Not for fleets, whose webhooks are many per key.
    """
    items = [item for item in declared if item.key in wanted and not item.suspended]
    if not items:
        return ()
    live = await provider.list()
    if find_scopes(provider) is not None:
        text = "a webhook of many repositories is not tested; use `reconciler test`"
        return tuple(EndpointTest(item.key, wanted[item.key], False, text) for item in items)
    by_key = {item.managed_by.key: item for item in live if item.managed_by is not None}
    results = []
    for item in items:
        has_passed, text = await _test(provider, item, by_key.get(item.key))
        results.append(EndpointTest(item.key, wanted[item.key], has_passed, text))
    return tuple(results)


async def _test(provider: Provider, item: Declared, live: Live | None) -> tuple[bool, str]:
    event = choose_events(item.spec, all_events=False)[0]
    try:
        delivery = await provider.test(item.spec, live, event)
    except ProviderError as error:
        return False, f"no delivery was made: {error}"
    status = f" ({delivery.status_code})" if delivery.status_code is not None else ""
    return delivery.verdict is Verdict.DELIVERED, f"{delivery.verdict}{status}"
