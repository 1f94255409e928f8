"""What a Tenant's schedule stops and lets pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.core.errors import PlanRefused
from reconciler.core.model.schedule import ALWAYS, Schedule, Window
from reconciler.core.model.webhook import Origin
from reconciler.core.safety.holds import accept_listed, add_hold, find_hold, warn_of_suspension
from reconciler.rendering.document import plan_document
from reconciler.rendering.markdown import plan_markdown
from reconciler.rendering.text import plan_text
from reconciler.workflow import approve
from tests.support.builders import declared, live, plan_of

NIGHTLY = Schedule(windows=(Window("0 2 * * *", 3600.0),))
SUSPENDED = Schedule(suspend=True)
PLACES = {"suspend": Origin("tenant.yaml", 7), "windows": Origin("tenant.yaml", 9)}
OPENING = datetime(2026, 1, 5, 2, tzinfo=UTC)


def test_an_open_schedule_holds_nothing() -> None:
    assert find_hold(ALWAYS, is_open=True) is None
    assert find_hold(NIGHTLY, is_open=True) is None


def test_a_suspended_tenant_is_held_whatever_its_windows() -> None:
    for is_open in (True, False):
        hold = find_hold(replace(NIGHTLY, suspend=True), is_open=is_open, places=PLACES)
        assert hold is not None
        assert (hold.rule, hold.origin) == ("suspended", PLACES["suspend"])


def test_outside_of_a_window_the_next_opening_is_named() -> None:
    hold = find_hold(NIGHTLY, is_open=False, opening=OPENING, places=PLACES)
    assert hold is not None
    assert (hold.rule, hold.origin) == ("outside-window", PLACES["windows"])
    assert hold.message.endswith("the next one opens at 2026-01-05 02:00 UTC")
    never = find_hold(NIGHTLY, is_open=False)
    assert never is not None
    assert never.message.endswith("none opens again")


def test_a_hold_refuses_a_plan_with_changes_only_and_no_digest_accepts_it() -> None:
    hold = find_hold(SUSPENDED, is_open=True)
    empty, plan = plan_of([declared("a")], [live("a")]), plan_of([declared("a")], [])
    assert add_hold(empty, hold) == empty
    held = add_hold(plan, hold)
    assert held.digest == plan.digest
    for accept in (None, held.digest):
        with pytest.raises(PlanRefused) as caught:
            approve(held, None, accept)
        assert [violation.rule for violation in caught.value.violations] == ["suspended"]
    listed = accept_listed(held, replace(SUSPENDED, accept=(held.digest,)))
    with pytest.raises(PlanRefused):
        approve(listed, None)


def test_a_listed_digest_accepts_the_acceptable_violations_of_that_plan_alone() -> None:
    over = plan_of([declared("a")], [live(key) for key in "abcd"])
    assert [violation.rule for violation in over.violations] == ["delete-limit"]
    schedule = Schedule(accept=("sha256:" + "0" * 64, over.digest))
    accepted = accept_listed(over, schedule)
    approve(accepted, None)
    assert (accepted.digest, accepted.refusals) == (over.digest, ())
    other = plan_of([declared("a")], [live(key) for key in "abcde"])
    assert accept_listed(other, schedule) == other


def test_a_violation_that_nobody_may_accept_still_refuses_a_listed_plan() -> None:
    plan = plan_of([declared("a", description="x")], [live("a", owner="search")])
    found = accept_listed(plan, Schedule(accept=(plan.digest,)))
    assert [violation.rule for violation in found.refusals] == ["other-owner"]


def test_every_form_marks_an_accepted_violation() -> None:
    over = plan_of([declared("a")], [live(key) for key in "abcd"])
    accepted = accept_listed(over, Schedule(accept=(over.digest,)))
    text = plan_text(accepted)
    assert "violation delete-limit (accepted): " in text
    assert text.endswith("Accepted in the Tenant: 1 violation.")
    assert "- **delete-limit** (accepted): " in plan_markdown(accepted)
    assert [item.get("accepted") for item in plan_document(accepted)["violations"]] == [True]
    assert [item.get("accepted") for item in plan_document(over)["violations"]] == [None]
    assert "Refused: 1 violation; nothing is written." in plan_text(over)


def test_a_plan_of_a_suspended_tenant_has_a_warning_with_its_place() -> None:
    assert warn_of_suspension(ALWAYS) == ()
    assert warn_of_suspension(SUSPENDED, PLACES) == (
        "tenant.yaml:7:1: the Tenant says suspend: true, so nothing will be written to it",
    )
