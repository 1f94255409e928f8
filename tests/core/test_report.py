"""The small questions of the values: reports, errors, problems."""

from __future__ import annotations

import pytest

from reconciler.core import errors
from reconciler.core.change import Violation
from reconciler.core.errors import InvalidManifests, PlanRefused, ProviderError, ReconcilerError
from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin, Subscription
from reconciler.core.results.reports import (
    Check,
    Delivery,
    Outcome,
    Report,
    Status,
    TestReport,
    Verdict,
)
from tests.support.builders import STARTED, declared, live, plan_of

TREE = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ReconcilerError)
]


def test_a_report_counts_each_status_and_what_the_plan_keeps() -> None:
    plan = plan_of([declared("a"), declared("b"), declared("k")], [live("k")])
    first, second = plan.pending
    done = Report(plan, (Outcome(Status.CREATED, first), Outcome(Status.FAILED, second)))
    counts = {status.value: done.count(status) for status in Status}
    assert counts == {
        "created": 1,
        "updated": 0,
        "deleted": 0,
        "unchanged": 1,
        "skipped": 0,
        "failed": 1,
    }
    assert not done.complete
    assert Report(plan, (Outcome(Status.CREATED, first), Outcome(Status.CREATED, second))).complete


def test_a_test_report_passes_when_every_check_passed() -> None:
    delivery = Delivery("a", STARTED, Verdict.AUTH_REFUSED, 401)
    checks = [
        Check(delivery, "a", "tenant", "auth", True),
        Check(delivery, "a", "tenant", "delivery", False),
    ]
    assert TestReport(tuple(checks[:1])).passed
    assert not TestReport(tuple(checks)).passed


def test_the_verdicts_are_the_closed_list_of_the_command_line() -> None:
    assert {verdict.value for verdict in Verdict} == {
        "delivered", "auth-refused", "not-found", "rejected", "receiver-error", "redirected",
        "timeout", "unresolved",
        "refused", "broken", "tls", "blocked", "interrupted",
    }  # fmt: skip


def test_section_7_each_error_has_a_kind_of_its_own() -> None:
    kinds = [kind.kind for kind in TREE]
    assert len(set(kinds)) == len(kinds)
    assert not [kind for kind in TREE if kind.__doc__ is None]


def test_section_7_only_what_may_pass_by_itself_is_temporary() -> None:
    temporary = {
        kind.__name__ for kind in TREE if issubclass(kind, ProviderError) and kind.temporary
    }
    assert temporary == {"Unreachable", "Overloaded", "TenantFault"}


def test_section_7_errors_of_a_whole_run_carry_what_was_found() -> None:
    problems = tuple(
        Problem(Origin("a.yaml", line), "", "x", level, "m")
        for line, level in ((1, "error"), (2, "warning"))
    )  # type: ignore[arg-type]  # literals
    invalid = InvalidManifests(problems, documents=3, skipped=1)
    assert (str(invalid), invalid.documents, invalid.skipped) == (
        "1 problem(s) in the manifests",
        3,
        1,
    )
    refused = PlanRefused((Violation("empty-set", "one"), Violation("protected", "two", ("b",))))
    assert str(refused) == "one; two"


@pytest.mark.parametrize(
    ("parts", "text"),
    [(("t", "v0", "info"), "t v0 info"), (("t", None, None), "t"), (("t", None, "x"), "t x")],
)
def test_a_subscription_prints_what_it_has(
    parts: tuple[str, str | None, str | None], text: str
) -> None:
    assert str(Subscription(*parts)) == text
    assert str(Origin("a.yaml", 7, 9)) == "a.yaml:7:9"
