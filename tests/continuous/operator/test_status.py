"""Each result of a run as conditions, per kind; and which objects may go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.continuous.operator.conditions import compute_kstatus
from reconciler.continuous.operator.documents import Objects, make_documents
from reconciler.continuous.operator.objects import Object
from reconciler.continuous.operator.orphans import make_unused_status
from reconciler.continuous.operator.released import find_released
from reconciler.continuous.operator.runs import Run
from reconciler.continuous.operator.status import make_statuses
from reconciler.continuous.results import Result, State
from reconciler.core.change import Violation
from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin
from tests.continuous.operator.objects_for_tests import (
    NOW,
    make,
    make_result,
    make_tenant,
    make_webhook,
)
from tests.continuous.operator.plans import make_plan

HOOK = make_webhook("oncall")
SUBSCRIPTION = make("EventSubscription", "more", spec={"webhook": "oncall", "events": []})
POLICY = make("Policy", "rules", spec={})
OTHERS = (HOOK, SUBSCRIPTION, POLICY)


def make_run(result: Result, *others: Object, tenant: Object | None = None, **fields: Any) -> Run:
    tenant = tenant or make_tenant()
    objects = Objects("payments", tenant, others or OTHERS, "u", tenants=(tenant,), **fields)
    return Run("payments/production", result, objects, make_documents(objects))


def describe(run: Run, item: Object) -> list[str]:
    status = make_statuses(run, "now")[item.key]
    return [f"{each['type']}={each['status']}/{each['reason']}" for each in status["conditions"]]


PROBLEM = Problem(
    Origin("payments/webhooks/oncall", 1, 1), "/spec/auth/token", "secret/unresolved", "error", "no"
)
INVALID = replace(PROBLEM, rule="schema/type", pointer="/spec/url")
REFUSED = {"violations": (Violation("delete-limit", "too many", ()),)}


@pytest.mark.parametrize(
    ("result", "tenant", "webhook", "other"),
    [
        (
            make_result(State.SYNCED, plan=make_plan()),
            ["Ready=True/Synced"],
            ["Ready=True/Synced", "Synced=True/Synced", "Drifted=False/NoDrift"],
            ["Ready=True/Applied"],
        ),
        (
            make_result(State.PENDING, plan=make_plan(update="oncall")),
            ["Ready=True/Reported"],
            ["Ready=False/Pending", "Synced=False/Pending", "Drifted=False/NoDrift"],
            ["Ready=False/Pending"],
        ),
        (
            make_result(State.DRIFTED, plan=make_plan(drift="oncall")),
            ["Ready=True/Reported"],
            ["Ready=False/Drifted", "Synced=False/Drifted", "Drifted=True/Drift"],
            ["Ready=False/Pending"],
        ),
        (
            make_result(State.PENDING, plan=make_plan(update="oncall"), hold="outside"),
            ["Ready=False/Held", "Reconciling=True/Held"],
            ["Ready=False/Pending", "Synced=False/Pending", "Drifted=False/NoDrift"],
            ["Ready=False/Pending"],
        ),
        (
            make_result(State.REFUSED, plan=make_plan(update="oncall"), **REFUSED),
            ["Ready=False/GuardRefused", "Stalled=True/GuardRefused"],
            ["Ready=False/GuardRefused", "Synced=False/GuardRefused", "Drifted=False/NoDrift"],
            ["Ready=False/Pending"],
        ),
        (
            make_result(State.FAILED, error="x", error_kind="unreachable"),
            ["Ready=False/TenantUnreachable", "Reconciling=True/TenantUnreachable"],
            ["Ready=Unknown/TenantUnreachable"],
            ["Ready=Unknown/TenantUnreachable"],
        ),
        (
            make_result(State.FAILED, error="x", error_kind="cluster"),
            ["Ready=False/ClusterNotReady", "Reconciling=True/ClusterNotReady"],
            ["Ready=Unknown/ClusterNotReady"],
            ["Ready=Unknown/ClusterNotReady"],
        ),
        (
            make_result(State.FAILED, error="x", error_kind="unauthorized"),
            ["Ready=False/Unauthorized", "Stalled=True/Unauthorized"],
            ["Ready=Unknown/Unauthorized"],
            ["Ready=Unknown/Unauthorized"],
        ),
        (
            make_result(State.FAILED, problems=(PROBLEM,)),
            ["Ready=False/SecretMissing", "Stalled=True/SecretMissing"],
            ["Ready=False/SecretMissing", "Synced=False/SecretMissing", "Drifted=False/NoDrift"],
            ["Ready=Unknown/SecretMissing"],
        ),
        (
            make_result(State.FAILED, problems=(INVALID,)),
            ["Ready=False/InvalidManifest", "Stalled=True/InvalidManifest"],
            [
                "Ready=False/InvalidManifest",
                "Synced=False/InvalidManifest",
                "Drifted=False/NoDrift",
            ],
            ["Ready=Unknown/InvalidManifest"],
        ),
    ],
    ids=lambda each: each.state.value if isinstance(each, Result) else None,
)
def test_each_result_has_its_conditions(
    result: Result, tenant: list[str], webhook: list[str], other: list[str]
) -> None:
    run = make_run(result)
    assert describe(run, make_tenant()) == tenant
    assert describe(run, HOOK) == webhook
    assert describe(run, SUBSCRIPTION) == describe(run, POLICY) == other


def test_a_refused_plan_is_failed_by_kstatus_and_says_how_to_accept_it() -> None:
    plan = make_plan(update="oncall")
    run = make_run(make_result(State.REFUSED, plan=plan, **REFUSED))
    status = make_statuses(run, "now")[make_tenant().key]
    assert compute_kstatus({"metadata": {"generation": 1}, "status": status}) == "Failed"
    assert f"webhooks.reconciler/accept={plan.digest}" in status["conditions"][0]["message"]
    assert status["planDigest"] == plan.digest
    assert status["counts"]["update"] == 1


def test_the_last_known_id_stays_while_the_tenant_is_unreachable() -> None:
    entry = {"kind": "Tenant", "name": "production", "id": "w1", "ready": "True", "fields": []}
    old = replace(HOOK, status={"tenants": [entry]})
    run = make_run(make_result(State.FAILED, error="x", error_kind="unreachable"), old)
    [found] = make_statuses(run, "now")[old.key]["tenants"]
    assert found == entry | {"ready": "Unknown"}


def test_of_several_tenants_the_one_that_is_not_ready_counts() -> None:
    other = make_tenant("other")
    entry = {"kind": "Tenant", "name": "other", "id": "w1", "ready": "False", "fields": []}
    gone = {"kind": "Tenant", "name": "gone", "id": "w2", "ready": "False", "fields": []}
    old = replace(HOOK, status={"tenants": [entry, gone]})
    run = make_run(make_result(State.SYNCED, plan=make_plan()), old)
    assert describe(run, old)[0] == "Ready=True/Synced"  # no Tenant is called so any more
    objects = replace(run.objects, tenants=(make_tenant(), other))
    run = replace(run, objects=objects)
    assert describe(run, old)[0] == "Ready=False/OtherTenant"
    names = [each["name"] for each in make_statuses(run, "now")[old.key]["tenants"]]
    assert names == ["other", "production"]


def test_a_webhook_that_no_tenant_selects_says_so_and_one_of_others_is_theirs() -> None:
    tenant = make_tenant(select={"matchLabels": {"team": "a"}})
    run = make_run(make_result(State.SYNCED, plan=make_plan()), HOOK, tenant=tenant)
    assert describe(run, HOOK) == ["Ready=False/NoTenant"]
    objects = replace(run.objects, tenants=(tenant, make_tenant("other")))
    assert HOOK.key not in make_statuses(replace(run, objects=objects), "now")


def test_an_object_of_a_namespace_without_a_tenant_says_so() -> None:
    [ready] = make_unused_status(HOOK, NOW)["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "NoTenant")


DELETED = replace(HOOK, is_deleting=True)
ORPHAN = replace(DELETED, spec={"deletionPolicy": "Orphan"})
DELETED_POLICY = replace(POLICY, is_deleting=True)


@pytest.mark.parametrize(
    ("result", "item", "may_go"),
    [
        (make_result(State.SYNCED, plan=make_plan()), DELETED, True),
        (make_result(State.SYNCED, plan=make_plan()), HOOK, False),
        (make_result(State.PENDING, plan=make_plan(delete="oncall")), DELETED, False),
        (make_result(State.REFUSED, plan=make_plan(delete="oncall")), DELETED, False),
        (make_result(State.REFUSED, plan=make_plan(delete="oncall")), ORPHAN, True),
        (make_result(State.FAILED, error="x"), DELETED, False),
        (make_result(State.FAILED, error="x"), ORPHAN, True),
        (make_result(State.FAILED, error="x"), DELETED_POLICY, True),
        (make_result(State.FAILED, plan=make_plan(fails=True)), DELETED, False),
    ],
)
def test_an_object_goes_when_the_tenant_has_nothing_of_it(
    result: Result, item: Object, may_go: bool
) -> None:
    assert (find_released(make_run(result, item)) == [item]) is may_go
