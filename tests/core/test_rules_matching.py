"""docs/plan-rules.md, rules 1 to 4: matching, comparing, whose it is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from reconciler.core.change import Counts
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.safety.run_policy import Scope
from reconciler.providers.memory import MemoryProvider
from tests.support.builders import (
    FAILED,
    HEALTHY,
    OWNER,
    STARTED,
    URL,
    carry_out,
    declared,
    list_changes,
    live,
    normalize,
    only,
    paths,
    plan_of,
    policy,
    rules,
)


def test_rule_01_a_changed_display_name_is_an_update_by_itself() -> None:
    plan = plan_of([declared("a", name="New")], [live("a", name="Old")])
    assert list_changes(plan) == [("update", "New")]
    assert paths(only(plan)) == ["name"]


def test_rule_01_our_key_goes_before_the_name() -> None:
    plan = plan_of(
        [declared("a", name="One"), declared("b", name="Two")],
        [live("a", name="Two", id="1"), live("b", name="Three", id="2")],
    )
    assert {change.name: change.live.id for change in plan.pending if change.live} == {
        "One": "1",
        "Two": "2",
    }
    assert plan.violations == ()


def test_rule_01_the_name_matches_what_carries_another_key_or_no_mark() -> None:
    plan = plan_of([declared("new", name="Pager")], [live("old", name="Pager")])
    assert paths(only(plan)) == ["managed_by.key"]
    adopted = plan_of(
        [declared("new", name="Pager")], [live("x", name="Pager", owner=None)], policy(adopt=True)
    )
    assert list_changes(adopted) == [("update", "Pager")]


def test_rule_01_the_key_of_another_owner_is_no_match() -> None:
    plan = plan_of([declared("a", name="Mine")], [live("a", name="Theirs", owner="search")])
    assert list_changes(plan) == [("create", "Mine")]
    assert plan.counts.unmanaged == 1


@pytest.mark.parametrize("former", ["old-key", "Old name"])
def test_rule_01_previously_matches_keys_and_names(former: str) -> None:
    plan = plan_of(
        [declared("new", name="New name", previously=(former,))], [live("old-key", name="Old name")]
    )
    assert list_changes(plan) == [("update", "New name")]
    assert paths(only(plan)) == ["name", "managed_by.key"]


def test_rule_01_name_goes_before_previously() -> None:
    held = [live("old", name="Old", id="1"), live("other", name="New", id="2")]
    plan = plan_of([declared("new", name="New", previously=("old",))], held)
    assert [(change.action.value, change.live.id) for change in plan.pending if change.live] == [
        ("update", "2"),
        ("delete", "1"),
    ]


@pytest.mark.parametrize("owner", [None, "search"])
def test_rule_01_previously_takes_only_what_is_ours(owner: str | None) -> None:
    plan = plan_of([declared("new", previously=("old",))], [live("old", owner=owner)])
    assert list_changes(plan) == [("create", "new")]


def test_rule_01_previously_takes_unowned_webhooks_under_ownership_all() -> None:
    plan = plan_of(
        [declared("new", previously=("old",))],
        [live("x", name="old", owner=None)],
        policy(ownership="all"),
    )
    assert list_changes(plan) == [("update", "new")]
    assert plan.violations == ()


def test_rule_01_previously_takes_nothing_that_another_wants() -> None:
    plan = plan_of([declared("new", previously=("old",)), declared("old")], [live("old")])
    assert list_changes(plan) == [("create", "new")]
    assert plan.counts.keep == 1


def test_rule_01_a_live_webhook_matches_once() -> None:
    plan = plan_of(
        [declared("a", previously=("old",)), declared("b", previously=("old",))], [live("old")]
    )
    assert sorted(list_changes(plan)) == [("create", "b"), ("update", "a")]


@pytest.mark.parametrize("owner", ["payments", None, "search"])
def test_rule_01_two_live_of_one_wanted_name_are_a_violation_with_their_ids(
    owner: str | None,
) -> None:
    held = [
        live("x", name="Pager", owner=owner, id="wh-1"),
        live("y", name="Pager", owner=owner, id="wh-2"),
    ]
    plan = plan_of([declared("a", name="Pager")], held, policy(adopt=True))
    [clash] = [violation for violation in plan.violations if violation.rule == "ambiguous-name"]
    assert "wh-1" in clash.message
    assert "wh-2" in clash.message
    assert plan.counts.delete == 0


@pytest.mark.parametrize(
    "other", [live("b", name="A", id="wh-2"), live("b", name="A", id="wh-2", owner=None)]
)
def test_rule_01_a_match_by_key_is_ambiguous_too_when_another_holds_the_wanted_name(
    other: object,
) -> None:
    same = plan_of([declared("a", name="A")], [live("a", name="A", id="wh-1"), other])  # type: ignore[list-item]  # a Live
    renamed = plan_of([declared("a", name="A")], [live("a", name="Old", id="wh-1"), other])  # type: ignore[list-item]  # a Live
    for plan in (same, renamed):
        assert rules(plan) == ["ambiguous-name"]
        assert "wh-1, wh-2" in plan.violations[0].message


def test_rule_01_two_live_of_one_key_of_ours_are_ambiguous() -> None:
    plan = plan_of([declared("a")], [live("a", id="1", name="x"), live("a", id="2", name="y")])
    assert rules(plan) == ["ambiguous-name"]
    assert plan.counts.delete == 0


def test_rule_01_what_the_run_does_not_look_at_is_no_clash_of_it() -> None:
    held = [live("a", id="1", name="A"), live("z", id="2", name="A"), live("b")]
    plan = plan_of(
        [declared("a", name="A"), declared("b")],
        held,
        policy(scope=Scope(selected_keys=frozenset({"b"}))),
    )
    assert plan.violations == ()


def test_rule_02_equal_sides_plan_empty_and_an_empty_plan_is_a_plan() -> None:
    plan = plan_of([declared("a")], [live("a")])
    assert (plan.pending, plan.counts, plan.violations) == ((), Counts(keep=1), ())
    assert plan.digest.startswith("sha256:")


@pytest.mark.parametrize(("description", "loaded"), [("", False), ("x", True)])
def test_rule_02_only_what_differs_is_compared_field_by_field(
    description: str, loaded: bool
) -> None:
    code = (
        "import sys; from tests.support.builders import declared, live, plan_of; "
        f"plan_of([declared('a', description={description!r})], [live('a')]); "
        "print('deepdiff' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == str(loaded)


def test_rule_02_subscriptions_are_compared_as_sets() -> None:
    assert (
        plan_of(
            [declared("a", events=[STARTED, FAILED])], [live("a", events=[FAILED, STARTED])]
        ).pending
        == ()
    )
    change = only(
        plan_of([declared("a", events=[STARTED, FAILED])], [live("a", events=[HEALTHY, STARTED])])
    )
    assert [(field.added, field.removed) for field in change.fields] == [((FAILED,), (HEALTHY,))]


def test_rule_02_field_by_field_names_every_field_that_differs() -> None:
    wanted = declared(
        "a", name="New", url=URL + "/2", description="d", enabled=False, protected=True
    )
    change = only(plan_of([wanted], [live("a", name="Old", enabled=True)]))
    assert paths(change) == ["description", "enabled", "name", "url", "protected"]
    shown = {field.dotted: (field.before, field.after) for field in change.fields}
    assert shown["name"] == ("Old", "New")
    assert shown["enabled"] == (True, False)


@pytest.mark.parametrize("now", [True, False])
def test_rule_02_absent_enabled_and_protected_are_left_as_live(now: bool) -> None:
    assert plan_of([declared("a")], [live("a", enabled=now, protected=now)]).pending == ()


@pytest.mark.parametrize("now", [True, False])
def test_rule_02_written_enabled_and_protected_are_enforced(now: bool) -> None:
    change = only(
        plan_of(
            [declared("a", enabled=now, protected=now)],
            [live("a", enabled=not now, protected=not now)],
        )
    )
    assert paths(change) == ["enabled", "protected"]


def test_rule_02_on_create_absent_enabled_is_true_and_protected_false() -> None:
    change = only(plan_of([declared("a")], []))
    assert change.declared is not None
    assert (change.declared.spec.enabled, change.declared.protected) == (True, False)


def test_rule_02_defaults_are_filled_by_the_provider_on_both_sides() -> None:
    """A tenant that expands an event: what it answers is what the declared side is compared as."""

    def expanding(spec: Webhook) -> Webhook:
        both = {
            replace(item, severity=level)
            for item in spec.subscriptions
            for level in ("info", "critical")
        }
        return replace(normalize(spec), subscriptions=frozenset(both))

    from reconciler.core.planning.plan import make_plan  # noqa: PLC0415  the one test with another normalize

    there = live(
        "a", events=[replace(STARTED, severity="info"), replace(STARTED, severity="critical")]
    )
    assert make_plan([declared("a")], [there], policy(), normalize=expanding).pending == ()


def test_rule_02_names_are_compared_in_nfc() -> None:
    assert plan_of([declared("a", name="Cafe\u0301")], [live("a", name="Caf\u00e9")]).pending == ()


def test_rule_02_a_tenant_without_versions_and_severities_plans_empty() -> None:
    bare = Subscription("push", None, None)
    assert plan_of([declared("a", events=[bare])], [live("a", events=[bare])]).pending == ()


def test_rule_03_key_and_sources_of_the_mark_are_repaired_as_ownership_only() -> None:
    change = only(plan_of([declared("a", sources=("b.yaml",))], [live("a", sources=("old.yaml",))]))
    assert paths(change) == ["managed_by.sources"]
    assert (change.is_ownership_only, change.reason) == (True, "ownership only")


def test_rule_03_the_order_of_recorded_sources_does_not_matter() -> None:
    assert (
        plan_of(
            [declared("a", sources=("a.yaml", "b.yaml"))], [live("a", sources=("b.yaml", "a.yaml"))]
        ).pending
        == ()
    )


def test_rule_03_a_new_commit_alone_changes_nothing() -> None:
    assert plan_of([declared("a")], [live("a", commit="an-earlier-commit")]).pending == ()


def test_rule_03_the_commit_is_written_along_with_other_changes() -> None:
    there = [live("a", commit="earlier"), live("b", commit="earlier")]
    tenant = MemoryProvider(there)
    assert carry_out(
        plan_of([declared("a", description="x"), declared("b")], there), tenant
    ).complete
    marks = {live.spec.name: live.managed_by for live in tenant.webhooks.values()}
    assert {name: mark.revision for name, mark in marks.items() if mark} == {
        "a": OWNER.revision,
        "b": "earlier",
    }


def test_rule_04_ours_is_updated_and_deleted_when_no_longer_declared() -> None:
    plan = plan_of([declared("a", description="x")], [live("a"), live("gone")])
    assert list_changes(plan) == [("update", "a"), ("delete", "gone")]
    assert plan.violations == ()


def test_rule_04_an_unowned_declared_webhook_needs_adopt() -> None:
    refused = plan_of([declared("a")], [live("a", owner=None)])
    assert rules(refused) == ["not-owned"]
    adopted = plan_of([declared("a")], [live("a", owner=None)], policy(adopt=True))
    assert adopted.violations == ()
    assert paths(only(adopted)) == ["managed_by.owner", "managed_by.key", "managed_by.sources"]
    assert only(adopted).reason.startswith("adopted")


@pytest.mark.parametrize(
    "allowed", [policy(), policy(adopt=True), policy(ownership="all", adopt=True)]
)
def test_rule_04_another_owners_and_declared_is_refused_whatever_is_allowed(
    allowed: object,
) -> None:
    plan = plan_of([declared("a")], [live("a", owner="search")], allowed)  # type: ignore[arg-type]  # a Policy
    assert rules(plan) == ["other-owner"]
    assert "search" in plan.violations[0].message


def test_rule_04_not_declared_and_not_ours_is_counted_and_never_listed() -> None:
    plan = plan_of([declared("a")], [live("a"), live("b", owner="search"), live("c", owner=None)])
    assert (plan.pending, plan.counts.unmanaged) == ((), 2)


def test_rule_04_ownership_all_treats_unowned_webhooks_as_ours_and_those_of_another_owner_never() -> (
    None
):
    held = [live("a", owner=None), live("b", owner=None), live("c", owner="search")]
    plan = plan_of([declared("a")], held, policy(ownership="all"))
    assert list_changes(plan) == [("update", "a"), ("delete", "b")]
    assert (plan.violations, plan.counts.unmanaged, plan.base) == ((), 1, 2)
    assert plan.pending[0].is_ownership_only
