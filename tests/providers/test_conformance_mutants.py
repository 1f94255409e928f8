"""The conformance checks can fail: each wrong plug-in is caught by the check that it breaks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.errors import ProviderError, Rejected, Unreachable
from reconciler.core.model.capabilities import Envelope, Signature
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.conformance import Samples, Setting, Subject, chosen
from reconciler.providers.conformance.checks import CHECKS
from reconciler.providers.conformance.runner import opened
from reconciler.providers.driver.product import Product
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import product_fault
from reconciler.providers.http.faults import Sent
from reconciler.providers.memory import MemoryProvider
from reconciler.providers.plugin import Held, Session
from tests.providers.test_conformance import BIRDS, PIGEON, empty_pigeon


class ForgetsEvents:
    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        await super().update(held, want, changed - {"events"})  # type: ignore[misc]


class ForgetsTheSecret:
    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        await super().update(held, want, changed - {"auth"})  # type: ignore[misc]


class SendsEverything:
    """Overwrites what somebody else changed, as a PUT would: here the credential."""

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        await super().update(held, want, changed)  # type: ignore[misc]
        body = {"secret": "other"}
        await self._http.request(  # type: ignore[attr-defined]
            "PATCH",
            f"{self._path}/{held.id}",
            json=body,
            idempotent=True,  # type: ignore[attr-defined]
        )


class ReadsOnePage:
    async def held(self) -> AsyncIterator[Sequence[Held]]:
        async for page in super().held():  # type: ignore[misc]
            yield page
            return


class RepeatsCreates:
    async def create(self, want: Webhook, key: str) -> Held:
        try:
            made: Held = await super().create(want, key)  # type: ignore[misc]
        except Unreachable:
            made = await super().create(want, key)  # type: ignore[misc]
        return made


class ForgetsTheDescription:
    async def create(self, want: Webhook, key: str) -> Held:
        made: Held = await super().create(replace(want, description=""), key)  # type: ignore[misc]
        return made


class WritesEveryField:
    """As a form that is saved as a whole: what somebody else wrote in between is lost."""

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        words = {"name", "url", "description", "enabled", "events", "options"}
        await super().update(held, want, changed | words)  # type: ignore[misc]


class NeedsEvents:
    async def create(self, want: Webhook, key: str) -> Held:
        if not want.subscriptions:
            raise Rejected("events are needed")
        made: Held = await super().create(want, key)  # type: ignore[misc]
        return made


class StubOfATest:
    async def test(self, _held: Held, want: Webhook, event: Subscription) -> Delivery:
        return Delivery(want.name, event, Verdict.DELIVERED, 200)


class CallsEverythingDelivered:
    async def test(self, held: Held, want: Webhook, event: Subscription) -> Delivery:
        await super().test(held, want, event)  # type: ignore[misc]
        return Delivery(want.name, event, Verdict.DELIVERED, 200)


def lose_message(sent: Sent, status: int, wait: float | None, _body: object) -> ProviderError:
    return product_fault(sent, status, wait, None)


def broken(mixin: type) -> Product:
    """The example with one call replaced."""

    class Broken(type(PIGEON)):  # type: ignore[misc]
        def session(self, http: Client, target: Mapping[str, Any]) -> Session:
            session = super().session(http, target)
            session.__class__ = type(mixin.__name__, (mixin, type(session)), {})
            return session  # type: ignore[no-any-return]

    return Broken()  # type: ignore[no-any-return]


def claiming(**claims: Any) -> Product:
    """The example with other claims."""

    class Boasting(type(PIGEON)):  # type: ignore[misc]
        capabilities = replace(PIGEON.capabilities, **claims)

    return Boasting()  # type: ignore[no-any-return]


def silent() -> Product:
    """The example without the messages of the product."""

    class Silent(type(PIGEON)):  # type: ignore[misc]
        dialect = replace(PIGEON.dialect, fault=lose_message)

    return Silent()  # type: ignore[no-any-return]


MUTANTS: dict[str, tuple[Callable[[], Product], str]] = {
    "forgets events": (
        lambda: broken(ForgetsEvents),
        "each_field_and_pair_of_fields_is_updated_alone",
    ),
    "forgets a new secret": (
        lambda: broken(ForgetsTheSecret),
        "a_credential_stays_when_other_fields_change",
    ),
    "replaces the secret": (
        lambda: broken(SendsEverything),
        "a_credential_stays_when_other_fields_change",
    ),
    "reads one page": (lambda: broken(ReadsOnePage), "many_webhooks_are_listed_each_once"),
    "creates twice": (lambda: broken(RepeatsCreates), "a_lost_answer_leaves_one_webhook"),
    "forgets the mark": (
        lambda: broken(ForgetsTheDescription),
        "a_created_webhook_is_listed_with_its_mark",
    ),
    "claims unique names": (lambda: claiming(unique_names=True), "a_name_is_taken_once"),
    "claims idempotency": (
        lambda: claiming(idempotency_key=True),
        "one_idempotency_key_makes_one_webhook",
    ),
    "writes every field": (
        lambda: broken(WritesEveryField),
        "an_update_writes_only_what_changes",
    ),
    "tests nothing": (
        lambda: broken(StubOfATest),
        "a_test_is_delivered_and_a_refused_one_is_not_called_delivered",
    ),
    "calls everything delivered": (
        lambda: broken(CallsEverythingDelivered),
        "a_test_is_delivered_and_a_refused_one_is_not_called_delivered",
    ),
    "loses the product's message": (silent, "an_error_says_what_the_product_says"),
    "claims to need events": (
        lambda: claiming(needs_events=True),
        "a_webhook_without_events_is_taken_or_refused_as_claimed",
    ),
    "needs events and does not say so": (
        lambda: broken(NeedsEvents),
        "a_webhook_without_events_is_taken_or_refused_as_claimed",
    ),
    "claims a type of authentication": (
        lambda: claiming(auths=frozenset({"none", "basic"})),
        "every_authentication_is_read_back_as_normalized",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_plug_in_is_caught(name: str) -> None:
    make, expected = MUTANTS[name]
    (check,) = [row.check for row in CHECKS if row.check.__name__ == expected]

    async def run() -> None:
        async with opened(make(), empty_pigeon, BIRDS) as subject:
            await check(subject)

    with pytest.raises(Exception) as caught:
        asyncio.run(run())
    assert not isinstance(caught.value, TypeError | AttributeError), caught.value


@pytest.mark.parametrize(
    ("signature", "fault"),
    [
        (Signature("X-Signature"), ""),
        (Signature("X-Signature", "sha256="), "a receiver would refuse a probe"),
        (Signature("X-Signature", algorithm="sha1"), "a receiver would refuse a probe"),
        (Signature("X-Signature", signed="message"), "a receiver would refuse a probe"),
        (Signature("X-Other"), "a receiver would refuse a probe"),
    ],
)
def test_a_probe_that_a_receiver_of_the_product_would_refuse_is_caught(
    signature: Signature, fault: str
) -> None:
    def verify(headers: Mapping[str, str], body: bytes, key: str) -> bool:
        wanted = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        return headers.get("x-signature") == wanted

    provider = MemoryProvider()
    provider.capabilities = replace(
        provider.capabilities, schemes=("product",), envelope=Envelope(signatures=(signature,))
    )
    (check,) = [row for row in chosen(Setting(provider.capabilities)) if "probe" in row.__name__]
    work = check(Subject(provider, Samples(BIRDS.events, verify=verify)))
    if not fault:
        asyncio.run(work)
        return
    with pytest.raises(AssertionError, match=fault):
        asyncio.run(work)
