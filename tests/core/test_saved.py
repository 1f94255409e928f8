"""A saved plan as a value: it comes back as it was, holds no secret, and is worked out again when
it is carried out.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.change import Label, Plan
from reconciler.core.errors import InvalidPlanFile, StalePlan
from reconciler.core.model.auth import ApiKeyAuth, Auth, BasicAuth, BearerAuth
from reconciler.core.model.secret import Secret, hidden_url
from reconciler.core.model.webhook import Declared, Live
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.saved.plan_file import Saved, additions, opened, sealed
from reconciler.core.saved.plan_reading import saved
from reconciler.core.saved.resume import resume
from reconciler.render import document, markdown, text
from tests.support.builders import (
    FAILED,
    HEALTHY,
    STARTED,
    as_stored,
    declared,
    live,
    plan_of,
    policy,
    secret,
)

KEY = Secret("a key of the run", "RECONCILER_FINGERPRINT_KEY")
# Marked, so that what is found is the secret, not a word of the format that hypothesis knows to
# try.
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60).map(
    "S3~".__add__
)


def written(plan: Plan, allowed: RunPolicy) -> str:
    body = {**document.plan_document(plan), **additions(plan, allowed, "1.2.3")}
    return document.to_json(sealed(body, plan.fingerprint_key))


def read(file: str, key: Secret | None = None) -> Saved:
    return saved(opened(json.loads(file), key, apply=True))


def auths(value: str) -> list[Auth]:
    hidden = secret(value, "1")
    return [
        BearerAuth(hidden),
        ApiKeyAuth("X-Key", hidden),
        BasicAuth("alice", hidden),
        BasicAuth(secret(value), hidden),
    ]


def state(value: str) -> tuple[list[Declared], list[Live]]:
    """Of every authentication one to create, one to update, one to delete; urls that hold the value
    too.
    """
    url = hidden_url(f"https://hooks.example.com/{value.replace('#', 'x')}", "fromEnv: URL")
    wanted = [
        declared(f"w{number}", url=url, auth=auth) for number, auth in enumerate(auths(value))
    ]
    held = [
        as_stored(declared(f"u{number}", url=url, auth=auth))
        for number, auth in enumerate(auths(value))
    ]
    gone = [
        as_stored(declared(f"d{number}", url=url, auth=auth))
        for number, auth in enumerate(auths(value))
    ]
    updated = [
        declared(f"u{number}", url=url, auth=auth, description="new")
        for number, auth in enumerate(auths(value))
    ]
    return wanted + updated, held + gone


@pytest.mark.parametrize("key", [None, KEY])
@given(value=VALUES)
@settings(deadline=None)
def test_no_secret_value_is_in_a_plan_file_and_what_it_says_comes_back(
    key: Secret | None, value: str
) -> None:
    wanted, held = state(value)
    plan = plan_of(wanted, held, fingerprint_key=key)

    file = written(plan, policy())
    back = read(file, key)

    assert value not in file
    assert json.dumps(value)[1:-1] not in file
    assert value not in repr(back)
    assert document.plan_document(back.plan) == document.plan_document(plan)
    assert text.plan_text(back.plan) == text.plan_text(plan)
    assert markdown.plan_markdown(back.plan) == markdown.plan_markdown(plan)
    again = resume(
        back,
        held,
        {change.key: change.declared for change in plan.pending if change.declared},
        policy(),
        key,
    )
    assert again.digest == plan.digest
    assert again.violations == plan.violations


def resumed(plan: Plan, held: list[Live], allowed: RunPolicy | None = None) -> Plan:
    wanted = {
        item.key: item for item in (change.declared for change in plan.pending) if item is not None
    }
    return resume(read(written(plan, allowed or policy())), held, wanted, allowed or policy(), None)


def test_what_the_plan_does_not_touch_may_move() -> None:
    plan = plan_of([declared("a", description="new"), declared("b")], [live("a"), live("b")])
    assert (
        resumed(plan, [live("a"), replace(live("b"), revision="rev-9"), live("c")]).digest
        == plan.digest
    )


def test_a_revision_that_moved_is_stale_even_where_no_field_that_is_known_did() -> None:
    plan = plan_of([declared("a", description="new")], [live("a")])
    with pytest.raises(StalePlan, match="a: it changed in what cannot be compared: url"):
        resumed(plan, [live("a", revision="rev-2")])


def test_a_name_that_was_taken_meanwhile_is_stale() -> None:
    plan = plan_of([declared("a")], [])
    with pytest.raises(StalePlan, match="a: its name is taken meanwhile"):
        resumed(plan, [live("z", name="a", owner="somebody")])


def test_guards_are_checked_again_on_what_the_tenant_tells_now() -> None:
    held = live("gone")
    plan = plan_of([declared("a")], [held, live("a")])
    used = replace(held, use=replace(held.use, succeeded=3))
    assert [found.rule for found in resumed(plan, [used, live("a")]).violations] == ["in-use"]


@pytest.mark.parametrize(
    "field",
    ["tenant", "summary", "changes", "violations", "warnings", "digest", "program", "apply"],
)
@pytest.mark.parametrize("value", [None, 7, "x", [], {}, [[]], {"changes": 1}])
def test_a_file_of_another_shape_is_refused_even_with_a_right_checksum(
    field: str, value: object
) -> None:
    plan = plan_of([declared("a")], [live("b")])
    body = {**document.plan_document(plan), **additions(plan, policy(), "1"), field: value}
    if (field in {"digest", "program"} and isinstance(value, str)) or (
        field in {"violations", "warnings"} and value == []
    ):
        return
    with pytest.raises(InvalidPlanFile):
        saved(opened(sealed(body, None), None, apply=True))


def test_labels_of_who_moved_come_back_and_do_not_count_as_moved() -> None:
    held = live("a", description="by hand", events=[FAILED])
    plan = plan_of([declared("a", description="new", events=[STARTED, HEALTHY])], [held])
    [change] = plan.pending
    fields = tuple(
        replace(
            field,
            label=Label.BOTH,
            base=frozenset({STARTED, FAILED}) if field.path == ("events",) else "old",
        )
        for field in change.fields
    )
    labelled = replace(
        plan,
        stages=((replace(change, fields=fields, label=Label.BOTH),),),
        since=("main", "4" * 40),
    )

    back = read(written(labelled, policy())).plan

    assert document.plan_document(back) == document.plan_document(labelled)
    assert text.plan_text(back) == text.plan_text(labelled)
    assert markdown.plan_markdown(back) == markdown.plan_markdown(labelled)
    assert resumed(labelled, [held]).digest == labelled.digest
