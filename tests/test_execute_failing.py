"""docs/plan-rules.md, rule 12: whatever fails or interrupts a run, every pending change has an
outcome.
"""

from __future__ import annotations

import asyncio

import pytest

from reconciler.core.change import Change
from reconciler.core.errors import (
    BadAnswer,
    Conflict,
    Overloaded,
    ProviderError,
    Rejected,
    TenantFault,
    Unauthorized,
    Unreachable,
)
from reconciler.core.results.reports import Failure, Report
from reconciler.execute import Execution, Options
from tests.support.builders import (
    OWNER,
    carry_out,
    ended,
    errors,
    failing,
    mixed,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unreachable("x"), "unreachable"),
        (Overloaded("x", 3), "overloaded"),
        (TenantFault("x"), "tenant-fault"),
        (Conflict("x", ("name",)), "conflict"),
        (Rejected("x", ("/url",)), "rejected"),
        (BadAnswer("x"), "bad-answer"),
        (Unauthorized("x", object_only=True), "owner"),
    ],
)
def test_rule_12_a_failure_is_an_outcome_and_the_rest_goes_on(
    error: ProviderError, kind: str
) -> None:
    plan, tenant = mixed(failing("c1", error))
    report = carry_out(plan, tenant)
    assert errors(report) == {"c1": kind, "d1": "skipped", "d2": "skipped"}
    assert not report.complete
    assert report.outcomes[0].error is not None
    assert report.outcomes[0].error.fields == getattr(error, "fields", ())


def test_rule_12_a_check_that_meets_an_error_is_an_outcome_too() -> None:
    async def check(change: Change) -> Failure | None:
        if change.name == "c1":
            raise Unreachable("no answer")
        return None

    plan, tenant = mixed()
    report = carry_out(plan, tenant, check=check)
    assert errors(report)["c1"] == "unreachable"
    assert ended(report)["c2"] == "created"


def test_rule_12_a_token_that_is_refused_ends_the_run_with_every_outcome() -> None:
    plan, tenant = mixed(failing("c1", Unauthorized("401")))
    report = carry_out(plan, tenant, parallelism=1)
    assert errors(report)["c1"] == "unauthorized"
    assert set(ended(report).values()) == {"failed", "skipped"}
    assert tenant.wrote == []


def test_rule_12_on_error_stop_skips_what_was_not_started() -> None:
    plan, tenant = mixed(failing("c1", TenantFault("500")))
    report = carry_out(plan, tenant, parallelism=1, stop_on_error=True)
    assert ended(report) == {
        "c1": "failed",
        "c2": "skipped",
        "u1": "skipped",
        "u2": "skipped",
        "d1": "skipped",
        "d2": "skipped",
    }
    assert errors(report)["c2"] == "stopped"


def test_rule_12_a_deadline_skips_what_was_not_started() -> None:
    now = iter(range(100))
    plan, tenant = mixed()
    report = carry_out(plan, tenant, parallelism=1, clock=lambda: float(next(now)), deadline=3.0)
    assert (ended(report)["c1"], ended(report)["u2"]) == ("created", "skipped")
    assert set(errors(report).values()) == {"deadline", "skipped"}
    assert len(report.outcomes) == len(plan.pending)


def test_rule_12_a_stopped_run_finishes_what_is_under_way_and_skips_the_rest() -> None:
    runs: list[Execution] = []

    def stop(_verb: str, name: str) -> None:
        if name == "c1":
            runs[0].stop(Failure("interrupted", "interrupted before it was started"))

    plan, tenant = mixed(stop)
    runs.append(Execution(plan, tenant, OWNER, Options(parallelism=1)))
    asyncio.run(runs[0].run())
    report = runs[0].report()
    assert ended(report) == {
        "c1": "created",
        "c2": "skipped",
        "u1": "skipped",
        "u2": "skipped",
        "d1": "skipped",
        "d2": "skipped",
    }
    assert runs[0].interrupted


def test_rule_12_an_interruption_stays_one_when_something_fails_after_it() -> None:
    runs: list[Execution] = []

    def stop(_verb: str, _name: str) -> None:
        runs[0].stop(Failure("interrupted", "interrupted before it was started"))
        raise TenantFault("500")

    plan, tenant = mixed(stop)
    runs.append(Execution(plan, tenant, OWNER, Options(parallelism=1, stop_on_error=True)))
    asyncio.run(runs[0].run())
    assert runs[0].interrupted
    assert errors(runs[0].report())["c2"] == "interrupted"


def test_rule_12_a_stop_during_a_check_writes_nothing() -> None:
    runs: list[Execution] = []

    async def check(_change: Change) -> Failure | None:
        runs[0].stop(Failure("interrupted", "interrupted before it was started"))
        return None

    plan, tenant = mixed()
    runs.append(Execution(plan, tenant, OWNER, Options(check=check)))
    asyncio.run(runs[0].run())
    assert tenant.wrote == []


def test_rule_12_every_pending_change_has_an_outcome_when_the_run_is_cut_off() -> None:
    reached = asyncio.Event()

    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    plan, tenant = mixed(lambda _verb, name: hang() if name == "c2" else None)

    async def cut_off() -> Report:
        execution = Execution(plan, tenant, OWNER, Options(parallelism=1))
        task = asyncio.ensure_future(execution.run())
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return execution.report(interrupted=True)

    report = asyncio.run(cut_off())
    assert list(ended(report).values()) == [
        "created",
        "failed",
        "skipped",
        "skipped",
        "skipped",
        "skipped",
    ]
    assert set(errors(report).values()) == {"interrupted"}
    assert report.outcomes[1].error is not None
    assert "before its answer arrived" in report.outcomes[1].error.message
    assert report.outcomes[2].error is not None
    assert "before it was started" in report.outcomes[2].error.message
