"""Validates endpoints: one test delivery each, from the tenant, from this machine, or both. Called by `cli`.

Which deliveries a webhook gets and when one passes is decided here; how one is sent is `delivery`'s and the provider's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.model import Declared, Live, NoAuth, Subscription, Webhook, credential, with_credential
from reconciler.core.report import Check, Delivery, TestReport, Verdict
from reconciler.core.secret import Secret

DEFAULT_EVENT: Final = Subscription("elastio:recovery-point:create:started", "v0", "info")
WRONG: Final = Secret("reconciler-check-auth-wrong-credential", "--check-auth")

Send = Callable[[Webhook, Live | None, Subscription], Awaitable[Delivery]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to test: every subscription or the first, also a wrong credential, and the latency in seconds to stay under."""

    all_events: bool = False
    check_auth: bool = False
    max_latency: float | None = None
    parallelism: int = 10
    progress: Callable[[Check], None] = lambda _check: None


def events_of(spec: Webhook, *, every: bool) -> tuple[Subscription, ...]:
    """The subscriptions to send, in their order: the first, or all; a webhook without any gets the default event."""
    ordered = tuple(sorted(spec.subscriptions, key=lambda item: item.sort_key))
    return (ordered if every else ordered[:1]) or (DEFAULT_EVENT,)


def _judge(delivery: Delivery, key: str, via: str, wish: Wish) -> list[Check]:
    passed = delivery.verdict is Verdict.DELIVERED
    checks = [Check(delivery, key, via, "delivery", passed)]
    if wish.max_latency is not None and passed:
        checks.append(Check(delivery, key, via, "latency", delivery.seconds <= wish.max_latency))
    return checks


async def _one(declared: Declared, via: str, send: Send, wish: Wish) -> list[Check]:
    events = events_of(declared.spec, every=wish.all_events)
    checks: list[Check] = []
    for event in events:
        checks += _judge(await send(declared.spec, None, event), declared.key, via, wish)
    if wish.check_auth and not isinstance(declared.spec.auth, NoAuth) and credential(declared.spec.auth) is not None:
        spec = replace(declared.spec, auth=with_credential(declared.spec.auth, WRONG))
        refused = await send(spec, None, events[0])
        checks.append(Check(refused, declared.key, via, "auth", refused.verdict is Verdict.AUTH_REFUSED))
    for check in checks:
        wish.progress(check)
    return checks


async def test(declared: Iterable[Declared], senders: dict[str, Send], wish: Wish) -> TestReport:
    """Every check of every webhook, by key; `senders` maps `tenant` and `probe` to what sends, at most `parallelism` at once."""
    room = asyncio.Semaphore(wish.parallelism)

    async def bounded(item: Declared, via: str, send: Send) -> list[Check]:
        async with room:
            return await _one(item, via, send, wish)

    ordered = sorted(declared, key=lambda item: item.key)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bounded(item, via, send)) for item in ordered for via, send in senders.items()]
    return TestReport(tuple(check for task in tasks for check in task.result()))
