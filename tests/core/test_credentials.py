"""docs/security.md: what of a secret is compared, what is sent again, what never is."""

from __future__ import annotations

import json

import pytest

from reconciler.core.change import Change
from reconciler.core.model.auth import ApiKeyAuth, BasicAuth, get_credential
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Declared
from reconciler.core.wire import webhooks as codec
from tests.support.builders import (
    FAILED,
    OWNER,
    STARTED,
    URL,
    VALUE,
    basic,
    bearer,
    declared,
    live,
    only,
    paths,
    plan_of,
    policy,
    secret,
    withheld_bearer,
)


def get_sent_credential(change: Change) -> object:
    """The credential that carrying out would send; Withheld when it stays as it is."""
    assert change.declared is not None
    return get_credential(change.declared.spec.auth)


def test_section_6_an_unresolved_url_is_a_warning_and_not_compared() -> None:
    plan = plan_of([declared("a", url=secret(None, reference="fromEnv: URL"))], [live("a")])
    assert plan.pending == ()
    assert plan.warnings == ("a: url was not compared: fromEnv: URL does not resolve",)


@pytest.mark.parametrize(
    "there", [live("a", auth=withheld_bearer()), live("a", auth=withheld_bearer("7"))]
)
def test_section_6_an_unresolved_credential_is_a_warning_and_not_compared(there: object) -> None:
    plan = plan_of([declared("a", auth=bearer(value=None))], [there])  # type: ignore[list-item]  # a Live
    assert plan.pending == ()
    assert plan.warnings == ("a: credential not compared: fromEnv: TOKEN does not resolve",)


def test_section_6_an_unresolved_user_name_is_a_warning_and_not_compared() -> None:
    wanted = declared("a", auth=basic(Secret(None, "fromEnv: USER")))
    plan = plan_of([wanted], [live("a", auth=BasicAuth(Secret("bob"), Withheld("1")))])
    assert plan.pending == ()
    assert plan.warnings == ("a: auth.username was not compared: fromEnv: USER does not resolve",)


def test_section_6_everything_unresolved_can_be_planned_for_a_create() -> None:
    user = Secret(None, "fromEnv: USER")
    wanted = declared("a", url=secret(None), auth=BasicAuth(user, secret(None)))
    assert only(plan_of([wanted], [])).action == "create"


def test_section_6_equal_versions_are_equal_and_another_sends_the_credential() -> None:
    assert (
        plan_of([declared("a", auth=bearer("2"))], [live("a", auth=withheld_bearer("2"))]).pending
        == ()
    )
    change = only(
        plan_of([declared("a", auth=bearer("2"))], [live("a", auth=withheld_bearer("1"))])
    )
    [field] = change.fields
    assert (field.dotted, field.secret, field.before, field.after) == (
        "auth.token",
        True,
        "version 1",
        "version 2",
    )
    assert get_sent_credential(change) == VALUE
    assert (
        get_sent_credential(
            only(plan_of([declared("a", auth=bearer("2"))], [live("a", auth=withheld_bearer())]))
        )
        == VALUE
    )


def test_section_6_without_a_version_the_live_one_is_taken_as_equal_and_the_plan_says_so_once() -> (
    None
):
    wanted = [declared("a", auth=bearer()), declared("b", auth=bearer())]
    plan = plan_of(
        wanted, [live("a", auth=withheld_bearer("1")), live("b", auth=withheld_bearer())]
    )
    assert plan.pending == ()
    [warning] = plan.warnings
    assert "credential not compared" in warning


def test_section_6_resend_credentials_sends_what_cannot_be_compared() -> None:
    change = only(
        plan_of(
            [declared("a", auth=bearer())],
            [live("a", auth=withheld_bearer("1"))],
            policy(resend_credentials=True),
        )
    )
    assert get_sent_credential(change) == VALUE
    assert paths(change) == ["auth.token"]


API_KEY = ApiKeyAuth("X-Key", secret(version="1"))


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        (declared("a", auth=bearer("1"), url=URL + "/2"), live("a", auth=withheld_bearer("1"))),
        (declared("a", auth=bearer("1")), live("a")),
        (declared("a", auth=bearer("1")), live("a", auth=ApiKeyAuth("X-Key", Withheld("1")))),
        (declared("a", auth=API_KEY), live("a", auth=ApiKeyAuth("X-Other", Withheld("1")))),
        (
            declared("a", auth=basic("bob")),
            live("a", auth=BasicAuth(Secret("alice"), Withheld("1"))),
        ),
    ],
)
def test_section_6_a_change_of_url_type_or_header_sends_the_credential_again_and_says_so(
    wanted: Declared, there: object
) -> None:
    change = only(plan_of([wanted], [there]))  # type: ignore[list-item]  # a Live
    assert get_sent_credential(change) == VALUE
    assert any(field.secret for field in change.fields)


