"""docs/plan-rules.md, rule 16: what is declared but no longer selected is not deleted as if its
manifest were gone.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.core.errors import PlanRefused
from reconciler.core.model.webhook import Origin
from reconciler.core.safety.run_policy import RunPolicy, Scope
from reconciler.core.safety.selection import LeftOut, Selection
from reconciler.workflow import approve
from tests.support.builders import declared, list_changes, live, many, plan_of, policy, rules


def selecting(*left_out: LeftOut) -> Selection:
    return Selection("payments", {"team": "payments", "stage": "live"}, left_out)


def left_out(
    key: str, name: str | None = None, previously: tuple[str, ...] = (), line: int = 1
) -> LeftOut:
    return LeftOut(key, name or key, previously, Origin("webhooks/a.yaml", line))


def test_rule_16_a_declared_webhook_that_is_not_selected_is_a_violation_with_file_line_and_selector() -> (
    None
):
    wanted, there = many(9)
    plan = plan_of(
        wanted,
        [*there, live("a", name="On-call")],
        policy(selection=selecting(left_out("a", line=7))),
    )
    assert (list_changes(plan), rules(plan)) == ([("delete", "On-call")], ["no-longer-selected"])
    [violation] = plan.violations
    place = (
        "On-call: declared in webhooks/a.yaml:7, but tenant payments selects team=payments, "
        "stage=live"
    )
    assert violation.message.startswith(place)
    assert "--accept DIGEST" in violation.message
    assert (violation.names, violation.origin) == (("On-call",), Origin("webhooks/a.yaml", 7))
    assert plan.pending[0].reason == "ours, declared, but not selected"


def test_rule_16_one_whose_manifest_is_gone_is_deleted_as_ever() -> None:
    wanted, there = many(9)
    plan = plan_of(wanted, [*there, live("gone")], policy(selection=selecting(left_out("a"))))
    assert (list_changes(plan), rules(plan)) == ([("delete", "gone")], [])


@pytest.mark.parametrize(
    "item",
    [
        left_out("new", previously=("old",)),
        left_out("new", previously=("Old name",)),
        left_out("old"),
    ],
)
def test_rule_16_its_key_and_its_earlier_keys_and_names_find_it(item: LeftOut) -> None:
    plan = plan_of(
        [declared("a")],
        [live("a"), live("old", name="Old name")],
        policy(selection=selecting(item)),
    )
    assert rules(plan) == ["no-longer-selected"]


def test_an_unowned_webhook_is_found_by_its_name_where_unowned_ones_count_as_ours() -> None:
    there = [live("a"), live("x", owner=None, name="Cafe\u0301", sources=())]
    allowed = policy(ownership="all", selection=selecting(left_out("b", "Caf\u00e9")))
    assert rules(plan_of([declared("a")], there, allowed)) == ["no-longer-selected"]
    assert list_changes(plan_of([declared("a")], there, policy(selection=allowed.selection))) == []


@pytest.mark.parametrize(
    "narrow",
    [
        lambda selection: policy(prune=False, selection=selection),
        lambda selection: policy(scope=Scope(selected_keys=frozenset({"a"})), selection=selection),
        lambda selection: policy(scope=Scope((), ("webhooks/payments.yaml",)), selection=selection),
    ],
    ids=["prune off", "--only", "a named file"],
)
def test_where_nothing_is_deleted_nothing_is_refused(
    narrow: Callable[[Selection], RunPolicy],
) -> None:
    plan = plan_of([declared("a")], [live("a"), live("b")], narrow(selecting(left_out("b"))))
    assert (list_changes(plan), rules(plan), plan.counts.out_of_scope) == ([], [], 1)


def test_another_owners_webhook_of_that_key_stays_unmanaged() -> None:
    plan = plan_of(
        [declared("a")],
        [live("a"), live("b", owner="search")],
        policy(selection=selecting(left_out("b"))),
    )
    assert (list_changes(plan), rules(plan), plan.counts.unmanaged) == ([], [], 1)


def test_rule_16_accept_passes_just_the_plan_that_was_looked_at() -> None:
    there = [live("a"), live("b")]
    plain = plan_of([declared("a")], there)
    lost = plan_of([declared("a")], there, policy(selection=selecting(left_out("b"))))
    assert plain.digest != lost.digest
    with pytest.raises(PlanRefused):
        approve(lost, None)
    approve(lost, None, lost.digest)
