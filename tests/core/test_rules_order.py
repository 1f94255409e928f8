"""docs/plan-rules.md, rules 9, 13 and 14: the order of a plan, its digest, and renames that it
offers.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from reconciler.core.change import TenantRef
from reconciler.core.model.secret import Secret, hidden_url
from reconciler.core.model.webhook import Owner, Subscription
from reconciler.core.planning.order import arrange
from reconciler.core.planning.plan import make_plan
from reconciler.core.safety.run_policy import Limits
from tests.support.builders import (
    FAILED,
    OWNER,
    STARTED,
    TENANT,
    basic,
    bearer,
    declared,
    list_changes,
    live,
    normalize,
    plan_of,
    policy,
    rules,
    secret,
    withheld_bearer,
)

KEY = secret("the key of this run's fingerprints")


def test_rule_09_create_update_delete_each_by_name_as_barriers() -> None:
    wanted = [
        declared("u2", description="x"),
        declared("c2"),
        declared("c1"),
        declared("u1", description="x"),
    ]
    plan = plan_of(
        wanted,
        [live("d2"), live("u1"), live("u2"), live("d1")],
        policy(limits=Limits(max_deletes=9)),
    )
    stages = [[f"{change.action} {change.name}" for change in stage] for stage in plan.stages]
    assert stages == [
        ["create c1", "create c2"],
        ["update u1", "update u2"],
        ["delete d1", "delete d2"],
    ]


def test_rule_09_an_update_that_frees_a_name_goes_before_the_create_that_wants_it() -> None:
    plan = plan_of(
        [declared("a", name="New"), declared("b", name="Wanted")], [live("a", name="Wanted")]
    )
    assert list_changes(plan) == [("update", "New"), ("create", "Wanted")]


def test_rule_09_a_chain_of_names_is_freed_in_dependency_order() -> None:
    wanted = [
        declared("a", name="B"),
        declared("b", name="C"),
        declared("c", name="D"),
        declared("d", name="A"),
    ]
    plan = plan_of(wanted, [live("a", name="A"), live("b", name="B"), live("c", name="C")])
    assert [[change.name for change in stage] for stage in plan.stages] == [
        ["D"],
        ["C"],
        ["B"],
        ["A"],
    ]
    assert plan.violations == ()


def test_rule_09_names_in_a_circle_are_a_violation_and_still_shown() -> None:
    wanted = [declared("a", name="B"), declared("b", name="A"), declared("c", description="x")]
    plan = plan_of(wanted, [live("a", name="A"), live("b", name="B"), live("c")])
    assert rules(plan) == ["name-cycle"]
    assert plan.violations[0].names == ("A", "B")
    assert len(plan.pending) == 3


def test_rule_09_every_circle_is_named_and_what_stands_in_none_keeps_its_order() -> None:
    names = {"a": "B", "b": "A", "c": "D", "d": "C", "e": "F", "f": "G"}
    wanted = [declared(key, name=name) for key, name in names.items()]
    plan = plan_of(wanted, [live(key, name=key.upper()) for key in names])
    assert [violation.names for violation in plan.violations] == [("A", "B"), ("C", "D")]
    assert [[change.name for change in stage] for stage in plan.stages] == [
        ["G"],
        ["A", "B", "C", "D", "F"],
    ]


def test_rule_09_an_update_that_takes_the_last_subscription_waits_with_the_deletes() -> None:
    wanted = [declared("a", events=[]), declared("c"), declared("u", description="x")]
    plan = plan_of(wanted, [live("a"), live("u"), live("z")], policy(limits=Limits(max_deletes=9)))
    stages = [[f"{change.action} {change.name}" for change in stage] for stage in plan.stages]
    assert stages == [["create c"], ["update u"], ["update a", "delete z"]]


def test_rule_09_every_change_stands_in_one_stage_even_when_two_want_one_name() -> None:
    plan = plan_of(
        [declared("a", name="X"), declared("b", name="X"), declared("c", name="Old")],
        [live("a", name="Old")],
    )
    assert sorted(list_changes(plan)) == [("create", "Old"), ("create", "X"), ("update", "X")]
    flat = [change for stage in arrange(plan.pending)[0] for change in stage]
    assert sorted(map(id, flat)) == sorted(map(id, plan.pending))


def test_rule_13_the_digest_does_not_depend_on_the_order_of_the_input() -> None:
    wanted = [
        declared("a"),
        declared("b", name="New", description="x"),
        declared("c", events=[FAILED, STARTED]),
    ]
    there = [live("b"), live("x", name="same", id="1"), live("y", name="same", id="2")]
    orders = zip(permutations(wanted), permutations(there), strict=True)
    assert len({plan_of(some, other).digest for some, other in orders}) == 1


BASE = declared(
    "a", url=hidden_url("https://h.example.com/1", "fromEnv: U"), auth=bearer("1"), description="x"
)
THERE = live("a", url="https://h.example.com/2", auth=withheld_bearer("0"))


@pytest.mark.parametrize(
    "wanted",
    [
        replace(BASE, key="b", previously=("a",)),
        replace(BASE, sources=("other.yaml",)),
        replace(BASE, protected=True),
        replace(BASE, spec=replace(BASE.spec, description="y")),
        replace(BASE, spec=replace(BASE.spec, name="n")),
        replace(BASE, spec=replace(BASE.spec, enabled=False)),
        replace(BASE, spec=replace(BASE.spec, auth=bearer("2"))),
        replace(
            BASE, spec=replace(BASE.spec, url=hidden_url("https://h.example.com/3", "fromEnv: U"))
        ),
        replace(BASE, spec=replace(BASE.spec, subscriptions=frozenset({FAILED}))),
        replace(BASE, spec=replace(BASE.spec, auth=basic("u"))),
    ],
)
def test_rule_13_the_digest_changes_with_what_would_be_written(wanted: object) -> None:
    first = plan_of([BASE], [THERE], fingerprint_key=KEY)
    second = plan_of([wanted], [THERE], fingerprint_key=KEY)  # type: ignore[list-item]  # a Declared
    assert first.digest != second.digest


@pytest.mark.parametrize(
    "there",
    [replace(THERE, id="other"), replace(THERE, revision="r2"), replace(THERE, protected=True)],
)
def test_rule_13_the_digest_changes_with_ids_and_revisions(there: object) -> None:
    wanted = replace(BASE, protected=False)
    assert plan_of([wanted], [THERE]).digest != plan_of([wanted], [there]).digest  # type: ignore[list-item]  # a Live


@pytest.mark.parametrize(
    "other",
    [
        {"prune": False},
        {"adopt": True},
        {"ownership": "all"},
        {"resend_credentials": True},
        {"limits": Limits(max_deletes=3)},
        {"limits": Limits(update_share=0.5)},
    ],
)
def test_rule_13_the_digest_changes_with_the_policy(other: dict[str, object]) -> None:
    assert plan_of([BASE], [THERE]).digest != plan_of([BASE], [THERE], policy(**other)).digest


@pytest.mark.parametrize(
    "tenant", [replace(TENANT, url="https://b.example.com"), replace(TENANT, owner="search")]
)
def test_rule_13_the_digest_changes_with_tenant_and_owner(tenant: TenantRef) -> None:
    mine = make_plan([BASE], [THERE], policy(), tenant=TENANT, normalize=normalize)
    assert (
        mine.digest
        != make_plan([BASE], [THERE], policy(), tenant=tenant, normalize=normalize).digest
    )


def test_rule_13_the_digest_does_not_change_with_the_commit_or_what_is_kept() -> None:
    later = replace(policy(), owner=Owner(OWNER.name, "a later commit"))
    plan = plan_of([BASE, declared("k")], [THERE, live("k")], later)
    assert plan.digest == plan_of([BASE], [THERE]).digest


def test_rule_13_a_secret_url_or_user_name_counts_by_its_keyed_fingerprint() -> None:
    users = [declared("a", auth=basic(Secret(name, "fromEnv: USER"))) for name in ("one", "two")]
    assert len({plan_of([user], [], fingerprint_key=KEY).digest for user in users}) == 2
    assert (
        len(
            {
                plan_of([BASE], [THERE], fingerprint_key=key).digest
                for key in (KEY, secret("another"), None)
            }
        )
        == 3
    )


def test_rule_13_absent_version_and_severity_are_distinguished() -> None:
    digests = [
        plan_of([declared("a", events=[Subscription("t", *rest)])], []).digest
        for rest in (("x", None), (None, "x"))
    ]
    assert digests[0] != digests[1]


def test_rule_14_a_rename_is_offered_with_the_line_to_add() -> None:
    plan = plan_of([declared("new", name="New")], [live("old", name="Old")])
    assert list_changes(plan) == [("create", "New"), ("delete", "Old")]
    assert plan.warnings == (
        'webhooks/payments.yaml:3:1: a rename of Old? add to spec: previously: ["old"]',
    )
    assert list_changes(
        plan_of([declared("new", name="New", previously=("old",))], [live("old", name="Old")])
    ) == [("update", "New")]


@pytest.mark.parametrize(
    "other", [live("old", url="https://else.example.com"), live("old", events=[FAILED])]
)
def test_rule_14_no_rename_is_offered_for_another_url_or_other_events(other: object) -> None:
    assert plan_of([declared("new")], [other]).warnings == ()  # type: ignore[list-item]  # a Live


def test_rule_14_a_live_webhook_is_offered_as_a_rename_once() -> None:
    wanted = [declared("n1"), declared("n2"), declared("n3")]
    plan = plan_of(wanted, [live("o1"), live("o2")], policy(limits=Limits(max_deletes=2)))
    assert [
        (warning.split("?")[0].split()[-1], warning.split("spec: ")[1]) for warning in plan.warnings
    ] == [
        ("o1", 'previously: ["o1"]'),
        ("o2", 'previously: ["o2"]'),
    ]


def test_a_plan_is_a_value_that_compares_and_hashes() -> None:
    plans = [
        plan_of([declared("a", sources=("b.yaml",)), declared("c")], [live("a"), live("d")])
        for _ in range(2)
    ]
    assert plans[0] == plans[1]
    assert len(set(plans)) == 1
