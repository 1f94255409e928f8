"""TenantProvider against tenants that lose answers, restart, move under it, or list nonsense; real
sockets throughout.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from reconciler.core.errors import BadAnswer, Conflict, Rejected, Unreachable
from reconciler.core.model.auth import ApiKeyAuth, BearerAuth, NoAuth
from reconciler.core.model.secret import Withheld
from reconciler.core.model.webhook import Live
from reconciler.core.results.reports import Verdict
from reconciler.providers.tenant.provider import TenantProvider
from tests.providers.builders import (
    CREDENTIAL,
    EVENT,
    OWNER,
    URL,
    Asked,
    Reply,
    Sleeps,
    bearer,
    client,
    declared,
    problem,
    reply,
    serving,
    webhook,
)
from tests.providers.small_tenant import SmallTenant, losing
from tests.providers.telling import OURS, holding, listing, using


def test_normalize_gives_the_name_in_nfc_and_the_credential_as_its_version() -> None:
    async def story(provider: TenantProvider) -> None:
        spec = declared("Cafe\u0301", auth=bearer(version="7")).spec
        after = provider.normalize(spec)
        assert (after.name, after.url, after.enabled) == ("Caf\u00e9", URL, None)
        assert after.auth == BearerAuth(Withheld("7"))
        assert provider.normalize(after) == after
        assert provider.normalize(replace(spec, auth=NoAuth())).auth == NoAuth()

    using(SmallTenant(), story)


@pytest.mark.parametrize("keeps_keys", [True, False])
def test_a_create_whose_answer_was_lost_leaves_one_webhook(keeps_keys: bool) -> None:
    """docs/plan-rules.md, rule 11: by its idempotency key, else by a look at the name."""
    tenant = SmallTenant(losing("POST"), keeps_keys=keeps_keys)
    wanted = declared("Cafe\u0301", auth=bearer())
    live, asked = using(
        tenant, lambda provider: provider.create(wanted, OWNER, idempotency_key="k1")
    )
    assert list(tenant.stored) == [live.id]
    assert live.spec.name == "Caf\u00e9"
    posts = [item for item in asked if item.method == "POST"]
    assert [item.headers["idempotency-key"] for item in posts] == ["k1", "k1"]


def test_a_name_that_a_stranger_has_is_a_conflict_even_after_a_lost_answer() -> None:
    stranger = webhook(1, name="Pager", managed_by={**OURS, "owner": "other"})
    tenant = holding(stranger, fault=losing("POST"))
    with pytest.raises(Conflict, match="name-taken") as caught:
        using(tenant, lambda provider: provider.create(declared(), OWNER, idempotency_key="k1"))
    assert caught.value.fields == ("name",)
    assert list(tenant.stored.values()) == [stranger]


def test_a_name_taken_at_the_first_try_is_a_conflict_without_a_look() -> None:
    tenant = holding(webhook(1, name="Pager", managed_by=OURS, url=URL))
    seen: list[Asked] = []

    def answer(asked: Asked) -> Reply | None:
        seen.append(asked)
        return tenant(asked)

    with pytest.raises(Conflict):
        using(answer, lambda provider: provider.create(declared(), OWNER, idempotency_key="k1"))
    assert [item.method for item in seen] == ["POST"]


def planned(tenant: SmallTenant) -> Live:
    """What a plan saw of the only webhook."""
    (live,) = listing(tenant)[0]
    return live


def test_an_update_whose_answer_was_lost_is_an_update() -> None:
    """docs/plan-rules.md, rule 10: a 412 after a retry is looked at before it counts as a
    conflict.
    """
    tenant = holding(webhook(1, name="Pager", managed_by=OURS))
    live = planned(tenant)
    tenant.fault = losing("PATCH")
    after, asked = using(
        tenant, lambda provider: provider.update(live, declared(description="new"), OWNER)
    )
    assert after.spec.description == "new"
    assert tenant.writes == 1
    assert [item.method for item in asked] == ["PATCH", "PATCH", "GET"]


def test_an_update_sends_what_differs_and_our_mark_under_the_planned_revision() -> None:
    tenant = holding(webhook(1, name="Pager", managed_by=OURS))
    live = planned(tenant)
    _, asked = using(
        tenant,
        lambda provider: provider.update(live, declared(description="new", enabled=False), OWNER),
    )
    assert asked[0].headers["if-match"] == '"r1"'
    assert asked[0].headers["content-type"] == "application/merge-patch+json"
    assert sorted(asked[0].body) == ["description", "enabled", "events", "managed_by"]
    assert asked[0].body["managed_by"] == {**OURS, "revision": OWNER.revision}


def test_a_header_name_in_another_case_is_no_change_of_the_authentication() -> None:
    tenant = holding(
        webhook(
            1,
            name="Pager",
            auth={"type": "apiKey", "header": "X-Api-Key", "credential_version": "1"},
        )
    )
    live = planned(tenant)
    wanted = declared(description="new", auth=ApiKeyAuth("x-api-key", Withheld("1")))
    _, asked = using(tenant, lambda provider: provider.update(live, wanted, OWNER))
    assert "auth" not in asked[0].body


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"description": "theirs"}, ("description",)),
        ({"url": "https://other.example.com/x", "protected": True}, ("url", "protected")),
        (
            {"managed_by": None, "events": [{"type": "a", "version": "v0", "severity": "info"}]},
            ("events", "managed_by"),
        ),
        ({}, ()),
    ],
)
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_a_webhook_that_changed_since_the_plan_is_a_conflict_with_its_fields_and_is_not_overwritten(
    change: dict[str, Any], fields: tuple[str, ...], lost: bool, verb: str
) -> None:
    tenant = holding(webhook(1, name="Pager", managed_by=OURS))
    live = planned(tenant)
    theirs = {**tenant.stored["wh-1"], **change, "revision": "theirs"}
    tenant.stored["wh-1"] = theirs
    if lost:
        tenant.fault = losing("PATCH" if verb == "update" else "DELETE")

    async def story(provider: TenantProvider) -> None:
        if verb == "update":
            await provider.update(live, declared(description="ours"), OWNER)
        else:
            await provider.delete(live)

    with pytest.raises(Conflict) as caught:
        using(tenant, story)
    assert caught.value.fields == fields
    assert tenant.stored["wh-1"] == theirs


def test_an_equal_change_by_somebody_else_is_still_a_conflict_when_no_answer_was_lost() -> None:
    tenant = holding(webhook(1, name="Pager", managed_by=OURS))
    live = planned(tenant)
    event = [{"type": EVENT.type, "version": "v0", "severity": "info"}]
    tenant.stored["wh-1"] = {
        **tenant.stored["wh-1"],
        "description": "ours",
        "events": event,
        "revision": "theirs",
    }
    with pytest.raises(Conflict) as caught:
        using(tenant, lambda provider: provider.update(live, declared(description="ours"), OWNER))
    assert caught.value.fields == ("description", "events")


def test_a_webhook_deleted_since_the_plan_is_a_conflict_for_an_update_and_deleted_for_a_delete() -> (
    None
):
    tenant = holding(webhook(1, name="Pager", managed_by=OURS))
    live = planned(tenant)
    tenant.stored.clear()
    with pytest.raises(Conflict, match="deleted since it was planned"):
        using(tenant, lambda provider: provider.update(live, declared(), OWNER))
    assert using(tenant, lambda provider: provider.delete(live))[0] is None


def test_a_delete_whose_answer_was_lost_is_deleted() -> None:
    """docs/plan-rules.md, rule 11."""
    tenant = holding(webhook(1), fault=losing("DELETE"))
    live = planned(tenant)
    _, asked = using(tenant, lambda provider: provider.delete(live))
    assert tenant.stored == {}
    assert [item.method for item in asked] == ["DELETE", "DELETE"]


def test_a_delete_is_believed_only_from_a_204_or_a_problem_document() -> None:
    live = planned(holding(webhook(1)))
    for given in (reply({}), Reply(404, b"<html>", media="text/html")):
        with pytest.raises(BadAnswer):
            using(lambda _asked, given=given: given, lambda provider: provider.delete(live))


def test_a_protected_webhook_is_a_conflict_that_says_what_to_do() -> None:
    tenant = holding(webhook(1, protected=True))
    live = planned(tenant)
    with pytest.raises(Conflict, match="lift the protection first") as caught:
        using(tenant, lambda provider: provider.delete(live))
    assert caught.value.problem == "protected"
    assert list(tenant.stored) == ["wh-1"]


def test_a_tenant_that_restarts_in_mid_run_costs_no_webhook_and_makes_none_twice() -> None:
    async def run() -> SmallTenant:
        tenant = SmallTenant(losing("POST"))
        async with AsyncExitStack() as later:
            first = AsyncExitStack()
            server = await first.enter_async_context(serving(tenant))

            class Restarting(Sleeps):
                async def sleep(self, seconds: float) -> None:
                    await super().sleep(seconds)
                    if len(self) == 3:  # it stays away for a while
                        await later.enter_async_context(
                            serving(tenant, urlsplit(server.url).port or 0)
                        )

            async with client(server.url, Restarting()) as http:
                provider = TenantProvider(http)
                for number in range(10):
                    if number == 5:
                        await first.aclose()
                    await provider.create(
                        declared(f"Hook {number}", key=f"hook-{number}"),
                        OWNER,
                        idempotency_key=f"k{number}",
                    )
        return tenant

    tenant = asyncio.run(run())
    assert sorted(item["name"] for item in tenant.stored.values()) == [
        f"Hook {number}" for number in range(10)
    ]


def test_a_tenant_that_stays_away_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="after 6 tries"):
        using(
            lambda _asked: None,
            lambda provider: provider.create(declared(), OWNER, idempotency_key="k"),
        )


def test_a_test_sends_the_declared_details_and_the_id_where_the_stored_secret_is_to_be_used() -> (
    None
):
    tenant = holding(webhook(1, name="Pager", auth={"type": "bearer", "credential_version": "1"}))
    live = planned(tenant)
    given, asked = using(
        tenant,
        lambda provider: provider.test(
            provider.normalize(declared(auth=bearer()).spec), live, EVENT
        ),
    )
    assert (given.webhook, given.verdict, given.status_code, given.event) == (
        "Pager",
        Verdict.DELIVERED,
        200,
        EVENT,
    )
    assert asked[0].body["id"] == "wh-1"
    assert "token" not in asked[0].body["webhook"]["auth"]
    _, asked = using(
        tenant, lambda provider: provider.test(declared(auth=bearer()).spec, None, EVENT)
    )
    assert asked[0].body["webhook"]["auth"]["token"] == CREDENTIAL
    assert "id" not in asked[0].body


def test_a_tests_detail_is_cleaned_and_left_out_where_it_repeats_the_credential() -> None:
    def answering(detail: object) -> Reply:
        return reply(
            {
                "event": "x",
                "verdict": "rejected",
                "status_code": 400,
                "detail": detail,
                "seconds": 0.1,
            }
        )

    spec = declared(auth=bearer()).spec
    for detail, shown in (
        ("sent\x1b[1m \u202eus", "sent [1m us"),
        (f"got {CREDENTIAL}", None),
        (None, None),
        (URL, None),
    ):
        given, _ = using(
            lambda _asked, detail=detail: answering(detail),
            lambda provider: provider.test(spec, None, EVENT),
        )
        assert given.detail == shown


def test_a_test_waits_out_a_429() -> None:
    sleeps = Sleeps()
    given = [problem(429, "rate", retry_after="9")] * 8

    def answer(asked: Asked) -> Reply | None:
        return given.pop() if given else SmallTenant()(asked)

    async def run() -> None:
        async with serving(answer) as server, client(server.url, sleeps) as http:
            assert (
                await TenantProvider(http).test(declared().spec, None, EVENT)
            ).verdict is Verdict.DELIVERED

    asyncio.run(run())
    assert sleeps == [9.0] * 8


@pytest.mark.parametrize(
    "wrong",
    [{"verdict": "great"}, {"status_code": True}, {"seconds": -1}, {"seconds": "1"}, {"detail": 7}],
)
def test_a_delivery_of_another_shape_is_a_bad_answer(wrong: dict[str, object]) -> None:
    body = {
        "event": "x",
        "verdict": "delivered",
        "status_code": 200,
        "detail": None,
        "seconds": 0.1,
        **wrong,
    }
    with pytest.raises(BadAnswer, match=f"wrong shape at /{next(iter(wrong))}"):
        using(
            lambda _asked: reply(body), lambda provider: provider.test(declared().spec, None, EVENT)
        )


def test_a_rejected_create_says_the_field_and_nothing_that_was_sent() -> None:
    def refuse(asked: Asked) -> Reply:
        return problem(
            422, "invalid", f"not good: {json.dumps(asked.body)}", ("/auth/token", "/url")
        )

    with pytest.raises(Rejected) as caught:
        using(
            refuse,
            lambda provider: provider.create(declared(auth=bearer()), OWNER, idempotency_key="k"),
        )
    assert caught.value.fields == ("/auth/token", "/url")
    assert CREDENTIAL not in str(caught.value)
    assert URL not in str(caught.value)
