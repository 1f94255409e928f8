"""What the plans of several tenants together are known by, and whether a run over them wrote
anything.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.change import Action, Change, Plan, TenantRef
from reconciler.core.results.reports import Failure, Outcome, Report, Status
from reconciler.core.results.runs import Runs, TenantRun
from reconciler.core.safety.plan_digest import add_digest

A, B = (add_digest(Plan(TenantRef(name, f"local:{name}.db", "payments"))) for name in "ab")
PLANNED = {name: TenantRun(name, 1, 0, plan=plan) for name, plan in (("a", A), ("b", B))}


def digest(*runs: TenantRun) -> str | None:
    return Runs(runs, 0).digest


def test_the_digest_of_all_says_which_plan_is_whose_in_whatever_order_they_come() -> None:
    both = digest(*PLANNED.values())
    assert digest(PLANNED["b"], PLANNED["a"]) == both
    swapped = digest(replace(PLANNED["a"], plan=B), replace(PLANNED["b"], plan=A))
    fewer, renamed = digest(PLANNED["a"]), digest(replace(PLANNED["a"], tenant="c"), PLANNED["b"])
    assert len({both, swapped, fewer, renamed, A.digest, None}) == 6


def test_there_is_no_digest_of_all_where_a_tenant_lacks_its_plan_unless_nothing_there_was_asked_for() -> (
    None
):
    assert digest(PLANNED["a"], TenantRun("b", 1, 0, note="nothing to do")) == digest(PLANNED["a"])
    assert digest(TenantRun("b", 1, 0, note="nothing to do")) is None
    for lacking in (
        TenantRun("b", 1, 1, error=Failure("unreachable", "away")),
        TenantRun("b", 1, None, note="not started"),
        TenantRun("b", 1, 0, report=Report(B)),
    ):
        assert digest(PLANNED["a"], lacking) is None


def test_a_run_has_written_once_a_single_change_was_carried_out() -> None:
    change = Change(Action.CREATE, "one", None)

    def written(*statuses: Status) -> bool:
        return TenantRun(
            "a", 1, 0, report=Report(A, tuple(Outcome(status, change) for status in statuses))
        ).has_written

    assert not PLANNED["a"].has_written
    assert [written(status) for status in Status] == [True, True, True, False, False, False]
    assert written(Status.FAILED, Status.DELETED)