def test_section_6_a_change_of_url_without_a_version_sends_it_again_too() -> None:
    change = only(
        plan_of([declared("a", auth=bearer(), url=URL + "/2")], [live("a", auth=withheld_bearer())])
    )
    assert get_sent_credential(change) == VALUE
    assert [field.after for field in change.fields if field.secret] == ["no version, sent again"]


def test_section_6_other_fields_leave_the_stored_credential_alone() -> None:
    change = only(
        plan_of(
            [declared("a", auth=bearer("1"), description="x")],
            [live("a", auth=withheld_bearer("1"))],
        )
    )
    assert get_sent_credential(change) == Withheld("1")
    assert change.live is not None
    assert change.declared is not None
    assert set(codec.make_patch_body(change.live, change.declared, OWNER)) == {
        "description",
        "managed_by",
    }


def test_section_6_a_header_in_another_case_is_the_same_header() -> None:
    assert (
        plan_of(
            [declared("a", auth=API_KEY)], [live("a", auth=ApiKeyAuth("x-key", Withheld("1")))]
        ).pending
        == ()
    )


def test_a_header_is_shown_as_the_manifest_writes_it() -> None:
    created = only(plan_of([declared("a", auth=API_KEY)], []))
    moved = only(
        plan_of(
            [declared("a", auth=API_KEY)], [live("a", auth=ApiKeyAuth("X-Other", Withheld("1")))]
        )
    )
    shown = [
        (field.before, field.after)
        for change in (created, moved)
        for field in change.fields
        if field.dotted == "auth.header"
    ]
    assert shown == [(None, "X-Key"), ("X-Other", "X-Key")]


def test_section_6_taking_the_credential_away_is_a_change() -> None:
    change = only(plan_of([declared("a")], [live("a", auth=withheld_bearer("1"))]))
    assert paths(change) == ["auth.token", "auth.type"]
    assert get_sent_credential(change) is None


def answer(**auth: object) -> dict[str, object]:
    return {
        "id": "wh-a",
        "revision": "r1",
        "name": "a",
        "url": URL,
        "description": "",
        "enabled": True,
        "auth": auth,
        "events": codec.events_to_wire(frozenset({STARTED})),
        "protected": False,
        "invocations": None,
        "managed_by": {
            "owner": "payments",
            "key": "a",
            "sources": ["webhooks/payments.yaml"],
            "revision": None,
        },
    }


@pytest.mark.parametrize("mask", ["*****", "***", "••••••••"])
def test_section_6_a_mask_is_never_compared(mask: str) -> None:
    masked = codec.live_from_wire(answer(type="basic", username=mask, credential_version="1"))
    plan = plan_of([declared("a", auth=basic("bob"))], [masked])
    assert plan.pending == ()
    assert plan.warnings == ("a: auth.username was not compared: the tenant masks it",)
    hidden = codec.live_from_wire({**answer(type="none"), "url": mask})
    assert plan_of([declared("a")], [hidden]).pending == ()


@pytest.mark.parametrize("mask", ["*****", "••••••••"])
def test_section_6_a_mask_is_never_sent(mask: str) -> None:
    masked = codec.live_from_wire(
        {**answer(type="basic", username=mask, credential_version=mask), "url": mask}
    )
    change = only(plan_of([declared("a", auth=basic("bob", "2"), events=[FAILED])], [masked]))
    assert change.declared is not None
    body = codec.make_patch_body(masked, change.declared, OWNER)
    assert mask not in json.dumps(body, ensure_ascii=False)
    assert body["auth"] == {
        "type": "basic",
        "username": "bob",
        "password": VALUE,
        "credential_version": "2",
    }


def test_section_6_a_masked_field_is_sent_and_tested_as_declared() -> None:
    masked = codec.live_from_wire({**answer(type="none"), "url": "*****"})
    change = only(plan_of([declared("a", description="x")], [masked]))
    assert paths(change) == ["description"]
    assert change.declared is not None
    assert codec.make_patch_body(masked, change.declared, OWNER)["url"] == URL
    assert codec.make_test_body(change.declared.spec, masked, STARTED)["webhook"]["url"] == URL


def test_section_6_a_tenant_returns_no_credential_but_its_version() -> None:
    found = codec.live_from_wire(answer(type="bearer", token=VALUE, credential_version="3"))
    assert found.spec.auth == withheld_bearer("3")
    assert VALUE not in repr(found)
