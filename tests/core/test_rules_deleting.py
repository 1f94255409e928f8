"""docs/plan-rules.md, rules 5 to 8: what may be deleted, and how much."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.safety.run_policy import Limits, RunPolicy, Scope
from tests.support.builders import (
    FAILED,
    STARTED,
    declared,
    list_changes,
    live,
    many,
    only,
    paths,
    plan_of,
    policy,
    rules,
)

TEAM = Scope(("teams/a",))


def test_rule_05_ours_and_gone_from_a_folder_of_this_run_is_deleted() -> None:
    plan = plan_of(
        [declared("a", sources=("teams/a/a.yaml",))],
        [live("b", sources=("teams/a/b.yaml",))],
        policy(scope=TEAM),
    )
    assert list_changes(plan) == [("create", "a"), ("delete", "b")]


def test_rule_05_without_pruning_nothing_is_deleted_and_it_is_counted() -> None:
    plan = plan_of([declared("a")], [live("a"), live("b")], policy(prune=False))
    assert (plan.pending, plan.counts.out_of_scope) == ((), 1)


def test_rule_05_a_protected_one_is_refused_though_its_manifest_is_gone() -> None:
    plan = plan_of([declared("a")], [live("a"), live("b", protected=True)])
    assert list_changes(plan) == [("delete", "b")]
    assert rules(plan) == ["protected"]


def test_rule_05_naming_files_deletes_nothing() -> None:
    plan = plan_of(
        [declared("a")],
        [live("a"), live("b")],
        policy(scope=Scope((), ("webhooks/payments.yaml",))),
    )
    assert (plan.pending, plan.counts.out_of_scope) == ((), 1)


def test_rule_05_standard_input_deletes_nothing() -> None:
    plan = plan_of(
        [declared("a", sources=("-",))],
        [live("a", sources=("-",)), live("b")],
        policy(scope=Scope((), ("-",))),
    )
    assert (plan.pending, plan.counts.out_of_scope) == ((), 1)


def test_rule_05_narrowing_deletes_nothing_and_counts_what_it_leaves_out() -> None:
    held = [live("a"), live("b"), live("gone")]
    wanted = [declared("a", description="x"), declared("b", description="x"), declared("c")]
    plan = plan_of(wanted, held, policy(scope=Scope(selected_keys=frozenset({"a"}))))
    assert list_changes(plan) == [("update", "a")]
    assert plan.counts.out_of_scope == 2


@pytest.mark.parametrize(
    "sources",
    [
        ("teams/b/x.yaml",),
        ("teams/a/x.yaml", "teams/b/x.yaml"),
        ("teams/ab/x.yaml",),
        ("../x.yaml",),
    ],
)
def test_rule_05_every_source_must_be_under_a_folder_of_this_run(sources: tuple[str, ...]) -> None:
    plan = plan_of(
        [declared("a", sources=("teams/a/a.yaml",))],
        [live("b", sources=sources)],
        policy(scope=TEAM),
    )
    assert list_changes(plan) == [("create", "a")]
    assert plan.counts.out_of_scope == 1


@pytest.mark.parametrize("folder", ["teams/a", ".", "..", "../.."])
@pytest.mark.parametrize(
    "source",
    [
        "teams/a/../b/x.yaml",
        "x/../../y.yaml",
        "/etc/x.yaml",
        "",
        ".",
        "..",
        "teams/a//x.yaml",
        "teams/a/",
    ],
)
def test_rule_05_a_source_that_is_written_as_no_run_of_ours_writes_it_lies_in_no_folder(
    folder: str, source: str
) -> None:
    plan = plan_of([declared("a")], [live("b", sources=(source,))], policy(scope=Scope((folder,))))
    assert list_changes(plan) == [("create", "a")]
    assert plan.counts.out_of_scope == 1


@pytest.mark.parametrize(("folder", "deleted"), [("teams/a", 0), (".", 1), ("..", 1), ("../..", 1)])
def test_rule_05_under_ownership_all_a_webhook_without_sources_needs_the_root(
    folder: str, deleted: int
) -> None:
    allowed = policy(ownership="all", scope=Scope((folder,)))
    plan = plan_of([declared("a")], [live("b", owner=None, sources=())], allowed)
    assert (plan.counts.delete, plan.counts.out_of_scope) == (deleted, 1 - deleted)


def test_rule_05_a_folder_above_the_root_covers_what_climbs_no_higher() -> None:
    assert Scope(("..",)).is_in_folder("../other/x.yaml")
    assert not Scope(("..",)).is_in_folder("../../x.yaml")
    assert not Scope((".",)).is_in_folder("../x.yaml")


def test_rule_06_subscriptions_of_a_file_that_is_not_read_are_kept_with_a_warning() -> None:
    there = live("a", events=[STARTED, FAILED], sources=("teams/a/a.yaml", "teams/b/more.yaml"))
    plan = plan_of([declared("a", sources=("teams/a/a.yaml",))], [there], policy(scope=TEAM))
    assert plan.pending == ()
    [warning] = plan.warnings
    assert "teams/b/more.yaml" in warning


def test_rule_06_of_a_file_that_was_read_and_lost_them_they_are_removed() -> None:
    there = live("a", events=[STARTED, FAILED], sources=("teams/a/a.yaml", "teams/a/more.yaml"))
    plan = plan_of([declared("a", sources=("teams/a/a.yaml",))], [there], policy(scope=TEAM))
    assert paths(only(plan)) == ["events", "managed_by.sources"]
    assert only(plan).fields[0].removed == (FAILED,)


def test_rule_06_without_pruning_they_are_kept_and_the_warning_says_so() -> None:
    plan = plan_of([declared("a")], [live("a", events=[STARTED, FAILED])], policy(prune=False))
    assert plan.pending == ()
    assert "pruning is off" in plan.warnings[0]


def test_rule_06_added_ones_arrive_while_others_are_kept() -> None:
    there = live("a", events=[STARTED], sources=("teams/a/a.yaml", "teams/b/more.yaml"))
    plan = plan_of(
        [declared("a", events=[FAILED], sources=("teams/a/a.yaml",))], [there], policy(scope=TEAM)
    )
    change = only(plan)
    assert change.declared is not None
    assert change.declared.spec.subscriptions == {STARTED, FAILED}
    assert change.declared.sources == ("teams/a/a.yaml", "teams/b/more.yaml")


def test_rule_06_taking_the_last_one_counts_as_a_delete() -> None:
    plan = plan_of([declared("a", events=[])], [live("a")], policy(limits=Limits(max_deletes=0)))
    assert only(plan).is_removal
    assert rules(plan) == ["delete-limit"]
    assert rules(plan_of([declared("a", events=[])], [live("a", protected=True)])) == ["protected"]


@pytest.mark.parametrize(
    "scope", [Scope((), ("webhooks/payments.yaml",)), Scope(selected_keys=frozenset({"a"}))]
)
def test_rule_06_the_last_one_stays_where_nothing_may_be_deleted(scope: Scope) -> None:
    plan = plan_of([declared("a", events=[])], [live("a")], policy(scope=scope))
    assert plan.pending == ()
    assert len(plan.warnings) == 1


def test_rule_06_the_last_one_of_an_adopted_webhook_stays_where_it_could_not_be_deleted() -> None:
    """It has no sources, so that only the root itself among the paths would do (rule 5)."""
    for folders, left in ((("teams/a",), 1), ((), 1), ((".",), 0)):
        allowed = policy(adopt=True, scope=Scope(folders))
        change = only(plan_of([declared("a", events=[])], [live("a", owner=None)], allowed))
        assert change.declared is not None
        assert len(change.declared.spec.subscriptions) == left


@pytest.mark.parametrize(
    ("base", "deletes", "refused"),
    [(10, 4, True), (10, 3, False), (2, 1, False), (1, 1, False), (3, 2, True)],
)
def test_rule_07_more_than_one_and_more_than_30_percent_is_too_many_deletes(
    base: int, deletes: int, refused: bool
) -> None:
    wanted, held = many(base)
    plan = plan_of([*wanted[deletes:], declared("other")], held)
    assert plan.counts.delete == deletes
    whose = (
        ["another-repository-suspected"] if deletes == base else []
    )  # rule 15: none of them is declared any more
    assert rules(plan) == (["delete-limit"] if refused else []) + whose


@pytest.mark.parametrize(
    ("base", "updates", "refused"),
    [(10, 4, True), (10, 3, False), (9, 9, False), (20, 7, True), (20, 6, False)],
)
def test_rule_07_more_than_30_percent_from_10_up_is_too_many_updates(
    base: int, updates: int, refused: bool
) -> None:
    changed, _ = many(updates, description="x")
    rest, held = many(base)
    assert rules(plan_of([*changed, *rest[updates:]], held)) == (
        ["update-limit"] if refused else []
    )


@pytest.mark.parametrize(
    ("limits", "found"), [(Limits(max_deletes=4), []), (Limits(max_deletes=3), ["delete-limit"])]
)
def test_rule_07_max_deletes_replaces_both_rules_by_a_count(
    limits: Limits, found: list[str]
) -> None:
    wanted, held = many(10)
    assert rules(plan_of(wanted[4:], held, policy(limits=limits))) == found


def test_rule_07_max_deletes_0_refuses_the_one_delete_that_the_share_allows() -> None:
    wanted, held = many(10)
    assert rules(plan_of(wanted[1:], held, policy(limits=Limits(max_deletes=0)))) == [
        "delete-limit"
    ]


@pytest.mark.parametrize(
    ("limits", "found"), [(Limits(max_updates=10), []), (Limits(max_updates=9), ["update-limit"])]
)
def test_rule_07_max_updates_replaces_share_and_base_by_a_count(
    limits: Limits, found: list[str]
) -> None:
    wanted, held = many(10, description="x")
    assert rules(plan_of(wanted, held, policy(limits=limits))) == found


def test_rule_07_a_tenant_sets_other_shares() -> None:
    wanted, held = many(10)
    assert rules(plan_of(wanted[4:], held, policy(limits=Limits(delete_share=0.4)))) == []
    changed, _ = many(10, description="x")
    assert rules(plan_of(changed, held, policy(limits=Limits(update_share=1)))) == []
    assert rules(plan_of(changed, held, policy(limits=Limits(update_from=11)))) == []


def test_rule_07_a_share_is_what_its_decimal_says() -> None:
    """0.07 × 100 is a little more than 7 in binary, 0.29 × 100 a little less than 29."""
    wanted, held = many(100)
    assert rules(plan_of(wanted[29:], held, policy(limits=Limits(delete_share=0.29)))) == []
    assert rules(plan_of(wanted[8:], held, policy(limits=Limits(delete_share=0.07)))) == [
        "delete-limit"
    ]


def test_rule_07_the_base_is_ours_before_the_run_whatever_is_selected() -> None:
    wanted, held = many(10, description="x")
    strangers = [live(f"s{number}", owner="search") for number in range(30)]
    some = frozenset(item.key for item in wanted[:4])
    plan = plan_of(wanted, [*held, *strangers], policy(scope=Scope(selected_keys=some)))
    assert (plan.base, rules(plan)) == (10, ["update-limit"])


def test_rule_03_07_ownership_only_updates_are_outside_the_limits() -> None:
    wanted, held = many(20, sources=("moved.yaml",))
    plan = plan_of(wanted, held, policy(limits=Limits(max_updates=0)))
    assert (plan.counts.update, plan.violations) == (20, ())


@pytest.mark.parametrize(
    "allowed", [policy(), policy(prune=False, adopt=True), policy(limits=Limits(max_deletes=99))]
)
def test_rule_08_an_empty_set_is_refused_whatever_is_forced(allowed: RunPolicy) -> None:
    plan = plan_of([], [live("a")], allowed)
    assert "empty-set" in rules(plan)


def test_rule_08_an_empty_set_is_fine_while_nothing_is_ours() -> None:
    assert plan_of([], [live("a", owner=None), live("b", owner="search")]).violations == ()


def test_rule_07_a_limit_says_its_share_exactly() -> None:
    wanted, held = many(100)
    [violation] = plan_of(wanted[13:], held, policy(limits=Limits(delete_share=0.125))).violations
    assert "13 of 100" in violation.message
    assert "more than 12.5%" in violation.message
    assert "--max-deletes 13" in violation.message


def test_rule_07_removals_count_with_the_deletes() -> None:
    """2 deleted and 2 silenced of 10 are 4."""
    wanted, held = many(10)
    silent = [
        replace(item, spec=replace(item.spec, subscriptions=frozenset())) for item in wanted[:2]
    ]
    plan = plan_of([*silent, *wanted[2:8]], held)
    assert rules(plan) == ["delete-limit"]
    assert plan.violations[0].names == ("w000", "w001", "w008", "w009")


def test_the_rules_of_violations_are_the_list_of_section_5() -> None:
    one, other = many(20)[0], many(20)[1]
    plans = [
        plan_of(one[10:], other),
        plan_of(many(20, description="x")[0], other),
        plan_of([], other),
        plan_of([declared("a")], [live("a", owner=None)]),
        plan_of([declared("a")], [live("a", owner="search")]),
        plan_of([declared("a")], [live("b", protected=True)]),
        plan_of([declared("a")], [live("x", name="a", id="1"), live("y", name="a", id="2")]),
        plan_of(
            [declared("a", name="B"), declared("b", name="A")],
            [live("a", name="A"), live("b", name="B")],
        ),
        plan_of(
            [], [live("a", repository="forge.example/a/b")], policy(repository="forge.example/c/d")
        ),
    ]
    assert {rule for plan in plans for rule in rules(plan)} == {
        "delete-limit", "update-limit", "empty-set", "not-owned", "other-owner", "protected",
        "ambiguous-name", "name-cycle",
        "other-repository", "another-repository-suspected",
    }  # fmt: skip
