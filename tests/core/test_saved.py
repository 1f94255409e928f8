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
from reconciler.core.safety.run_policy import Limits, RunPolicy, Scope
from reconciler.core.saved.plan_file import sealed
from reconciler.core.saved.resume import resume
from reconciler.rendering import document, markdown, text
from tests.support.builders import (
    FAILED,
    HEALTHY,
    STARTED,
    URL,
    as_stored,
    declared,
    live,
    normalize,
    plan_of,
    policy,
    secret,
)
from tests.support.saved_plans import body_of, format_plan, list_touched, read

KEY = Secret("a key of the run", "RECONCILER_FINGERPRINT_KEY")
# Marked, so that what is found is the secret, not a word of the format that hypothesis knows to
# try.
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60).map(
    "S3~".__add__
)


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

    file = format_plan(plan, policy(), wanted)
    back = read(file, key)

    assert value not in file
    assert json.dumps(value)[1:-1] not in file
    assert value not in repr(back)
    assert document.plan_document(back.shown) == document.plan_document(plan)
    assert text.plan_text(back.shown) == text.plan_text(plan)
    assert markdown.plan_markdown(back.shown) == markdown.plan_markdown(plan)
    again = resume(
        back,
        held,
        list_touched(plan, wanted),
        policy(),
        normalize=normalize,
        fingerprint_key=key,
    )
    assert again.digest == plan.digest
    assert again.violations == plan.violations


def resumed(
    plan: Plan, wanted: list[Declared], held: list[Live], allowed: RunPolicy | None = None
) -> Plan:
    allowed = allowed or policy()
    return resume(
        read(format_plan(plan, allowed, wanted)),
        held,
        list_touched(plan, wanted),
        allowed,
        normalize=normalize,
        fingerprint_key=None,
    )


def test_the_policy_of_the_run_comes_back() -> None:
    allowed = policy(
        scope=Scope((".", "../more"), ("a.yaml",), frozenset({"a"}), "webhooks"),
        repository="forge.example/acme/webhooks",
        ownership="all",
        prune=False,
        adopt=True,
        resend_credentials=True,
        accept_in_use=True,
        limits=Limits(0.1, 0.2, 3, 4, 5),
        literal_urls=frozenset({URL}),
        moved_from=frozenset({"forge.example/acme/hooks"}),
    )
    wanted = [declared("a")]
    assert read(format_plan(plan_of(wanted, [], allowed), allowed, wanted)).policy == allowed


def test_what_the_plan_does_not_touch_may_move() -> None:
    wanted = [declared("a", description="new"), declared("b")]
    plan = plan_of(wanted, [live("a"), live("b")])
    now = [live("a"), replace(live("b"), revision="rev-9"), live("c")]
    assert resumed(plan, wanted, now).digest == plan.digest


def test_a_revision_that_moved_is_stale_even_where_no_field_that_is_known_did() -> None:
    wanted = [declared("a", description="new")]
    plan = plan_of(wanted, [live("a")])
    with pytest.raises(StalePlan, match="a: it changed in what cannot be compared: url"):
        resumed(plan, wanted, [live("a", revision="rev-2")])


def test_a_name_that_was_taken_since_the_plan_is_stale() -> None:
    wanted = [declared("a")]
    plan = plan_of(wanted, [])
    with pytest.raises(StalePlan, match="a: its name was taken since it was planned"):
        resumed(plan, wanted, [live("z", name="a", owner="somebody")])


def test_guards_are_checked_again_on_the_current_webhooks_of_the_tenant() -> None:
    held = live("gone")
    wanted = [declared("a")]
    plan = plan_of(wanted, [held, live("a")])
    used = replace(held, use=replace(held.use, succeeded=3))
    again = resumed(plan, wanted, [used, live("a")])
    assert [found.rule for found in again.violations] == ["in-use"]


OUTER = ("program", "plan", "policy", "base", "declared", "unclear", "manifests", "live")
INNER = ("tenant", "summary", "changes", "violations", "warnings", "digest")


@pytest.mark.parametrize("field", [*OUTER, *INNER])
@pytest.mark.parametrize("value", [None, 7, "x", [], {}, [[]], {"changes": 1}])
def test_a_file_of_another_shape_is_refused_even_with_a_right_checksum(
    field: str, value: object
) -> None:
    wanted = [declared("a")]
    body = body_of(plan_of(wanted, [live("b")]), policy(), wanted)
    if (
        (field == "program" and isinstance(value, str))
        or (field in {"base", "declared"} and value == 7)
        or (field in {"violations", "warnings", "unclear"} and value == [])
    ):
        return
    part = body if field in OUTER else body["plan"]
    part[field] = value
    with pytest.raises(InvalidPlanFile):
        read(json.dumps(sealed(body, None)))


def test_labels_of_who_moved_come_back_and_do_not_count_as_moved() -> None:
    held = live("a", description="by hand", events=[FAILED])
    wanted = [declared("a", description="new", events=[STARTED, HEALTHY])]
    plan = plan_of(wanted, [held])
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

    back = read(format_plan(labelled, policy(), wanted)).shown

    assert document.plan_document(back) == document.plan_document(labelled)
    assert text.plan_text(back) == text.plan_text(labelled)
    assert markdown.plan_markdown(back) == markdown.plan_markdown(labelled)
    assert resumed(labelled, wanted, [held]).digest == labelled.digest
