"""Checks of single calls: what an update writes, what a test delivers, what an error says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.core.errors import ProviderError
from reconciler.core.model.webhook import Webhook
from reconciler.core.planning.diff import diff
from reconciler.core.results.reports import Verdict
from reconciler.providers.conformance.proxy import Receiver
from reconciler.providers.conformance.samples import variants
from reconciler.providers.conformance.subject import Subject, error_of, require
from reconciler.providers.http.faults import clean
from reconciler.providers.plugin import Held, with_metadata

SENT: Final = frozenset({Verdict.DELIVERED, Verdict.INTERRUPTED})
"""Verdicts of a delivery that was made; of the second one the product does not tell the result."""
_LOOKS: Final = 100  # for a delivery
_PAUSE: Final = 0.05  # seconds between two of them
_LONG: Final = 4  # characters of a text that is worth showing
_SHOWN: Final = 100  # characters of it that are looked for


async def an_update_writes_only_what_changes(subject: Subject) -> None:
    """What somebody else wrote in the moment before stays, unless each update has to write it."""
    values = variants(subject.samples, subject.capabilities)
    rewritten = subject.capabilities.rewrites
    for name in values:
        others = {
            other: value
            for other, value in values.items()
            if other != name and _word_of(other) not in rewritten
        }
        if others:
            await _update_after_an_edit(subject, {name: values[name]}, others)


def _word_of(name: str) -> str:
    """The word of a manifest for a field of `Webhook`."""
    return "events" if name == "subscriptions" else name


async def _update_after_an_edit(
    subject: Subject, change: Mapping[str, Any], edit: Mapping[str, Any]
) -> None:
    if subject.session is None:
        raise AssertionError("this check needs the plug-in's session")
    (name,) = change
    live = await subject.make(f"hook-{name}")
    held = await subject.session.get(live.id)
    if held is None:
        raise AssertionError("it is gone")
    for fields in (edit, change):
        want = subject.provider.normalize(replace(held.spec, **fields))
        words = frozenset(map(_word_of, fields))
        await subject.session.update(held, _mark(subject, held, want), words)
        after = await subject.session.get(live.id)
    if after is None:
        raise AssertionError("an update deleted it")
    wanted = subject.provider.normalize(replace(held.spec, **edit, **change))
    wrong = {field.path[0] for field in diff(subject.provider.normalize(after.spec), wanted)}
    lost = sorted(wrong & set(map(_word_of, edit)))
    require(not lost, f"an update of {_word_of(name)} wrote {', '.join(lost)} too")
    await subject.session.delete(after)


def _mark(subject: Subject, held: Held, want: Webhook) -> Webhook:
    is_native = subject.capabilities.mark == "native"
    return with_metadata(want, held.metadata) if is_native else want


async def a_webhook_without_events_is_taken_or_refused_as_claimed(subject: Subject) -> None:
    """The product holds no events, unless it needs them."""
    work = subject.make(subscriptions=frozenset())
    if subject.capabilities.needs_events:
        await error_of(work, ProviderError)
        return
    live = await work
    (listed,) = await subject.provider.list()
    require(not live.spec.subscriptions | listed.spec.subscriptions, "it got events of its own")


async def an_error_says_what_the_product_says(subject: Subject) -> None:
    """A wrong token is refused, and the error has the message of the product. A product that takes
    any token, or has no message, proves nothing here.
    """
    if subject.stranger is None or subject.proxy is None:
        raise AssertionError("this check needs a product over HTTP")
    try:
        await subject.stranger.list()
    except ProviderError as error:
        texts = [text for body in subject.proxy.refusals for text in _list_texts(body)]
        is_told = not texts or any(text[:_SHOWN] in str(error) for text in texts)
        require(is_told, "the product's message is lost")


def _list_texts(body: bytes) -> Iterator[str]:
    """The texts of an error body that is a JSON object."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        return
    yield from (clean(leaf) for leaf in _list_leaves(value) if len(leaf) >= _LONG)


def _list_leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _list_leaves(item)


async def a_test_is_delivered_and_a_refused_one_is_not_called_delivered(subject: Subject) -> None:
    """The receiver gets the event, and what it answers is the verdict if the product tells it."""
    receiver = subject.receiver
    if receiver is None:
        raise AssertionError("this check needs a receiver")
    live, event = await subject.make(url=receiver.url), subject.samples.events[0]
    delivery = await subject.provider.test(live.spec, live, event)
    require(delivery.verdict in SENT, f"the test said {delivery.verdict}")
    require(await await_delivery(receiver, 0), "the test delivered nothing")
    receiver.status = 400  # after another one some products try again
    delivery = await subject.provider.test(live.spec, live, event)
    require(delivery.verdict is not Verdict.DELIVERED, "a refused delivery is called delivered")


async def await_delivery(receiver: Receiver, count: int) -> bool:
    """Whether more than `count` deliveries arrive; a product may answer before it delivers."""
    for _ in range(_LOOKS):
        if len(receiver.deliveries) > count:
            return True
        await asyncio.sleep(_PAUSE)
    return False
