from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.core.model.auth import Auth, NoAuth
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.reports import Delivery
from reconciler.delivery.envelope import envelope, sample_event
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from tests.support.receiver import Receiver

EVENT = Subscription("elastio:recovery-point:create:started", "v0", "info")
BODY = envelope(
    sample_event(
        EVENT, event_id="11111111-1111-1111-1111-111111111111", time="2026-01-02T03:04:05Z"
    )
)
LOOPBACK = AddressPolicy.parse(["127.0.0.0/8", "::1/128"])

Deliver = Callable[..., Delivery]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def deliver() -> Deliver:
    """Delivers to a url, or to several in turn with one sender, and hands back the delivery or all
    of them.
    """

    def run(
        *urls: Any,
        auth: Auth | None = None,
        policy: AddressPolicy = LOOPBACK,
        body: bytes = BODY,
        **options: Any,
    ) -> Any:
        async def main() -> list[Delivery]:
            async with Sender(policy, **options) as sender:
                return [
                    await sender.send(Webhook("hook", url, auth=auth or NoAuth()), EVENT, body)
                    for url in urls
                ]

        done = asyncio.run(main())
        return done[0] if len(urls) == 1 else done

    return run
