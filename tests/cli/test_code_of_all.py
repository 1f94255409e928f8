"""The exit code of a run over several tenants."""

from __future__ import annotations

import pytest

from reconciler.cli.tenants.all_tenants import all_of
from reconciler.core.change import Action, Change, Plan, TenantRef
from reconciler.core.results.reports import Outcome, Report, Status
from reconciler.core.results.runs import TenantRun

PLAN = Plan(TenantRef("a", "local:a.db", "payments"))
NOTHING = TenantRun("a", 1, 0, report=Report(PLAN))
WRITTEN = TenantRun(
    "a", 1, 0, report=Report(PLAN, (Outcome(Status.CREATED, Change(Action.CREATE, "one", None)),))
)


@pytest.mark.parametrize("code", [3, 5, 6])
def test_a_code_that_says_that_nothing_was_written_is_4_once_something_was_written_anywhere(
    code: int,
) -> None:
    refused = TenantRun("b", 2, code)
    assert all_of((NOTHING, refused), ()).exit_code == code
    assert all_of((WRITTEN, refused), ()).exit_code == 4
    assert [run.exit_code for run in all_of((WRITTEN, refused), ()).runs] == [0, code]


@pytest.mark.parametrize("code", [0, 1, 4, 8, 130])
def test_any_other_code_is_the_worst_of_all_whatever_was_written(code: int) -> None:
    assert all_of((WRITTEN, TenantRun("b", 2, code), TenantRun("c", 3, None)), ()).exit_code == code


def test_what_was_interrupted_between_two_turns_is_130() -> None:
    assert all_of((WRITTEN, TenantRun("b", 2, None)), (), interrupted=True).exit_code == 130
