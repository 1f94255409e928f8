"""docs/plan-rules.md, rule 2: fields that a manifest ignores keep their live value, and a suspended
webhook is left as it is.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.core.change import Action
from reconciler.core.export.adopt import AdoptionRequest, make_adoption
from reconciler.core.export.exported import make_export
from reconciler.core.model.fields import FIELDS, list_ignorable_rows
from reconciler.core.model.webhook import Declared, Live
from reconciler.core.results.drift import find_drift
from reconciler.core.saved.since import Base, labelled
from reconciler.providers.memory import MemoryProvider
from tests.core.test_properties import (
    ALLOWED,
    SETTINGS,
    carried_out,
    held_lists,
    unique_marks,
    wanted_lists,
)
from tests.support.builders import (
    FAILED,
    STARTED,
    TENANT,
    bearer,
    declared,
    list_changes,
    live,
    normalize,
    plan_of,
    policy,
    withheld_bearer,
)

ENABLED = frozenset({("enabled",)})
ALL = frozenset(row.path for row in list_ignorable_rows())


def ignoring(ignored: frozenset[tuple[str, ...]], key: str = "a", **other: object) -> Declared:
    return replace(declared(key, **other), ignored=ignored)  # type: ignore[arg-type]  # a keyword of the builder


def test_rule_02_the_fields_that_may_be_ignored_are_plain_and_of_no_endpoint() -> None:
    assert {path for (path,) in ALL} == {"description", "enabled", "events"}
    assert {row.path for row in FIELDS} > ALL


def test_rule_02_an_ignored_field_that_differs_is_no_change_and_no_drift() -> None:
    wanted = ignoring(ALL, enabled=True, description="ours", events=[STARTED])
    held = live("a", enabled=False, description="theirs", events=[FAILED])
    plan = plan_of([wanted], [held])
    assert (list_changes(plan), plan.counts.keep, plan.warnings) == ([], 1, ())
    assert not find_drift(plan).has_drift


def test_rule_02_an_ignored_enabled_that_is_open_is_not_reported_as_switched_off() -> None:
    plan = plan_of([ignoring(ENABLED)], [live("a", enabled=False)])
    assert (plan.switched_off, plan.warnings) == ((), ())
    assert not find_drift(plan).has_drift


def test_rule_02_a_create_writes_the_value_of_the_manifest() -> None:
    plan = plan_of([ignoring(ALL, enabled=False, description="x", events=[FAILED])], [])
    [change] = plan.pending
    assert change.declared is not None
    spec = change.declared.spec
    assert (spec.enabled, spec.description, spec.subscriptions) == (False, "x", {FAILED})


def test_rule_02_an_update_of_another_field_keeps_the_ignored_one() -> None:
    wanted = ignoring(ENABLED, enabled=True, description="new")
    tenant = MemoryProvider([live("a", enabled=False, description="old")])
    plan = plan_of([wanted], asyncio.run(tenant.list()))
    assert [field.dotted for field in plan.pending[0].fields] == ["description"]
    carried_out(plan, tenant)
    [after] = asyncio.run(tenant.list())
    assert (after.spec.enabled, after.spec.description) == (False, "new")


def test_rule_02_ignored_events_are_no_removal_and_their_sources_stay_recorded() -> None:
    wanted = ignoring(ALL, events=[])
    held = live("a", events=[STARTED], sources=("webhooks/payments.yaml",))
    assert plan_of([wanted], [held]).pending == ()


def test_rule_02_a_single_option_is_ignored() -> None:
    wanted, held = declared("a"), live("a")
    wanted = replace(
        wanted,
        spec=replace(wanted.spec, options={"mode": "x", "size": 1}),
        ignored=frozenset({("options", "mode")}),
    )
    held = replace(held, spec=replace(held.spec, options={"mode": "y", "size": 2}))
    [change] = plan_of([wanted], [held]).pending
    assert [field.dotted for field in change.fields] == ["options.size"]
    assert change.declared is not None
    assert change.declared.spec.options == {"mode": "y", "size": 1}
    same = replace(held, spec=replace(held.spec, options={"size": 1}))
    assert plan_of([wanted], [same]).pending == ()


def test_the_digest_covers_the_live_value_that_an_update_sends() -> None:
    wanted = ignoring(ENABLED, enabled=True, description="new")
    on, off = (plan_of([wanted], [live("a", enabled=enabled)]) for enabled in (True, False))
    assert on.digest != off.digest
    compared = replace(wanted, ignored=frozenset())
    assert on.digest == plan_of([compared], [live("a", enabled=True)]).digest


def test_since_labels_no_ignored_field() -> None:
    wanted = ignoring(ENABLED, enabled=True, description="new")
    then = declared("a", enabled=True)
    plan = plan_of([wanted], [live("a", enabled=False)])
    [change] = labelled(plan, Base("main", "c", (then,)), policy(), normalize).pending
    assert [field.dotted for field in change.fields] == ["description"]


def test_an_export_leaves_an_ignored_field_of_a_manifest_as_it_is() -> None:
    for wanted in (ignoring(ENABLED, enabled=True), ignoring(ENABLED)):
        assert (
            make_export([wanted], [live("a", enabled=False)], policy(), normalize=normalize).edits
            == ()
        )


IGNORED = st.frozensets(st.sampled_from(sorted(ALL)))


@settings(SETTINGS, max_examples=150)
@given(wanted_lists, held_lists, st.lists(IGNORED, min_size=6, max_size=6))
def test_rule_02_after_any_execution_with_ignored_fields_the_next_plan_is_empty(
    wanted: list[Declared], held: list[Live], ignored: list[frozenset[tuple[str, ...]]]
) -> None:
    wanted = [replace(item, ignored=paths) for item, paths in zip(wanted, ignored, strict=False)]
    plan = plan_of(wanted, held, ALLOWED)
    assume(unique_marks(held) and not plan.violations)
    by_id = {item.id: item for item in held}
    tenant = MemoryProvider(held)
    carried_out(plan, tenant)
    there = asyncio.run(tenant.list())
    again = plan_of(wanted, there, ALLOWED)
    assert (again.pending, again.violations) == ((), ())
    kept = {change.live.id: change for change in plan.pending if change.live and change.declared}
    for item in there:
        if item.id in kept and ("enabled",) in kept[item.id].declared.ignored:  # type: ignore[union-attr]  # asked above
            assert item.spec.enabled == by_id[item.id].spec.enabled


def suspended(key: str = "a", **other: object) -> Declared:
    return replace(declared(key, **other), suspended=True)  # type: ignore[arg-type]  # a keyword of the builder


def test_rule_02_a_suspended_webhook_is_kept_counted_and_warned_of() -> None:
    wanted = suspended(name="On-call", description="new", auth=bearer("2"), enabled=None)
    held = live("a", name="Former", enabled=False, auth=withheld_bearer("1"))
    plan = plan_of([wanted, declared("b")], [held, live("b")])
    assert (list_changes(plan), plan.counts.keep, plan.switched_off) == ([], 2, ())
    [warning] = plan.warnings
    assert warning.startswith("webhooks/payments.yaml:3:1: On-call: suspended")
    assert not find_drift(plan).has_drift


def test_rule_02_a_suspended_webhook_is_neither_created_nor_deleted() -> None:
    assert plan_of([suspended(), declared("b")], [live("b")]).pending == ()
    plan = plan_of([suspended(), declared("b")], [live("a", owner="search"), live("b")])
    assert (plan.pending, plan.violations) == ((), ())


def test_rule_05_a_suspended_webhook_without_its_manifest_is_deleted_as_any() -> None:
    plan = plan_of([declared("b")], [live("a"), live("b")], ALLOWED)
    assert [change.action for change in plan.pending] == [Action.DELETE]


def test_adopt_leaves_a_suspended_webhook() -> None:
    unowned = live("a", owner=None)
    for names, count in ((frozenset({"a"}), 1), (None, 0)):
        plan = make_adoption(
            [suspended()],
            [unowned],
            policy(),
            AdoptionRequest(names),
            tenant=TENANT,
            normalize=normalize,
        )
        assert plan.pending == ()
        assert [violation.rule for violation in plan.violations] == ["suspended"] * count
