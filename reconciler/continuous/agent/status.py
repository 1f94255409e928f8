"""The state of an agent as plain JSON values: `/status`, and what the page shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from reconciler.continuous.results import Result
from reconciler.continuous.schedule import Item
from reconciler.core.change import Change, Label, Plan, Violation
from reconciler.core.model.problem import Problem
from reconciler.core.model.remote import parse_remote
from reconciler.core.model.scopes import ScopeFailure
from reconciler.core.results.reports import Outcome

FORMAT: Final = "reconciler.agent-status/v1"
_LABELS: Final[Mapping[Label | None, str]] = {
    label: label.value for label in Label if label is not Label.SAME
}
_MOST: Final = 100  # entries of each list that are shown of a Tenant


def make_tenant(item: Item, result: Result | None, now: datetime, clock: float) -> dict[str, Any]:
    """One Tenant: what the loop does with it, and its last run. `clock` is the loop's time."""
    is_idle = item.is_running or item.is_suspended
    wait = max(item.due - clock, 0.0)
    since = None if item.started is None else now - timedelta(seconds=clock - item.started)
    return {
        "name": item.key,
        "phase": item.find_phase(clock).value,
        "interval": item.interval,
        "failures": item.failures,
        "running_since": None if since is None else _show_time(since),
        "next_run": None if is_idle else _show_time(now + timedelta(seconds=wait)),
        "last_run": None if result is None else make_run(result),
    }


def make_run(result: Result) -> dict[str, Any]:
    """One run. It holds no secret: of a changed field only the name is listed."""
    plan, drift = result.plan, result.drift
    lists: dict[str, Sequence[Any]] = {
        # those of `drift` include the webhooks that are switched off at the tenant
        "changes": drift.plan.pending if drift is not None else plan.pending if plan else (),
        "problems": result.problems,
        "warnings": plan.warnings if plan is not None else (),
        "unread_scopes": plan.failures if plan is not None else (),
        "outcomes": result.report.outcomes if result.report is not None else (),
    }
    return {
        "id": result.run,
        "state": result.state.value,
        "mode": result.mode,
        "revision": result.revision or None,
        "started": _show_time(result.started),
        "seconds": round(result.seconds, 3),
        "message": result.describe_failure() or result.hold or None,
        "digest": result.digest or None,
        "summary": _count(plan) if plan is not None else None,
        "drift": result.count_drift() if drift is not None else None,
        "violations": [_show_violation(item) for item in _find_violations(result)],
        **{name: [_SHOW[name](item) for item in items[:_MOST]] for name, items in lists.items()},
        "omitted": {name: max(len(items) - _MOST, 0) for name, items in lists.items()},
    }


def make_status(
    tenants: list[dict[str, Any]], source: Mapping[str, Any], version: str, now: datetime
) -> dict[str, Any]:
    """The whole document, as of `now`. The repository is shown as `host/path`: the user of an
    address may be a token.
    """
    shown = dict(source)
    if "repository" in source:
        shown["repository"] = parse_remote(source["repository"]) or source["repository"]
    return {
        "format": FORMAT,
        "version": version,
        "at": _show_time(now),
        "source": shown,
        "tenants": tenants,
    }


def _find_violations(result: Result) -> tuple[Violation, ...]:
    """Those that refused the plan; of a run that wrote nothing, those that would."""
    if result.violations or result.plan is None or result.report is not None:
        return result.violations
    return result.plan.violations


def _show_time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _count(plan: Plan) -> dict[str, int]:
    counts = plan.counts
    return {
        name: getattr(counts, name) for name in ("create", "update", "delete", "keep", "unmanaged")
    }


def _show_change(change: Change) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "name": change.name,
        "key": change.key,
        "fields": [field.dotted for field in change.fields],
        "label": _LABELS.get(change.label),
        "reason": change.reason,
    }


def _show_outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        **_show_change(outcome.change),
        "status": outcome.status.value,
        "error": outcome.error.message if outcome.error is not None else None,
    }


def _show_violation(violation: Violation) -> dict[str, Any]:
    return {
        "rule": violation.rule,
        "message": violation.message,
        "names": list(violation.names[:_MOST]),
        "acceptable": violation.is_acceptable,
    }


def _show_problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.origin.file,
        "line": problem.origin.line,
        "column": problem.origin.column,
        "rule": problem.rule,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
    }


def _show_failure(failure: ScopeFailure) -> dict[str, Any]:
    return {"scope": failure.scope, "kind": failure.kind, "message": failure.message}


_SHOW: Final[Mapping[str, Callable[[Any], Any]]] = {
    "changes": _show_change,
    "problems": _show_problem,
    "warnings": str,
    "unread_scopes": _show_failure,
    "outcomes": _show_outcome,
}
