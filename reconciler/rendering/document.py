"""The JSON documents: values -> dicts of the published formats, and dicts -> text.

The shapes are in `schemas/`; within v1 fields are only added. No escaping for terminals or Markdown
here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from reconciler.core.change import Action, Change, FieldChange, Label, Plan, TenantRef, Violation
from reconciler.core.model.problem import Problem
from reconciler.core.model.scopes import Scopes
from reconciler.core.model.webhook import Origin, Subscription, Use
from reconciler.core.results.drift import Drift
from reconciler.core.results.reports import Check, Outcome, Report, TestReport
from reconciler.rendering.wording import (
    event_label,
    find_origin,
    find_place,
    find_repository,
    label_counts,
    make_plain,
    patch_of,
    report_counts,
    show_before,
    test_warnings,
)

Document = dict[str, Any]

# json escapes only C0 controls by itself; these too would steer a terminal, hide text or break
# UTF-8. They can only stand inside of strings, so that escaping them afterwards is safe.
_UNSAFE: Final = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def to_json(document: Document | list[Document], *, indent: int | None = 2) -> str:
    """The document as indented text, or on one line with None: valid UTF-8 without control
    characters.
    """
    return _UNSAFE.sub(_escape, json.dumps(document, indent=indent, ensure_ascii=False))


def tenant_document(tenant: TenantRef) -> Document:
    """A tenant as every document names it."""
    return {"name": tenant.name, "url": tenant.url, "owner": tenant.owner}


def _event(subscription: Subscription) -> Document:
    return {
        "type": subscription.type,
        "version": subscription.version,
        "severity": subscription.severity,
    }


def _added_event(change: Change, subscription: Subscription) -> Document:
    origin = find_origin(change, subscription)
    event = _event(subscription)
    return event if origin is None else {**event, "file": origin.file, "line": origin.line}


def _field(change: Change, field: FieldChange) -> Document:
    body: Document = {"path": list(field.path)}
    if field.path == ("events",):
        body["added"] = [
            {**_added_event(change, item), **_label(event_label(field, item))}
            for item in field.added
        ]
        body["removed"] = [
            {**_event(item), **_label(event_label(field, item))} for item in field.removed
        ]
        return {**body, **_label(field.label)}
    if field.secret:
        body["secret"] = True
    body |= {"before": show_before(change, field), "after": make_plain(field.after)}
    patch = patch_of(change, field)
    body |= {} if patch is None else {"file": patch.file, "line": patch.line}
    return (
        {**body, **_label(field.label), "base": make_plain(field.base)}
        if field.label is not None
        else body
    )


def _label(label: Label | None) -> Document:
    return {} if label is None else {"label": label.value}


def _use(use: Use | None) -> Document | None:
    if use is None:
        return None
    counts: Document = {"succeeded": use.succeeded, "failed": use.failed}
    return {**counts, "at_least": True} if use.at_least else counts


def _change(change: Change) -> Document:
    file, line = find_place(change)
    body: Document = {
        "action": change.action.value,
        "name": change.name,
        "key": change.key,
        **({"scope": change.scope} if change.scope else {}),
        "id": change.live.id if change.live is not None else None,
        "repository": find_repository(change),
        "file": file,
        "line": line,
        "reason": change.reason,
        "fields": [_field(change, field) for field in change.fields],
    }
    if change.action is Action.DELETE and change.live is not None:
        body["use"] = _use(change.live.use)
    if change.moved_fields:
        body["moved"] = list(change.moved_fields)
    return {**body, **_label(change.label)}


def _violations(violations: Iterable[Violation]) -> list[Document]:
    return [
        {
            "rule": violation.rule,
            "message": violation.message,
            "names": list(violation.names),
            **_origin(violation.origin),
            **({"accepted": True} if violation.accepted else {}),
        }
        for violation in violations
    ]


def _origin(origin: Origin | None) -> Document:
    return {} if origin is None else asdict(origin)


def _since(plan: Plan) -> Document | None:
    return None if plan.since is None else {"rev": plan.since[0], "commit": plan.since[1]}


def _scopes(scopes: Scopes | None) -> Document:
    """The scopes of a fleet, and those among them that could not be read."""
    if scopes is None:
        return {}
    failed = [asdict(failure) for failure in scopes.failures]
    return {"scopes": {"noun": scopes.noun, "found": list(scopes.found), "failed": failed}}


def plan_document(plan: Plan) -> Document:
    """`reconciler.plan/v1`: pending changes in the order of carrying out; what is kept is only
    counted.
    """
    since = _since(plan)
    return {
        "format": "reconciler.plan/v1",
        "tenant": tenant_document(plan.tenant),
        "repository": plan.tenant.repository,
        "summary": asdict(plan.counts),
        "changes": [_change(change) for change in plan.pending],
        "violations": _violations(plan.violations),
        "warnings": list(plan.warnings),
        "digest": plan.digest,
        **_scopes(plan.tenant.scopes),
        **({} if since is None else {"since": since}),
    }


def drift_document(drift: Drift, time: str = "") -> Document:
    """`reconciler.drift/v1`: the reported changes, as in a plan, with their labels; `summary`
    counts all changes.
    """
    counts = drift.plan.counts
    rest = {"keep": counts.keep, "unmanaged": counts.unmanaged, "out_of_scope": counts.out_of_scope}
    return {
        "format": "reconciler.drift/v1",
        "tenant": tenant_document(drift.plan.tenant),
        "repository": drift.plan.tenant.repository,
        "since": _since(drift.plan),
        "at": time or None,
        "summary": {**label_counts(drift.plan), **rest},
        "changes": [_change(change) for change in drift.changes],
        "settled": list(drift.settled_names),
        "violations": _violations(drift.violations),
        "warnings": list(drift.plan.warnings),
        **_scopes(drift.plan.tenant.scopes),
    }


def _outcome(outcome: Outcome) -> Document:
    error = outcome.error
    return {
        "status": outcome.status.value,
        "name": outcome.change.name,
        "key": outcome.change.key,
        "id": outcome.id,
        "seconds": round(outcome.seconds, 3),
        "error": None
        if error is None
        else {"kind": error.kind, "message": error.message, "fields": list(error.fields)},
    }


def report_document(report: Report) -> Document:
    """`reconciler.report/v1`: one outcome for each pending change; `seconds` of wall clock, to the
    millisecond.
    """
    return {
        "format": "reconciler.report/v1",
        "tenant": tenant_document(report.plan.tenant),
        **_scopes(report.plan.tenant.scopes),
        "summary": report_counts(report),
        "outcomes": [_outcome(outcome) for outcome in report.outcomes],
    }


def _delivery(check: Check) -> Document:
    delivery = check.delivery
    return {
        "webhook": delivery.webhook,
        "key": check.key,
        "event": delivery.event.type,
        "version": delivery.event.version,
        "severity": delivery.event.severity,
        "via": check.via,
        "check": check.check,
        "passed": check.passed,
        "tested": check.tested,
        "verdict": delivery.verdict.value,
        "status_code": delivery.status_code,
        "seconds": round(delivery.seconds, 3),
        "detail": delivery.detail,
    }


def test_document(test_report: TestReport) -> Document:
    """`reconciler.test/v1`: one entry for each check; `event` is the subscription's type."""
    return {
        "format": "reconciler.test/v1",
        "summary": test_report.counts,
        "deliveries": [_delivery(check) for check in test_report.checks],
        "warnings": list(test_warnings(test_report)),
    }


def _problem(problem: Problem) -> Document:
    return {
        "file": problem.origin.file,
        "line": problem.origin.line,
        "column": problem.origin.column,
        "pointer": problem.pointer,
        "rule": problem.rule,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
    }


def problems_document(problems: Iterable[Problem], documents: int, skipped: int) -> Document:
    """`reconciler.problems/v1`: every problem in the order given, with how many documents were read
    and skipped.
    """
    entries = [_problem(problem) for problem in problems]
    errors = sum(problem["severity"] == "error" for problem in entries)
    return {
        "format": "reconciler.problems/v1",
        "summary": {
            "documents": documents,
            "skipped": skipped,
            "errors": errors,
            "warnings": len(entries) - errors,
        },
        "problems": entries,
    }


def error_document(kind: str, message: str, exit_code: int) -> Document:
    """`reconciler.error/v1`: what a command ended with, where it was not invalid manifests."""
    return {
        "format": "reconciler.error/v1",
        "kind": kind,
        "message": message,
        "exit_code": exit_code,
    }
