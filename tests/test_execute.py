"""Carrying out, against the memory provider: docs/plan-rules.md, rules 9 to 13. Every change has an
outcome.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from reconciler import workflow
from reconciler.core.change import Change
from reconciler.core.errors import (
    PlanRefused,
    Rejected,
    StalePlan,
    TenantFault,
    Unreachable,
)
from reconciler.core.results.reports import Failure, Outcome, Report, Status
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.execute import Execution, Options
from tests.support.builders import (
    FREE,
    OWNER,
    VALUE,
    Tenant,
    bearer,
    carry_out,
    declared,
    ended,
    errors,
    failing,
    live,
    mixed,
    plan_of,
    policy,
)


def test_everything_is_carried_out_and_reported_in_the_order_of_the_plan() -> None:
    plan, tenant = mixed()
    report = carry_out(plan, tenant)
    assert list(ended(report).items()) == [
        ("c1", "created"),
        ("c2", "created"),
        ("u1", "updated"),
        ("u2", "updated"),
        ("d1", "deleted"),
        ("d2", "deleted"),
    ]
    assert report.complete
    assert sorted(item.spec.name for item in tenant.webhooks.values()) == ["c1", "c2", "u1", "u2"]
    assert [outcome.id in tenant.webhooks for outcome in report.outcomes] == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_an_empty_plan_writes_nothing_and_reports_what_it_keeps() -> None:
    tenant = Tenant([live("a")])
    report = carry_out(plan_of([declared("a")], [live("a")]), tenant)
    assert (report.outcomes, report.complete, report.count(Status.UNCHANGED), tenant.wrote) == (
        (),
        True,
        1,
        [],
    )


def test_rule_09_stages_are_barriers() -> None:
    plan, tenant = mixed()
    carry_out(plan, tenant, parallelism=10)
    assert [entry.split()[0] for entry in tenant.wrote] == ["create"] * 2 + ["update"] * 2 + [
        "delete"
    ] * 2


def test_rule_09_names_are_freed_before_they_are_taken() -> None:
    wanted = [declared("a", name="B"), declared("b", name="C"), declared("new", name="A")]
    there = [live("a", name="A"), live("b", name="B")]
    tenant = Tenant(there)
    assert carry_out(plan_of(wanted, there), tenant).complete
    assert tenant.wrote == ["update C", "update B", "create A"]


@pytest.mark.parametrize("name", ["c1", "u2"])
@pytest.mark.parametrize("stop", [True, False])
def test_rule_09_deletes_start_only_if_no_create_or_update_failed(name: str, stop: bool) -> None:
    plan, tenant = mixed(failing(name, Unreachable("no answer")))
    report = carry_out(plan, tenant, stop_on_error=stop)
    assert ended(report)[name] == "failed"
    assert (ended(report)["d1"], ended(report)["d2"]) == ("skipped", "skipped")
    assert not [entry for entry in tenant.wrote if entry.startswith("delete")]


def test_rule_09_deletes_do_not_start_either_when_something_was_skipped() -> None:
    async def check(change: Change) -> Failure | None:
        return Failure("test-failed", "its endpoint is down") if change.name == "u1" else None

    plan, tenant = mixed()
    report = carry_out(plan, tenant, check=check)
    assert errors(report) == {"u1": "test-failed", "d1": "skipped", "d2": "skipped"}
    assert "update u1" not in tenant.wrote


def test_rule_09_the_last_subscription_is_not_taken_either_when_a_create_failed() -> None:
    """The create may be what was to receive its events from now on."""
    there = [live("old")]
    tenant = Tenant(there, failing("new", Unreachable("no answer")))
    report = carry_out(plan_of([declared("new"), declared("old", events=[])], there), tenant)
    assert ended(report) == {"new": "failed", "old": "skipped"}
    assert tenant.webhooks["wh-old"].spec.subscriptions


def test_rule_09_a_failed_delete_does_not_stop_the_others() -> None:
    plan, tenant = mixed(failing("d1", TenantFault("500")))
    assert ended(carry_out(plan, tenant))["d2"] == "deleted"


def test_rule_10_a_webhook_that_changed_since_the_plan_is_a_failed_conflict_and_not_overwritten() -> (
    None
):
    there = [live("a"), live("b"), live("gone")]
    plan = plan_of([declared("a", description="x"), declared("b", description="x")], there, FREE)
    tenant = Tenant(there)
    mine = tenant.webhooks["wh-a"]
    tenant.webhooks["wh-a"] = replace(mine, revision="r2", spec=replace(mine.spec, enabled=False))
    report = carry_out(plan, tenant)
    assert ended(report) == {"a": "failed", "b": "updated", "gone": "skipped"}
    [failed] = [outcome for outcome in report.outcomes if outcome.status is Status.FAILED]
    assert failed.error is not None
    assert (failed.error.kind, failed.error.fields, failed.id) == ("conflict", ("enabled",), "wh-a")
    assert tenant.webhooks["wh-a"].spec.description == ""


def test_rule_10_a_delete_of_what_moved_is_a_conflict() -> None:
    there = [live("a"), live("gone")]
    tenant = Tenant(there)
    tenant.webhooks["wh-gone"] = replace(there[1], revision="r2")
    assert errors(carry_out(plan_of([declared("a")], there), tenant)) == {"gone": "conflict"}
    assert "wh-gone" in tenant.webhooks


def test_rule_10_two_at_once_lose_no_update_and_the_loser_gets_conflicts() -> None:
    there = [live("a"), live("b")]
    tenant = Tenant(there)
    plans = [
        plan_of([declared("a", description=text), declared("b", description=text)], there)
        for text in ("one", "two")
    ]

    async def both() -> list[Report]:
        runs = [Execution(plan, tenant, OWNER, Options()) for plan in plans]
        await asyncio.gather(*(run.run() for run in runs))
        return [run.report() for run in runs]

    outcomes = [outcome.status for report in asyncio.run(both()) for outcome in report.outcomes]
    assert sorted(outcomes) == [Status.FAILED, Status.FAILED, Status.UPDATED, Status.UPDATED]


def test_rule_11_each_change_of_each_run_has_its_own_idempotency_key() -> None:
    tenant = Tenant()
    for keys in (["a", "b"], ["c", "d"]):
        carry_out(plan_of([declared(key) for key in keys], []), tenant)
    assert len(set(tenant.keys)) == 4


def test_rule_11_deleting_what_is_gone_counts_as_deleted() -> None:
    there = [live("a"), live("gone")]
    report = carry_out(plan_of([declared("a")], there), Tenant(there[:1]))
    assert ended(report) == {"gone": "deleted"}


def test_no_more_than_parallelism_are_under_way() -> None:
    tenant = Tenant()
    carry_out(plan_of([declared(f"w{number}") for number in range(20)], []), tenant, parallelism=3)
    assert tenant.most == 3


def test_progress_hears_of_each_outcome_once() -> None:
    heard: list[Outcome] = []
    plan, tenant = mixed(failing("c1", TenantFault("500")))
    report = carry_out(plan, tenant, progress=heard.append)
    assert sorted(map(id, heard)) == sorted(map(id, report.outcomes))


def test_a_defect_is_not_caught() -> None:
    def broken(_verb: str, _name: str) -> None:
        raise KeyError("a defect")

    plan, tenant = mixed(broken)
    with pytest.raises(ExceptionGroup) as caught:
        carry_out(plan, tenant, parallelism=1)
    assert caught.group_contains(KeyError)


def test_no_credential_stands_in_a_report() -> None:
    tenant = Tenant(before=failing("b", Rejected("refused", ("/auth/token",))))
    report = carry_out(
        plan_of([declared("a", auth=bearer("1")), declared("b", auth=bearer("1"))], []), tenant
    )
    assert VALUE not in repr(report)
    assert ended(report) == {"a": "created", "b": "failed"}


def test_a_plan_with_violations_is_never_carried_out() -> None:
    there = [live("a"), live("b", owner="search")]
    plan = plan_of([declared("a", description="x"), declared("b")], there)
    tenant = Tenant(there)
    with pytest.raises(PlanRefused, match="search"):
        asyncio.run(workflow.reconcile(plan, tenant, policy()))
    assert tenant.wrote == []


def test_rule_13_another_plan_than_the_approved_one_is_stale() -> None:
    plan = plan_of([declared("a")], [])
    workflow.approve(plan, plan.digest)
    with pytest.raises(StalePlan, match=plan.digest):
        workflow.approve(plan, "sha256:other")


def test_reconcile_carries_out_and_the_next_plan_is_empty() -> None:
    tenant, allowed = Tenant(), RunPolicy(OWNER)
    wanted = [declared("a", auth=bearer("1")), declared("b")]
    report = asyncio.run(workflow.reconcile(plan_of(wanted, [], allowed), tenant, allowed))
    assert report.complete
    assert plan_of(wanted, asyncio.run(tenant.list()), allowed).pending == ()
