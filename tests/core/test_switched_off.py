"""docs/plan-rules.md, rule 2: what is off at the tenant while its manifest is silent is drift, and
reconcile leaves it.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.change import Action, Label, Plan
from reconciler.core.model.webhook import Declared
from reconciler.core.results.drift import find_drift, find_news
from reconciler.core.safety.run_policy import Scope
from reconciler.core.saved.since import Base, labelled
from tests.support.builders import declared, list_changes, live, normalize, plan_of, policy


def fields(plan: Plan) -> list[tuple[str, object, object, Label | None]]:
    return [
        (field.dotted, field.before, field.after, change.label)
        for change in find_drift(plan).changes
        for field in change.fields
    ]


def test_a_plan_warns_with_name_and_place_and_leaves_it() -> None:
    plan = plan_of(
        [declared("a", name="On-call"), declared("b")],
        [live("a", name="On-call", enabled=False), live("b")],
    )
    assert (list_changes(plan), plan.counts.keep) == ([], 2)
    [warning] = plan.warnings
    assert warning.startswith("webhooks/payments.yaml:3:1: On-call: switched off at the tenant")
    assert "enabled: true" in warning


def test_the_warning_enters_no_digest() -> None:
    on, off = (plan_of([declared("a")], [live("a", enabled=enabled)]) for enabled in (True, False))
    assert on.digest == off.digest


def test_drift_reports_it_as_the_field_enabled_in_place_of_the_warning() -> None:
    plan = plan_of([declared("a"), declared("b")], [live("a", enabled=False), live("b")])
    found = find_drift(plan)
    assert fields(plan) == [("enabled", False, True, Label.DRIFT)]
    assert (found.has_drift, found.plan.counts.keep, found.plan.warnings) == (True, 1, ())
    [change] = found.changes
    assert (change.action, change.name) == (Action.UPDATE, "a")
    assert "unless the manifest says enabled: true" in change.reason


def test_beside_other_changes_of_the_webhook_it_is_one_field_more() -> None:
    plan = plan_of([declared("a", description="x")], [live("a", enabled=False)])
    assert fields(plan) == [
        ("description", "", "x", Label.DRIFT),
        ("enabled", False, True, Label.DRIFT),
    ]
    assert [field.dotted for field in plan.pending[0].fields] == ["description"]


def since(then: Declared, now: Declared) -> Plan:
    plan = plan_of([now], [live("a", enabled=False)])
    return labelled(plan, Base("main", "4fd1c2e", (then,)), policy(), normalize)


def test_since_a_revision_it_is_drift_with_or_without_an_edit_in_git() -> None:
    alone = since(declared("a"), declared("a"))
    assert fields(alone) == [("enabled", False, True, Label.DRIFT)]
    [change] = find_drift(alone).changes
    assert [field.label for field in change.fields] == [Label.DRIFT]
    both = since(declared("a"), declared("a", description="x"))
    assert fields(both) == [
        ("description", "", "x", Label.BOTH),
        ("enabled", False, True, Label.BOTH),
    ]
    [change] = find_drift(both).changes
    assert [(field.dotted, field.label) for field in change.fields] == [
        ("description", Label.PENDING),
        ("enabled", Label.DRIFT),
    ]
    assert find_drift(both).has_drift


def test_what_the_manifest_says_is_enforced_or_fine() -> None:
    there = [live("a", enabled=False)]
    wanted, fine = (plan_of([declared("a", enabled=enabled)], there) for enabled in (True, False))
    assert (list_changes(wanted), wanted.switched_off, wanted.warnings) == (
        [("update", "a")],
        (),
        (),
    )
    assert (list_changes(fine), find_drift(fine).has_drift, fine.warnings) == ([], False, ())


def test_what_is_not_ours_or_not_looked_at_is_not_reported() -> None:
    there = [live("a", enabled=False), live("b", owner=None, enabled=False)]
    wanted = [declared("a"), declared("b")]
    assert [item.key for item, _ in plan_of(wanted, there).switched_off] == ["a"]
    assert [
        item.key for item, _ in plan_of(wanted, there, policy(ownership="all")).switched_off
    ] == ["a", "b"]
    assert (
        plan_of(wanted, there, policy(scope=Scope(selected_keys=frozenset({"b"})))).switched_off
        == ()
    )


def test_a_watch_reports_it_once_and_reports_when_it_agrees_again() -> None:
    wanted = [declared("a")]
    on, off = (
        find_drift(plan_of(wanted, [live("a", enabled=enabled)])) for enabled in (True, False)
    )
    assert [change.name for change in find_news(on, off).changes] == ["a"]
    assert not find_news(off, replace(off)).is_news
    assert find_news(off, on).settled_names == ("a",)
