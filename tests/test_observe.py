"""Asking for the recent deliveries of what a plan removes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from reconciler.core.errors import ProviderError, Unauthorized
from reconciler.core.model.capabilities import TENANT
from reconciler.core.model.webhook import Live, Use
from reconciler.observe import observe
from reconciler.providers.memory import MemoryProvider
from tests.support.builders import declared, live, plan_of, policy, rules


class Logging(MemoryProvider):
    """A tenant with a log; `uses` are its answers by id, an error is raised."""

    capabilities = replace(TENANT, usage="log", parallelism=3)

    def __init__(self, uses: dict[str, Use | ProviderError | None]) -> None:
        super().__init__()
        self.uses, self.asked, self.under_way, self.most = uses, list[str](), 0, 0

    async def find_use(self, live: Live) -> Use | None:
        self.asked.append(live.id)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        use = self.uses.get(live.id)
        if isinstance(use, ProviderError):
            raise use
        return use


def unknown(key: str) -> Live:
    return replace(live(key), use=None)


def test_rule_05_no_more_are_asked_for_at_once_than_the_product_bears() -> None:
    gone = [unknown(f"gone-{number}") for number in range(20)]
    wanted = [declared("stays")]
    provider = Logging({item.id: Use(1) for item in gone})
    observed = asyncio.run(observe(plan_of(wanted, gone), provider, policy()))
    assert sorted(provider.asked) == sorted(item.id for item in gone)
    assert provider.most == 3
    assert rules(observed).count("in-use") == 20


def test_rule_05_counts_change_the_violations_and_not_the_digest() -> None:
    gone, wanted = unknown("gone"), [declared("stays")]
    plan = plan_of(wanted, [gone, live("stays")])
    observed = asyncio.run(observe(plan, Logging({gone.id: Use(3)}), policy()))
    assert (rules(plan), rules(observed)) == ([], ["in-use"])
    assert observed.digest == plan.digest
    accepted = policy(accept_in_use=True)
    assert rules(asyncio.run(observe(plan, Logging({gone.id: Use(3)}), accepted))) == []


def test_rule_05_a_webhook_that_loses_its_last_event_is_asked_for_and_other_updates_are_not() -> (
    None
):
    emptied, edited = unknown("emptied"), unknown("edited")
    wanted = [
        replace(
            declared("emptied"),
            spec=replace(declared("emptied").spec, subscriptions=frozenset()),
        ),
        declared("edited", description="new"),
    ]
    provider = Logging({emptied.id: Use(2, 1)})
    plan = plan_of(wanted, [emptied, edited])
    observed = asyncio.run(observe(plan, provider, policy()))
    assert provider.asked == [emptied.id]
    assert [found.names for found in observed.violations if found.rule == "in-use"] == [
        ("emptied",)
    ]


@pytest.mark.parametrize("answer", [None, Unauthorized("GET /log: no right")])
def test_rule_05_what_is_not_known_is_no_violation_and_an_error_is_a_warning_once(
    answer: ProviderError | None,
) -> None:
    gone = unknown("gone")
    provider = Logging({gone.id: answer})
    plan = plan_of([declared("stays")], [gone, live("stays")])
    again = asyncio.run(observe(plan, provider, policy()))
    again = asyncio.run(observe(again, provider, policy()))
    text = f"gone (id {gone.id}): its recent deliveries are unknown: GET /log: no right"
    assert [item for item in again.warnings if "deliveries" in item] == ([text] if answer else [])
    assert rules(again) == []
    assert again.pending[0].live is not None
    assert again.pending[0].live.use is None
