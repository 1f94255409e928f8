"""Which sources need evidence of removal, and what a source without evidence does to a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.change import Plan
from reconciler.core.model.webhook import Declared, Live
from reconciler.core.safety.evidence import Doubt, State, add_doubts, find_removals
from reconciler.core.safety.run_policy import Scope
from tests.support.builders import FAILED, STARTED, declared, live, plan_of, policy, rules

ALLOWED = policy(scope=Scope((".",)))
KEPT = declared("kept")


def planned(wanted: Declared | None, there: Live) -> Plan:
    return plan_of([KEPT, *([wanted] if wanted else [])], [live("kept", id="k"), there], ALLOWED)


@pytest.mark.parametrize(
    ("wanted", "there", "sources"),
    [
        (None, live("a", sources=("a.yaml", "b.yaml")), {"a.yaml": ("a",), "b.yaml": ("a",)}),
        (None, live("a", sources=()), {}),
        (None, live("a", owner="others"), {}),
        (
            declared("a", sources=("a.yaml",)),
            live("a", sources=("a.yaml",), events=(STARTED, FAILED)),
            {},
        ),
        (
            declared("a", sources=("a.yaml",)),
            live("a", sources=("a.yaml", "b.yaml"), events=(STARTED, FAILED)),
            {"b.yaml": ("a",)},
        ),
        (
            declared("a", sources=("a.yaml",), events=(STARTED, FAILED)),
            live("a", sources=("a.yaml", "b.yaml")),
            {},
        ),
        (
            declared("a", sources=("a.yaml",), description="new"),
            live("a", sources=("a.yaml", "b.yaml")),
            {},
        ),
        (declared("a", sources=("new.yaml",)), live("a", sources=("old.yaml",)), {}),
    ],
)
def test_deletes_and_removed_subscriptions_need_evidence(
    wanted: Declared | None, there: Live, sources: dict[str, tuple[str, ...]]
) -> None:
    assert find_removals(planned(wanted, there), ALLOWED) == sources


def test_one_violation_a_source_names_every_webhook_and_can_be_accepted() -> None:
    found = plan_of(
        [KEPT],
        [live("kept", id="k"), *(live(key, sources=("sub/x.yaml",)) for key in "ba")],
        ALLOWED,
    )
    doubt = Doubt(State.SUBMODULE, "sub")
    plan = add_doubts(
        found, {"sub/x.yaml": doubt}, replace(ALLOWED, scope=Scope((".",), root=".."))
    )
    (violation,) = [
        violation for violation in plan.violations if violation.rule == "source-unclear"
    ]
    message = (
        "../sub/x.yaml: the submodule ../sub is not checked out; run git submodule update --init"
    )
    assert (violation.message, violation.names, violation.is_acceptable) == (
        message,
        ("a", "b"),
        True,
    )


def test_without_a_doubt_the_plan_is_the_same() -> None:
    plan = planned(None, live("a"))
    assert add_doubts(plan, {}, ALLOWED) is plan
    assert rules(plan) == []


def test_the_digest_covers_what_is_unclear_from_whatever_folder() -> None:
    plan = planned(None, live("a", sources=("a.yaml",)))
    doubts = [
        Doubt(State.HIDDEN, "a.yaml"),
        Doubt(State.NO_DOCUMENT),
        Doubt(State.SUBMODULE, "x"),
        Doubt(State.SUBMODULE, "y"),
    ]
    digests = {
        plan.digest,
        *(add_doubts(plan, {"a.yaml": doubt}, ALLOWED).digest for doubt in doubts),
    }
    assert len(digests) == 5
    elsewhere = replace(ALLOWED, scope=Scope((".",), root="../.."))
    assert {add_doubts(plan, {"a.yaml": doubt}, elsewhere).digest for doubt in doubts} < digests
    failed = Doubt(State.GIT_FAILED, ".", "one text")
    wordings = {
        add_doubts(plan, {"a.yaml": replace(failed, detail=text)}, ALLOWED).digest
        for text in ("one text", "another")
    }
    assert len(wordings) == 1


def test_a_doubt_hides_no_other_reason_to_refuse() -> None:
    allowed = replace(policy(repository="forge.example/acme/webhooks"), scope=Scope((".",)))
    other = live("a", sources=("sub/x.yaml",), repository="forge.example/search/webhooks")
    found = plan_of(
        [KEPT], [live("kept", id="k", repository="forge.example/acme/webhooks"), other], allowed
    )
    plan = add_doubts(found, {"sub/x.yaml": Doubt(State.SUBMODULE, "sub")}, allowed)
    assert sorted(rules(plan)) == sorted([*rules(found), "source-unclear"])
    assert "other-repository" in rules(plan)
