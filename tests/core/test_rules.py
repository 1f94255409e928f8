"""The organisation's rules held against plans: what is judged, what that does to a plan, to its
digest, and to a saved one.
"""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.change import Plan, Violation
from reconciler.core.model.webhook import Origin
from reconciler.core.safety.rules import Enforce, Rule
from reconciler.core.safety.run_policy import RunPolicy, Scope
from reconciler.core.saved.resume import resume
from reconciler.workflow import approve
from tests.support.builders import declared, live, normalize, plan_of, policy
from tests.support.saved_plans import format_plan, list_touched, read


def short(limit: int) -> Any:
    """Descriptions of at most so many characters."""

    def faults(body: dict[str, Any]) -> list[tuple[tuple[str, ...], str]]:
        return (
            [(("description",), f"is longer than {limit}")]
            if len(body["description"]) > limit
            else []
        )

    return faults


def rule(name: str = "short", enforce: Enforce = "deny", limit: int = 3, **labels: str) -> Rule:
    return Rule(name, "keep it short", enforce, labels, Origin("policies/a.yaml", 1), short(limit))


def ruled(*rules: Rule, **other: Any) -> RunPolicy:
    return policy(rules=rules, **other)


def refused(plan: Plan) -> list[tuple[str, tuple[str, ...]]]:
    return [(found.rule, found.names) for found in plan.violations]


WANTED = [
    declared("kept", description="as long as ever"),
    declared("made", description="long"),
    declared("fine", description="ok"),
    declared("changed", description="much too long"),
]
HELD = [
    live("kept", description="as long as ever"),
    live("changed", description="ok"),
    live("gone", description="a long one"),
]


def test_creates_updates_and_what_stays_are_judged_and_deletes_are_not() -> None:
    plan = plan_of(WANTED, HELD, ruled(rule()))
    assert refused(plan) == [
        ("policy/short", ("changed",)),
        ("policy/short", ("kept",)),
        ("policy/short", ("made",)),
    ]
    assert {found.message for found in plan.violations if "made" in found.names} == {
        "made: keep it short (description: is longer than 3)"
    }


def test_a_rule_that_warns_refuses_nothing() -> None:
    plan = plan_of(WANTED, HELD, ruled(rule(enforce="warn")))
    assert plan.violations == ()
    assert [said.rpartition(" ")[2] for said in plan.warnings if "policy" in said] == [
        "[policy/short]"
    ] * 3
    assert plan.digest == plan_of(WANTED, HELD).digest


def test_a_rule_looks_only_at_webhooks_with_all_its_labels() -> None:
    wanted = [
        declared("a", description="long", labels={"team": "payments", "environment": "production"}),
        declared("b", description="long", labels={"team": "payments"}),
        declared("c", description="long"),
    ]
    plan = plan_of(
        wanted,
        [],
        ruled(rule(team="payments", environment="production"), rule("all", team="payments")),
    )
    assert sorted(refused(plan)) == [
        ("policy/all", ("a",)),
        ("policy/all", ("b",)),
        ("policy/short", ("a",)),
    ]


def test_what_a_narrowed_run_does_not_look_at_is_not_judged() -> None:
    plan = plan_of(WANTED, HELD, ruled(rule(), scope=Scope(selected_keys={"made"})))
    assert refused(plan) == [("policy/short", ("made",))]


def test_a_field_that_a_manifest_leaves_open_is_judged_as_the_tenant_has_it() -> None:
    def faults(body: dict[str, Any]) -> list[tuple[tuple[str, ...], str]]:
        return [] if body["enabled"] and not body["protected"] else [((), "is odd")]

    odd = Rule("odd", "no", "deny", {}, Origin("p.yaml", 1), faults)
    held = [live("a"), live("b", enabled=False), live("c", protected=True)]
    plan = plan_of([declared(key) for key in "abcd"], held, ruled(odd))
    assert refused(plan) == [("policy/odd", ("b",)), ("policy/odd", ("c",))]


def test_the_digest_covers_what_rules_refuse_and_is_the_old_one_where_they_refuse_nothing() -> None:
    plain = plan_of(WANTED, HELD)
    assert plan_of(WANTED, HELD, ruled(rule(limit=100))).digest == plain.digest
    one, other = (
        plan_of(WANTED, HELD, ruled(rule())),
        plan_of(WANTED, HELD, ruled(rule(), rule("another"))),
    )
    assert len({plain.digest, one.digest, other.digest}) == 3
    assert plan_of(WANTED, HELD, ruled(rule())).digest == one.digest


def test_an_accepted_plan_passes_policies() -> None:
    plan = plan_of(WANTED[:2], HELD[:1], ruled(rule()))
    approve(plan, None, accept=plan.digest)
    assert all(found.is_acceptable for found in plan.violations)
    assert not Violation("protected", "x").is_acceptable


def resumed(plan: Plan, allowed: RunPolicy) -> Plan:
    return resume(
        read(format_plan(plan, allowed, WANTED)),
        HELD[:1],
        list_touched(plan, WANTED),
        allowed,
        normalize=normalize,
        fingerprint_key=None,
    )


@pytest.mark.parametrize("now", [(), (rule(),), (rule(limit=100),)])
def test_a_saved_plan_stays_refused_whatever_the_policies_are_by_then(
    now: tuple[Rule, ...],
) -> None:
    plan = plan_of(WANTED[:2], HELD[:1], ruled(rule()))
    again = resumed(plan, ruled(*now))
    assert again.violations == plan.violations
    assert again.digest == plan.digest


def test_a_policy_that_is_new_since_a_plan_was_saved_refuses_it_and_needs_an_acceptance_of_its_own() -> (
    None
):
    plan = plan_of(WANTED[:2], HELD[:1])
    assert plan.violations == ()
    again = resumed(plan, ruled(rule()))
    assert refused(again) == [("policy/short", ("made",))]
    assert again.digest != plan.digest
