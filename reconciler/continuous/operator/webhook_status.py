"""The status of Webhooks: as declared, or why not, at each Tenant that manages them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.continuous.operator.conditions import Condition, Value, merge
from reconciler.continuous.operator.documents import selects
from reconciler.continuous.operator.objects import Key, Object
from reconciler.continuous.operator.runs import (
    MOST,
    Run,
    count_events,
    find_host,
    name_failure,
)
from reconciler.continuous.results import State
from reconciler.core.change import Change, Label
from reconciler.core.model.problem import Problem
from reconciler.core.results.reports import Outcome, Status


class Webhooks:
    """The statuses of the Webhooks of a run."""

    def __init__(self, run: Run, faults: Mapping[Key, Problem]) -> None:
        self._run, self._faults = run, faults
        result = run.result
        changes = result.plan.pending if result.plan is not None else ()
        self._changes = {change.key: change for change in changes}
        outcomes = result.report.outcomes if result.report is not None else ()
        self._outcomes = {outcome.change.key: outcome for outcome in outcomes}
        self._ids = result.plan.ids if result.plan is not None else {}
        self._tests = {test.key: test for test in result.tests}

    def make_status(self, item: Object, now: str) -> dict[str, Any] | None:
        """The status of one; None if only other Tenants manage it. Of a tenant that was not seen
        the last state stays, with Ready Unknown.
        """
        tenants = [each for each in self._run.objects.tenants if selects(each, item)]
        if not selects(self._run.objects.tenant, item):
            return None if tenants else self._make(item, [], [_UNSELECTED], now)
        change, outcome = self._changes.get(item.name), self._outcomes.get(item.name)
        ready = self._judge(item, change, outcome)
        own = self._make_entry(item, change, outcome, ready)
        present = {(each.kind, each.name) for each in tenants}
        others = [
            each
            for each in item.status.get("tenants") or ()
            if not self._is_own(each) and (each.get("kind"), each.get("name")) in present
        ]
        conditions = _describe(ready, own["fields"])
        unready = _find_unready(item, others) if ready.status == "True" else None
        if unready is not None:
            conditions = _describe(unready, [])
        return self._make(item, [*others, own], conditions, now)

    def _make(
        self, item: Object, tenants: list[Any], conditions: list[Condition], now: str
    ) -> dict[str, Any]:
        old = item.status.get("conditions") or ()
        test = self._tests.get(item.name)
        if test is not None:
            value: Value = "True" if test.has_passed else "False"
            reason = "Delivered" if test.has_passed else "NotDelivered"
            conditions = [*conditions, Condition("TestPassed", value, reason, test.text)]
        merged = merge(old, conditions, item.generation, now)
        last_test = test.request if test is not None else item.status.get("lastTest")
        return {
            **({"lastTest": last_test} if last_test is not None else {}),
            "observedGeneration": item.generation,
            "conditions": [*merged, *_carry(old, conditions)],
            "tenants": sorted(tenants, key=lambda each: (each.get("name"), each.get("kind"))),
            "host": find_host(item),
            "events": count_events(self._run, item),
        }

    def _judge(self, item: Object, change: Change | None, outcome: Outcome | None) -> Condition:
        result = self._run.result
        fault = self._faults.get(item.key)
        if fault is not None:
            reason = "SecretMissing" if fault.rule.startswith("secret/") else "InvalidManifest"
            return Condition("Ready", "False", reason, f"{fault.pointer}: {fault.message}")
        if result.plan is None:
            return Condition("Ready", "Unknown", name_failure(result), result.describe_failure())
        if outcome is not None and outcome.status in {Status.FAILED, Status.SKIPPED}:
            text = outcome.error.message if outcome.error is not None else ""
            return Condition("Ready", "False", "NotApplied", text)
        if change is None or outcome is not None:
            applied = "Applied" if outcome is not None else "Synced"
            return Condition("Ready", "True", applied)
        if result.state is State.REFUSED:
            return Condition("Ready", "False", "GuardRefused", result.describe_failure())
        side = "Drifted" if change.label is Label.DRIFT else "Pending"
        return Condition("Ready", "False", side, change.reason)

    def _is_own(self, entry: Mapping[str, Any]) -> bool:
        tenant = self._run.objects.tenant
        return (entry.get("kind"), entry.get("name")) == (tenant.kind, tenant.name)

    def _make_entry(
        self, item: Object, change: Change | None, outcome: Outcome | None, ready: Condition
    ) -> dict[str, Any]:
        """The state of the webhook at the Tenant of the run."""
        entries = item.status.get("tenants") or ()
        last: Mapping[str, Any] = next((each for each in entries if self._is_own(each)), {})
        found = outcome.id if outcome is not None and outcome.id else self._ids.get(item.name)
        fields = [field.dotted for field in change.fields] if change is not None else []
        return {
            "kind": self._run.objects.tenant.kind,
            "name": self._run.objects.tenant.name,
            "id": found or (last.get("id", "") if self._run.result.plan is None else ""),
            "ready": ready.status,
            "fields": [] if outcome is not None and ready.status == "True" else fields[:MOST],
        }


_UNSELECTED: Final = Condition(
    "Ready", "False", "NoTenant", "no Tenant of this namespace selects its labels"
)


def _carry(old: Iterable[Mapping[str, Any]], new: Iterable[Condition]) -> list[Mapping[str, Any]]:
    """The conditions that stay as they were: the last test, and of a tenant that was not seen all
    but Ready.
    """
    present = {condition.type for condition in new}
    is_unknown = any(each.type == "Ready" and each.status == "Unknown" for each in new)
    kept = {"TestPassed", "Synced", "Drifted"} if is_unknown else {"TestPassed"}
    return [each for each in old if each.get("type") in kept - present]


def _describe(ready: Condition, fields: list[str]) -> list[Condition]:
    """The conditions of a Webhook."""
    if ready.status == "Unknown":
        return [ready]
    is_synced = ready.status == "True" and ready.reason in {"Synced", "Applied"}
    has_drifted, text = ready.reason == "Drifted", ", ".join(fields)
    synced: Value = "True" if is_synced else "False"
    drifted: Value = "True" if has_drifted else "False"
    reason = "Drift" if has_drifted else "NoDrift"
    return [
        ready,
        Condition("Synced", synced, ready.reason, text),
        Condition("Drifted", drifted, reason, text if has_drifted else ""),
    ]


def _find_unready(item: Object, others: list[Mapping[str, Any]]) -> Condition | None:
    """What keeps a webhook from being ready that is as declared at the Tenant of the run: another
    Tenant, whose own run said why.
    """
    entry = next((each for each in others if each.get("ready") != "True"), None)
    if entry is None:
        return None
    last: Mapping[str, Any] = next(
        (c for c in item.status.get("conditions") or () if c.get("type") == "Ready"), {}
    )
    if last.get("status") == entry.get("ready"):
        return Condition("Ready", last["status"], last["reason"], last.get("message", ""))
    text = f"not ready at {entry.get('kind')} {entry.get('name')}"
    return Condition("Ready", entry.get("ready", "Unknown"), "OtherTenant", text)
