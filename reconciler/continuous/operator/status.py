"""The status of every object of a run. Pure: a result and objects in, statuses out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.continuous.operator.conditions import Condition, Value, merge
from reconciler.continuous.operator.documents import Documents, Objects
from reconciler.continuous.operator.objects import ACCEPT, Key, Object
from reconciler.continuous.results import Result, State
from reconciler.core.change import Change, Label
from reconciler.core.model.problem import Problem
from reconciler.core.results.reports import Outcome, Status

_MOST: Final = 50  # fields of a webhook, and webhooks of an object, that are listed
_TEMPORARY: Final = frozenset(
    {"unreachable", "overloaded", "tenant-fault", "fault", "interrupted", "cluster"}
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Run:
    """One run with what it read."""

    key: str
    result: Result
    objects: Objects
    documents: Documents
    next_run: str = ""


def make_statuses(run: Run, now: str) -> dict[Key, dict[str, Any]]:
    """The status of each object of the run, by key. An object that is being deleted has one too."""
    statuses = {run.objects.tenant.key: make_tenant_status(run, now)}
    faults = _find_faults(run)
    webhooks = _Webhooks(run, faults)
    for item in run.objects.others:
        if item.kind == "Webhook":
            statuses[item.key] = webhooks.make_status(item, now)
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
        "host": _find_host(item),
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
        reason = _name_failure(result)
    if result.hold:
        ready, reason = "False", "Held"
    if result.state is State.REFUSED:
        message = f"{message}. {how_to_accept(run)}"
        conditions.append(Condition("Stalled", "True", reason, message))
    elif result.state is State.FAILED and not _is_temporary(result):
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


def how_to_accept(run: Run) -> str:
    """What lets a refused plan pass, for a person."""
    tenant = run.objects.tenant
    place = f" -n {tenant.namespace}" if tenant.namespace else ""
    return (
        f"To let this one plan pass: kubectl annotate {tenant.kind.lower()} {tenant.name}{place} "
        f"--overwrite {ACCEPT}={run.result.digest}"
    )


def _name_failure(result: Result) -> str:
    if result.problems:
        is_secret = any(problem.rule.startswith("secret/") for problem in result.problems)
        return "SecretMissing" if is_secret else "InvalidManifest"
    if result.error_kind == "cluster":
        return "ClusterNotReady"
    if result.error_kind == "unauthorized":
        return "Unauthorized"
    return "TenantUnreachable" if _is_temporary(result) else "Failed"


def _is_temporary(result: Result) -> bool:
    """Whether the next try may succeed without a person."""
    return not result.problems and (
        result.error_kind in _TEMPORARY or result.report is not None or result.plan is not None
    )


def _find_faults(run: Run) -> dict[Key, Problem]:
    """The first problem of each object."""
    faults: dict[Key, Problem] = {}
    for problem in run.result.problems:
        item = run.documents.objects.get(problem.origin.file)
        if item is not None and problem.severity == "error":
            faults.setdefault(item.key, problem)
    return faults


class _Webhooks:
    """The statuses of the Webhooks of a run."""

    def __init__(self, run: Run, faults: Mapping[Key, Problem]) -> None:
        self._run, self._faults = run, faults
        result = run.result
        changes = result.plan.pending if result.plan is not None else ()
        self._changes = {change.key: change for change in changes}
        outcomes = result.report.outcomes if result.report is not None else ()
        self._outcomes = {outcome.change.key: outcome for outcome in outcomes}
        self._ids = result.plan.ids if result.plan is not None else {}

    def make_status(self, item: Object, now: str) -> dict[str, Any]:
        """The status of one. Of a tenant that was not seen the last state stays, with Ready
        Unknown.
        """
        change, outcome = self._changes.get(item.name), self._outcomes.get(item.name)
        ready = self._judge(item, change, outcome)
        entry = self._make_entry(item, change, outcome, ready)
        others = [each for each in item.status.get("tenants") or () if not self._is_own(each)]
        is_synced = ready.status == "True" and ready.reason in {"Synced", "Applied"}
        conditions = [ready]
        if ready.status != "Unknown":
            text = ", ".join(entry["fields"])
            value: Value = "True" if is_synced else "False"
            conditions.append(Condition("Synced", value, ready.reason, text))
            has_drifted = ready.reason == "Drifted"
            drifted: Value = "True" if has_drifted else "False"
            reason = "Drift" if has_drifted else "NoDrift"
            conditions.append(Condition("Drifted", drifted, reason, text if has_drifted else ""))
        return {
            "observedGeneration": item.generation,
            "conditions": merge(
                item.status.get("conditions") or (), conditions, item.generation, now
            ),
            "tenants": sorted([*others, entry], key=lambda each: str(each.get("name"))),
            "host": _find_host(item),
            "events": _count_events(self._run, item),
        }

    def _judge(self, item: Object, change: Change | None, outcome: Outcome | None) -> Condition:
        result = self._run.result
        fault = self._faults.get(item.key)
        if fault is not None:
            reason = "SecretMissing" if fault.rule.startswith("secret/") else "InvalidManifest"
            return Condition("Ready", "False", reason, f"{fault.pointer}: {fault.message}")
        if result.plan is None:
            return Condition("Ready", "Unknown", _name_failure(result), result.describe_failure())
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
            "fields": [] if outcome is not None and ready.status == "True" else fields[:_MOST],
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
        ready = Condition("Ready", "Unknown", _name_failure(result), result.describe_failure())
    elif result.is_at_revision:
        ready = Condition("Ready", "True", "Applied")
    else:
        ready = Condition("Ready", "False", "Pending", result.describe_failure())
    webhooks = find_webhooks(item, run.objects.list_kind("Webhook"))
    status = {
        "observedGeneration": item.generation,
        "conditions": merge(item.status.get("conditions") or (), [ready], item.generation, now),
        "webhooks": webhooks[:_MOST],
        "webhookCount": len(webhooks),
    }
    if item.kind == "EventSubscription":
        status["events"] = _count_severities(item)
    return status


def _count_severities(item: Object) -> int:
    """How many events a spec lists: one per severity."""
    events = item.spec.get("events") or ()
    return sum(
        _count_list(each.get("severity")) if isinstance(each, Mapping) else 1 for each in events
    )


def _count_events(run: Run, item: Object) -> int:
    """How many events a Webhook receives, with those of EventSubscriptions."""
    joined = [
        each
        for each in run.objects.list_kind("EventSubscription")
        if run.objects.is_declared(each) and item.name in find_webhooks(each, [item])
    ]
    return sum(map(_count_severities, (item, *joined)))


def find_webhooks(item: Object, webhooks: Iterable[Object]) -> list[str]:
    """The Webhooks that an EventSubscription or a Policy applies to."""
    name = item.spec.get("webhook")
    if isinstance(name, str):
        return [name]
    labels = (item.spec.get("selector") or {}).get("matchLabels") or {}
    return [each.name for each in webhooks if labels.items() <= each.labels.items()]


def _find_host(item: Object) -> str:
    """The host of a literal url; "" for a reference."""
    url = item.spec.get("url")
    try:
        return urlsplit(url).hostname or "" if isinstance(url, str) else ""
    except ValueError:
        return ""


def find_released(run: Run) -> list[Object]:
    """The objects that are being deleted and have nothing left at the tenant: their finalizer may
    go.
    """
    result = run.result
    if result.plan is None or result.state is State.REFUSED:
        return [item for item in run.objects.others if item.is_deleting and not _waits(run, item)]
    left = {change.key for change in result.plan.pending}
    if result.report is not None:
        done = {Status.CREATED, Status.UPDATED, Status.DELETED}
        left -= {each.change.key for each in result.report.outcomes if each.status in done}
    return [
        item
        for item in run.objects.others
        if item.is_deleting and (not _waits(run, item) or _is_done(item, left, result))
    ]


def _waits(run: Run, item: Object) -> bool:
    """Whether the tenant has to be asked before the object may go."""
    return item.kind in {"Webhook", "EventSubscription"} and run.objects.is_removed(item)


def _is_done(item: Object, left: set[str | None], result: Result) -> bool:
    if item.kind == "EventSubscription":
        return result.is_at_revision
    return item.name not in left


def _count_list(severity: object) -> int:
    return len(severity) if isinstance(severity, list) else 1
