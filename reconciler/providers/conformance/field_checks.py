"""Checks of what is stored: fields, marks, conflicts, names, pages."""

from __future__ import annotations

from itertools import combinations
from typing import Final

from reconciler.core.errors import Conflict
from reconciler.core.model.webhook import Owner
from reconciler.providers.conformance.samples import (
    OWNER,
    make_auth,
    make_declared,
    variants,
)
from reconciler.providers.conformance.subject import Subject, error_of, require, same

MANY: Final = 250
"""More webhooks than a page of any product that is known."""


async def an_empty_product_lists_nothing(subject: Subject) -> None:
    """The fixture yields an empty product, and the listing ends."""
    require(await subject.provider.list() == (), "an empty product lists webhooks")


async def a_created_webhook_is_listed_with_its_mark(subject: Subject) -> None:
    """Read back, every field is as declared, and the mark says whose it is."""
    created = await subject.make(**variants(subject.samples, subject.capabilities))
    (listed,) = await subject.provider.list()
    require(same(created, listed), "the listing differs from the answer of create")
    if subject.capabilities.mark != "none":
        mark = listed.managed_by
        identity = (mark.owner, mark.key, mark.sources) if mark is not None else None
        require(identity == ("payments", "pager", ("webhooks.yaml",)), f"the mark is {identity}")


async def every_authentication_is_read_back_as_normalized(subject: Subject) -> None:
    """What `normalize` says is what the product answers, for each claimed type."""
    for kind in sorted(subject.capabilities.auths):
        auth, url = make_auth(subject.capabilities, kind), f"{subject.samples.urls[0]}/{kind}"
        wanted = make_declared(subject.samples, f"auth-{kind.lower()}", auth=auth, url=url)
        live = await subject.provider.create(wanted, OWNER, idempotency_key=kind)
        require(subject.equals(live, wanted), f"auth {kind} is read back as something else")


async def each_field_and_pair_of_fields_is_updated_alone(subject: Subject) -> None:
    """An update of some fields keeps the others."""
    values = variants(subject.samples, subject.capabilities)
    live = await subject.make()
    sets = [*((name,) for name in values), *combinations(values, 2)]
    for names in sets:
        changed = make_declared(subject.samples, **{name: values[name] for name in names})
        for wanted in (changed, make_declared(subject.samples)):
            live = await subject.update(live, wanted)
            require(subject.holds(live, wanted), f"after an update of {names}: differs")
            (listed,) = await subject.provider.list()
            require(same(live, listed), f"after an update of {names}: listed differently")


async def an_update_that_changes_nothing_keeps_the_revision(subject: Subject) -> None:
    """A second run finds nothing to do."""
    live = await subject.make()
    again = await subject.update(live, make_declared(subject.samples))
    require(again.revision == live.revision, "an update that changes nothing moved the revision")


async def an_edit_by_somebody_else_is_a_conflict(subject: Subject) -> None:
    """Neither update nor delete overwrites what moved since the plan."""
    planned = await subject.make()
    edited = make_declared(subject.samples, url=subject.samples.urls[1])
    current = await subject.update(planned, edited)
    wanted = make_declared(subject.samples, subscriptions=frozenset(subject.samples.events))
    error = await error_of(subject.update(planned, wanted), Conflict)
    require("url" in getattr(error, "fields", ()), "the conflict does not name the field")
    await error_of(subject.provider.delete(planned), Conflict)
    (listed,) = await subject.provider.list()
    require(same(current, listed), "something was written in spite of the conflict")


async def what_is_gone_is_a_conflict_for_update_and_done_for_delete(subject: Subject) -> None:
    """Deleting twice is fine, updating what is gone is not."""
    live = await subject.make()
    await subject.provider.delete(live)
    await subject.provider.delete(live)
    await error_of(subject.update(live, make_declared(subject.samples)), Conflict)
    require(await subject.provider.list() == (), "an update created a webhook")


async def a_protected_webhook_is_not_deleted(subject: Subject) -> None:
    """Protection is lifted by a change of its own."""
    live = await subject.make(protected=True)
    await error_of(subject.provider.delete(live), Conflict)
    unprotected = make_declared(subject.samples, protected=False)
    await subject.provider.delete(await subject.update(live, unprotected))
    require(await subject.provider.list() == (), "it is still there")


async def another_owners_mark_stays_theirs(subject: Subject) -> None:
    """Marks of two owners do not mix."""
    other = make_declared(subject.samples, "search", url=subject.samples.urls[1])
    await subject.provider.create(other, Owner("search"), idempotency_key="search")
    await subject.make()
    owners = {
        live.managed_by.owner if live.managed_by is not None else ""
        for live in await subject.provider.list()
    }
    require(owners == {"payments", "search"}, f"the owners are {sorted(owners)}")


async def many_webhooks_are_listed_each_once(subject: Subject) -> None:
    """Paging neither loses nor repeats a webhook."""
    created = [
        await subject.make(f"hook-{number}", url=f"{subject.samples.urls[0]}/{number}")
        for number in range(MANY)
    ]
    listed = await subject.provider.list()
    require(len(listed) == MANY, f"{len(listed)} of {MANY} are listed")
    require({live.id for live in listed} == {live.id for live in created}, "others are listed")


async def equal_names_are_two_webhooks(subject: Subject) -> None:
    """The product accepts a name twice."""
    await subject.make("one", name="Same")
    await subject.make("two", name="Same", url=subject.samples.urls[1])
    require(len(await subject.provider.list()) == 2, "a name was refused or replaced")


async def a_name_is_taken_once(subject: Subject) -> None:
    """The product refuses a name twice, on create and on update."""
    await subject.make("one", name="Same")
    other = await subject.make("two", name="Other")
    wanted = make_declared(subject.samples, "three", name="Same")
    work = subject.provider.create(wanted, OWNER, idempotency_key="three")
    await error_of(work, Conflict)
    await error_of(
        subject.update(other, make_declared(subject.samples, "two", name="Same")), Conflict
    )


async def one_idempotency_key_makes_one_webhook(subject: Subject) -> None:
    """The same create again makes nothing new."""
    wanted = make_declared(subject.samples)
    first = await subject.provider.create(wanted, OWNER, idempotency_key="same")
    again = await subject.provider.create(wanted, OWNER, idempotency_key="same")
    require(first.id == again.id, "a second webhook was made")
