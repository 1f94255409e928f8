"""Checks of what goes wrong: credentials, lost answers, limits, damaged marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.errors import ProviderError, Rejected
from reconciler.core.model.auth import get_scheme, with_credential
from reconciler.core.model.secret import Withheld
from reconciler.core.model.webhook import Live
from reconciler.providers.conformance.call_checks import SENT, await_delivery
from reconciler.providers.conformance.proxy import FaultProxy, Receiver, make_answer
from reconciler.providers.conformance.samples import (
    CREDENTIAL,
    OTHER_CREDENTIAL,
    make_auth,
    make_declared,
    strongest,
    variants,
)
from reconciler.providers.conformance.subject import Subject, error_of, require, same
from reconciler.providers.driver.marks import PREFIX
from reconciler.providers.plugin import Held, with_metadata


async def a_credential_stays_when_other_fields_change(subject: Subject) -> None:
    """An update without the credential keeps it, as its receiver sees it."""
    kind = strongest(subject.capabilities)
    receiver = subject.receiver
    if receiver is None:
        raise AssertionError("this check needs a receiver")
    live = await subject.make(url=receiver.url, auth=make_auth(subject.capabilities, kind))
    before = await _credential_seen(subject, receiver, live)
    for name, value in variants(subject.samples, subject.capabilities).items():
        if name in {"url", "enabled"}:
            continue
        fields = {"url": receiver.url, "auth": live.spec.auth, name: value}
        live = await subject.update(live, make_declared(subject.samples, **fields))
        after = await _credential_seen(subject, receiver, live)
        require(after == before, f"after an update of {name} the credential is another")
    new = make_auth(subject.capabilities, kind, OTHER_CREDENTIAL, "2")
    live = await subject.update(live, make_declared(subject.samples, url=receiver.url, auth=new))
    rotated = await _credential_seen(subject, receiver, live)
    require(rotated != before, "a new credential was not sent")


async def _credential_seen(subject: Subject, receiver: Receiver, live: Live) -> str:
    before = len(receiver.deliveries)
    delivery = await subject.provider.test(live.spec, live, subject.samples.events[0])
    require(delivery.verdict in SENT, f"the test said {delivery.verdict}")
    require(await await_delivery(receiver, before), "the test delivered nothing")
    verify, (headers, body) = subject.samples.verify, receiver.deliveries[-1]
    if get_scheme(live.spec.auth):
        require(verify is not None, "a product that signs needs Samples(verify=…)")
    shown = [
        key
        for key in (CREDENTIAL, OTHER_CREDENTIAL)
        if (verify(headers, body, key) if verify else key in headers.values())
    ]
    seen = next(iter(shown), receiver.credentials[-1])
    require(seen != "", "the receiver got no credential that it knows")
    return seen


async def a_stored_credential_goes_nowhere_else(subject: Subject) -> None:
    """A new url needs the credential again."""
    live = await subject.make(auth=make_auth(subject.capabilities, strongest(subject.capabilities)))
    hidden = with_credential(live.spec.auth, Withheld("1"))
    moved = make_declared(subject.samples, url=subject.samples.urls[1], auth=hidden)
    await error_of(subject.update(live, moved), Rejected)
    (listed,) = await subject.provider.list()
    require(same(listed, live), "it was moved all the same")


async def a_lost_answer_leaves_one_webhook(subject: Subject) -> None:
    """If any write loses its answer, the next run has nothing to repair."""
    proxy = _proxy(subject)
    proxy.lose["POST"] = 1
    live = await subject.make()
    require(len(await subject.provider.list()) == 1, "a create with a lost answer made two")
    wanted = make_declared(subject.samples, url=subject.samples.urls[1])
    proxy.lose |= {"PATCH": 1, "PUT": 1}
    try:
        live = await subject.update(live, wanted)
    except ProviderError:
        (live,) = await subject.provider.list()
    require(subject.holds(live, wanted), "an update with a lost answer was not made")
    proxy.lose.clear()
    proxy.lose["DELETE"] = 1
    await subject.provider.delete(live)
    require(await subject.provider.list() == (), "a delete with a lost answer was not made")


async def a_limit_is_waited_for(subject: Subject) -> None:
    """429 with Retry-After costs time, not the run."""
    proxy = _proxy(subject)
    answer = make_answer(429, b'{"message": "slow down"}', "application/json", Retry_After="0")
    proxy.answers["GET"] = [answer]
    require(await subject.provider.list() == (), "a limit was not waited for")


async def a_web_page_is_an_error_without_our_secrets(subject: Subject) -> None:
    """An HTML 500 on a write is a failure that quotes nothing."""
    proxy = _proxy(subject)
    page = f"<html>{CREDENTIAL}</html>".encode()
    proxy.answers["POST"] = [make_answer(500, page, "text/html")] * 10
    kind = strongest(subject.capabilities)
    await error_of(subject.make(auth=make_auth(subject.capabilities, kind)), ProviderError)
    proxy.answers.clear()


def _proxy(subject: Subject) -> FaultProxy:
    if subject.proxy is None:
        raise AssertionError("this check needs a product over HTTP")
    return subject.proxy


async def a_cut_mark_is_unowned_and_a_warning(subject: Subject) -> None:
    """A mark that a person damaged ends nothing."""
    live = await subject.make(description="Text.")
    await _edit_mark(subject, live, "Text.\n[reconciler owner=paym", {f"{PREFIX}owner": "paym"})
    (listed,) = await subject.provider.list()
    require(listed.managed_by is None, "a damaged mark still owns the webhook")
    require(len(subject.provider.warnings) == 1, "nothing warns of a damaged mark")


async def a_copied_mark_is_found_twice(subject: Subject) -> None:
    """Two webhooks with one mark are both listed as ours, so that a plan refuses to guess."""
    held = await _find_held(subject, await subject.make(description="Text."))
    other = await subject.make("other", url=subject.samples.urls[1])
    await _edit_mark(subject, other, held.spec.description, held.metadata)
    keys = [item.managed_by.key for item in await subject.provider.list() if item.managed_by]
    require(keys == ["pager", "pager"], f"the keys are {keys}")


async def _find_held(subject: Subject, live: Live) -> Held:
    if subject.session is None:
        raise AssertionError("this check needs the plug-in's session")
    held = await subject.session.get(live.id)
    if held is None:
        raise AssertionError("it is gone")
    return held


async def _edit_mark(
    subject: Subject, live: Live, description: str, metadata: Mapping[str, str]
) -> None:
    """Edits past the driver, as a person would: the one of both that has the mark."""
    if subject.session is None:
        raise AssertionError("this check needs the plug-in's session")
    held = await _find_held(subject, live)
    if subject.capabilities.mark == "native":
        marked = with_metadata(held.spec, metadata)
        await subject.session.update(held, marked, frozenset({"metadata"}))
    else:
        want = replace(held.spec, description=description)
        await subject.session.update(held, want, frozenset({"description"}))
