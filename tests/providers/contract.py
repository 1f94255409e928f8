"""What every Provider must do, whatever it speaks: one suite, run over each of them by
`test_contract.py`.

Each check gets an empty provider. They are plain coroutines, so that a later provider only has to
be named there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from reconciler.core.errors import Conflict, Rejected
from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, NoAuth
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Live, ManagedBy, Owner, Subscription
from reconciler.core.results.reports import Verdict
from reconciler.providers.base import Provider
from reconciler.providers.moved import is_as_declared
from tests.providers.builders import EVENT, OWNER, URL, bearer, declared

OTHER_EVENT: Final = Subscription("elastio:recovery-point:iscan:unhealthy", "v0", "critical")
AUTHS: Final[tuple[Auth, ...]] = (
    NoAuth(),
    bearer(version=None),
    BasicAuth("user", Secret("pass-word-1", version="1")),
    BasicAuth(Secret("user"), Secret("pass-word-1", version="1")),
    ApiKeyAuth("X-Api-Key", Secret("key-value-1", version="1")),
)


async def make(
    provider: Provider, name: str = "Pager", key: str = "pager", **other: object
) -> Live:
    return await provider.create(
        declared(name, key=key, **other), OWNER, idempotency_key=f"make-{key}"
    )  # type: ignore[arg-type]  # builder


async def empty_lists_nothing(provider: Provider) -> None:
    assert await provider.list() == ()


async def a_created_webhook_is_listed_as_it_was_answered(provider: Provider) -> None:
    live = await make(
        provider, description="Ä note\nin two lines", auth=bearer(), enabled=False, protected=True
    )
    assert await provider.list() == (live,)
    assert live.managed_by == ManagedBy("payments", "pager", ("webhooks.yaml",), OWNER.revision)
    assert live.protected
    assert live.spec.enabled is False


async def what_normalize_says_is_what_the_tenant_answers(provider: Provider) -> None:
    for number, auth in enumerate(AUTHS):
        wanted = declared(f"Cafe\u0301 {number}", key=f"cafe-{number}", auth=auth, enabled=True)
        live = await provider.create(wanted, OWNER, idempotency_key=f"k{number}")
        assert live.spec == provider.normalize(wanted.spec)
        assert is_as_declared(live, wanted, OWNER)
        assert provider.normalize(live.spec) == live.spec


async def open_fields_are_filled_on_create_and_left_on_update(provider: Provider) -> None:
    live = await make(provider)
    assert (live.spec.enabled, live.protected) == (True, False)
    live = await provider.update(live, declared(enabled=False, protected=True), OWNER)
    live = await provider.update(live, declared(description="new"), OWNER)
    assert (live.spec.enabled, live.protected, live.spec.description) == (False, True, "new")


async def one_idempotency_key_makes_one_webhook(provider: Provider) -> None:
    first = await provider.create(declared(), OWNER, idempotency_key="same")
    again = await provider.create(declared(), OWNER, idempotency_key="same")
    assert again == first
    assert await provider.list() == (first,)


async def one_idempotency_key_for_another_webhook_is_rejected(provider: Provider) -> None:
    await provider.create(declared(), OWNER, idempotency_key="same")
    with pytest.raises(Rejected):
        await provider.create(declared("Other", key="other"), OWNER, idempotency_key="same")
    assert len(await provider.list()) == 1


async def an_idempotency_key_whose_webhook_is_gone_is_a_conflict(provider: Provider) -> None:
    await provider.delete(await provider.create(declared(), OWNER, idempotency_key="same"))
    with pytest.raises(Conflict):
        await provider.create(declared(), OWNER, idempotency_key="same")
    assert await provider.list() == ()


async def a_name_is_taken_once_in_any_normal_form(provider: Provider) -> None:
    await make(provider, "Caf\u00e9")
    other = await make(provider, "Other", "other")
    with pytest.raises(Conflict) as created:
        await make(provider, "Cafe\u0301", "second")
    with pytest.raises(Conflict) as renamed:
        await provider.update(other, declared("Cafe\u0301", key="other"), OWNER)
    assert created.value.fields == renamed.value.fields == ("name",)
    assert created.value.problem == renamed.value.problem == "name-taken"


async def an_update_makes_every_field_as_declared(provider: Provider) -> None:
    live = await make(provider, auth=bearer())
    wanted = declared(
        "Renamed",
        key="renamed",
        url="https://other.example.com/hook",
        description="d",
        enabled=False,
        auth=AUTHS[2],
        protected=True,
    )
    wanted = replace(
        wanted,
        spec=replace(wanted.spec, subscriptions=frozenset({OTHER_EVENT})),
        sources=("a.yaml", "b.yaml"),
    )
    after = await provider.update(live, wanted, Owner("payments", "next"))
    assert after.id == live.id
    assert after.revision != live.revision
    assert is_as_declared(after, wanted, OWNER)
    assert after.managed_by == ManagedBy("payments", "renamed", ("a.yaml", "b.yaml"), "next")
    assert await provider.list() == (after,)


async def an_update_that_changes_nothing_keeps_the_revision(provider: Provider) -> None:
    live = await make(provider)
    assert await provider.update(live, declared(), OWNER) == live


async def a_withheld_credential_is_kept_by_an_update(provider: Provider) -> None:
    live = await make(provider, auth=bearer(version="7"))
    wanted = declared(description="new", auth=live.spec.auth)
    after = await provider.update(live, wanted, OWNER)
    assert after.spec.auth == live.spec.auth


async def a_withheld_credential_goes_nowhere_else(provider: Provider) -> None:
    live = await make(provider, auth=bearer())
    moved = declared(url="https://thief.example.com/", auth=live.spec.auth)
    with pytest.raises(Rejected):
        await provider.update(live, moved, OWNER)
    with pytest.raises(Rejected):
        await provider.test(moved.spec, live, EVENT)
    assert await provider.list() == (live,)


async def a_new_credential_version_is_stored(provider: Provider) -> None:
    live = await make(provider, auth=bearer(version="1"))
    after = await provider.update(live, declared(auth=bearer("another-secret", "2")), OWNER)
    assert after.spec.auth == provider.normalize(declared(auth=bearer(version="2")).spec).auth
    assert after.revision != live.revision


async def an_update_of_a_moved_webhook_is_a_conflict_with_its_fields(provider: Provider) -> None:
    planned = await make(provider)
    theirs = await provider.update(planned, declared(description="theirs", protected=True), OWNER)
    with pytest.raises(Conflict) as caught:
        await provider.update(planned, declared(description="ours"), OWNER)
    assert caught.value.fields == ("description", "protected")
    assert await provider.list() == (theirs,)


async def a_delete_of_a_moved_webhook_is_a_conflict_with_its_fields(provider: Provider) -> None:
    planned = await make(provider)
    theirs = await provider.update(planned, declared(url="https://new.example.com/"), OWNER)
    with pytest.raises(Conflict) as caught:
        await provider.delete(planned)
    assert caught.value.fields == ("url",)
    assert await provider.list() == (theirs,)


async def an_update_of_what_is_gone_is_a_conflict(provider: Provider) -> None:
    live = await make(provider)
    await provider.delete(live)
    with pytest.raises(Conflict, match="deleted since it was planned"):
        await provider.update(live, declared(), OWNER)
    assert await provider.list() == ()


async def deleting_what_is_gone_counts_as_deleted(provider: Provider) -> None:
    live = await make(provider)
    await provider.delete(live)
    await provider.delete(live)
    assert await provider.list() == ()


async def a_protected_webhook_is_deleted_only_after_a_change_of_its_own(provider: Provider) -> None:
    live = await make(provider, protected=True)
    with pytest.raises(Conflict) as caught:
        await provider.delete(live)
    assert caught.value.problem == "protected"
    await provider.delete(await provider.update(live, declared(protected=False), OWNER))
    assert await provider.list() == ()


async def a_freed_name_can_be_taken(provider: Provider) -> None:
    live = await make(provider)
    await provider.update(live, declared("Renamed"), OWNER)
    await make(provider, "Pager", "second")
    assert sorted(item.spec.name for item in await provider.list()) == ["Pager", "Renamed"]


async def many_webhooks_are_listed_each_once(provider: Provider) -> None:
    made = [await make(provider, f"Hook {number}", f"hook-{number}") for number in range(23)]
    found = await provider.list()
    assert sorted(found, key=lambda live: live.id) == sorted(made, key=lambda live: live.id)


async def a_test_says_what_became_of_one_delivery(provider: Provider) -> None:
    live = await make(provider, auth=bearer(), enabled=False)
    for spec, known in ((declared(url=URL, auth=bearer()).spec, None), (live.spec, live)):
        delivery = await provider.test(spec, known, EVENT)
        assert (delivery.webhook, delivery.event) == ("Pager", EVENT)
        assert delivery.verdict in Verdict
        assert delivery.seconds >= 0
    assert await provider.list() == (live,)


async def a_withheld_credential_alone_cannot_be_tested(provider: Provider) -> None:
    with pytest.raises(Rejected):
        await provider.test(
            replace(declared().spec, auth=bearer().__class__(Withheld("1"))), None, EVENT
        )


async def the_repository_of_a_mark_is_kept_where_ours_is_unknown(provider: Provider) -> None:
    ours, other = "forge.example/acme/webhooks", "forge.example/acme/moved"
    known = replace(OWNER, repository=ours)
    wanted = declared("Pager", key="pager")
    made = await provider.create(wanted, known, idempotency_key="make-known")
    after = await provider.update(made, replace(wanted, sources=("b.yaml",)), OWNER)
    moved = await provider.update(after, wanted, replace(OWNER, repository=other))
    handed = await provider.update(moved, wanted, Owner("search"))
    found = [
        item.managed_by.repository if item.managed_by is not None else ""
        for item in (made, after, moved, handed)
    ]
    assert found == [ours, ours, other, None]
    assert is_as_declared(moved, wanted, OWNER)
    assert not is_as_declared(moved, wanted, known)


CHECKS: Final = (
    empty_lists_nothing,
    a_created_webhook_is_listed_as_it_was_answered,
    what_normalize_says_is_what_the_tenant_answers,
    open_fields_are_filled_on_create_and_left_on_update,
    one_idempotency_key_makes_one_webhook,
    one_idempotency_key_for_another_webhook_is_rejected,
    an_idempotency_key_whose_webhook_is_gone_is_a_conflict,
    a_name_is_taken_once_in_any_normal_form,
    an_update_makes_every_field_as_declared,
    the_repository_of_a_mark_is_kept_where_ours_is_unknown,
    an_update_that_changes_nothing_keeps_the_revision,
    a_withheld_credential_is_kept_by_an_update,
    a_withheld_credential_goes_nowhere_else,
    a_new_credential_version_is_stored,
    an_update_of_a_moved_webhook_is_a_conflict_with_its_fields,
    a_delete_of_a_moved_webhook_is_a_conflict_with_its_fields,
    an_update_of_what_is_gone_is_a_conflict,
    deleting_what_is_gone_counts_as_deleted,
    a_protected_webhook_is_deleted_only_after_a_change_of_its_own,
    a_freed_name_can_be_taken,
    many_webhooks_are_listed_each_once,
    a_test_says_what_became_of_one_delivery,
    a_withheld_credential_alone_cannot_be_tested,
)
