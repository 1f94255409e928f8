"""The state of an agent as plain JSON values: `/status`, and what the page shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from reconciler.continuous.results import Result
from reconciler.continuous.schedule import Item
from reconciler.core.change import Change, Label
from reconciler.core.model.problem import Problem

FORMAT: Final = "reconciler.agent-status/v1"
_MOST: Final = 100  # changes and problems of a Tenant that are listed


def make_tenant(item: Item, result: Result | None, now: datetime, clock: float) -> dict[str, Any]:
    """One Tenant: what the loop does with it, and its last run. `clock` is the loop's time."""
    shown: dict[str, Any] = {
        "name": item.key,
        "phase": item.find_phase(clock).value,
        "interval": item.interval,
        "failures": item.failures,
        "next_run": None
        if item.is_suspended
        else _show_time(now + timedelta(seconds=max(item.due - clock, 0.0))),
        "last_run": None,
    }
    if result is not None:
        shown["last_run"] = make_run(result)
    return shown


def make_run(result: Result) -> dict[str, Any]:
    """One run. It holds no secret: urls are those of a plan, which shows scheme and host."""
    plan, report = result.plan, result.report
    changes = plan.pending if plan is not None else ()
    return {
        "id": result.run,
        "state": result.state.value,
        "mode": result.mode,
        "revision": result.revision,
        "started": _show_time(result.started),
        "seconds": round(result.seconds, 3),
        "message": result.describe_failure() or result.hold,
        "digest": result.digest,
        "summary": _count(result),
        "changes": [_show_change(change) for change in changes[:_MOST]],
        "drift": result.count_drift(),
        "violations": [
            {"rule": item.rule, "message": item.message, "names": list(item.names)}
            for item in result.violations or (plan.violations if plan is not None else ())
        ],
        "problems": [_show_problem(problem) for problem in result.problems[:_MOST]],
        "warnings": list(plan.warnings[:_MOST]) if plan is not None else [],
        "outcomes": [
            {
                "status": o.status.value,
                "name": o.change.name,
                "error": o.error.message if o.error else None,
            }
            for o in (report.outcomes[:_MOST] if report is not None else ())
        ],
    }


def make_status(
    tenants: list[dict[str, Any]], source: Mapping[str, Any], version: str
) -> dict[str, Any]:
    """The whole document."""
    return {"format": FORMAT, "version": version, "source": dict(source), "tenants": tenants}


def _show_time(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _count(result: Result) -> dict[str, int]:
    if result.plan is None:
        return {}
    counts = result.plan.counts
    return {
        name: getattr(counts, name) for name in ("create", "update", "delete", "keep", "unmanaged")
    }


def _show_change(change: Change) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "name": change.name,
        "key": change.key,
        "fields": [field.dotted for field in change.fields],
        "side": change.label.value if isinstance(change.label, Label) else None,
        "reason": change.reason,
    }


def _show_problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.origin.file,
        "line": problem.origin.line,
        "rule": problem.rule,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
    }
