"""The status of every object of a run. Pure: a result and objects in, statuses out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.continuous.operator.conditions import Condition, Value, merge
from reconciler.continuous.operator.objects import Key, Object
from reconciler.continuous.operator.runs import (
    MOST,
    Run,
    count_severities,
    find_faults,
    find_host,
    find_webhooks,
    how_to_accept,
    is_temporary,
    name_failure,
)
from reconciler.continuous.operator.webhook_status import Webhooks
from reconciler.continuous.results import State
from reconciler.core.model.problem import Problem


def make_statuses(run: Run, now: str) -> dict[Key, dict[str, Any]]:
    """The status of each object of the run, by key. An object that is being deleted has one too."""
    statuses = {run.objects.tenant.key: make_tenant_status(run, now)}
    faults = find_faults(run)
    webhooks = Webhooks(run, faults)
    for item in run.objects.others:
        if item.kind == "Webhook":
            if (status := webhooks.make_status(item, now)) is not None:
                statuses[item.key] = status
        else:
            statuses[item.key] = _make_other_status(run, item, faults, now)
    return statuses


def make_tenant_status(run: Run, now: str) -> dict[str, Any]:
    """The status of a Tenant."""
    item, result = run.objects.tenant, run.result
    old = item.status
    plan = result.plan
    status: dict[str, Any] = {
        "observedGeneration": item.generation,
        "conditions": merge(old.get("conditions") or (), _judge_tenant(run), item.generation, now),
        "lastRun": result.started.isoformat(timespec="seconds"),
        "revision": result.revision or old.get("revision", ""),
        "host": find_host(item),
    }
    if run.next_run:
        status["nextRun"] = run.next_run
    if plan is not None:
        counts = plan.counts
        status["planDigest"] = plan.digest
        status["counts"] = {
            name: getattr(counts, name)
            for name in ("create", "update", "delete", "keep", "unmanaged")
        }
    return status


def _judge_tenant(run: Run) -> list[Condition]:
    result = run.result
    ready, reason = _READY.get(result.state, ("True", "Synced"))
    message = result.describe_failure() or result.hold or result.describe_counts()
    conditions: list[Condition] = []
    if result.state is State.FAILED:
        reason = name_failure(result)
    if result.hold:
        ready, reason = "False", "Held"
    if result.state is State.REFUSED:
        message = f"{message}. {how_to_accept(run)}"
        conditions.append(Condition("Stalled", "True", reason, message))
    elif result.state is State.FAILED and not is_temporary(result):
        conditions.append(Condition("Stalled", "True", reason, message))
    elif result.state is State.FAILED or result.hold:
        conditions.append(Condition("Reconciling", "True", reason, message))
    conditions.insert(0, Condition("Ready", ready, reason, message))
    if result.drift is not None:
        count = result.count_drift() if result.state is not State.APPLIED else 0
        text = f"{count} webhooks differ at the tenant" if count else ""
        drifted: Value = "True" if count else "False"
        conditions.append(Condition("Drifted", drifted, "Drift" if count else "NoDrift", text))
    return conditions


_READY: Final[Mapping[State, tuple[Value, str]]] = {
    State.SYNCED: ("True", "Synced"),
    State.APPLIED: ("True", "Applied"),
    State.PENDING: ("True", "Reported"),
    State.DRIFTED: ("True", "Reported"),
    State.REFUSED: ("False", "GuardRefused"),
    State.FAILED: ("False", "Failed"),
}


def _make_other_status(
    run: Run, item: Object, faults: Mapping[Key, Problem], now: str
) -> dict[str, Any]:
    """The status of an EventSubscription or Policy: whether it counts, and for which webhooks."""
    fault = faults.get(item.key)
    result = run.result
    if fault is not None:
        text = f"{fault.pointer}: {fault.message}"
        ready = Condition("Ready", "False", "InvalidManifest", text)
    elif result.plan is None:
        ready = Condition("Ready", "Unknown", name_failure(result), result.describe_failure())
    elif result.is_at_revision:
        ready = Condition("Ready", "True", "Applied")
    else:
        ready = Condition("Ready", "False", "Pending", result.describe_failure())
    webhooks = find_webhooks(item, run.objects.list_kind("Webhook"))
    status = {
        "observedGeneration": item.generation,
        "conditions": merge(item.status.get("conditions") or (), [ready], item.generation, now),
        "webhooks": webhooks[:MOST],
        "webhookCount": len(webhooks),
    }
    if item.kind == "EventSubscription":
        status["events"] = count_severities(item)
    return status
