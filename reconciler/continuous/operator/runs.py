"""One run with what it read, and what all statuses are made of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from reconciler.continuous.operator.documents import Documents, Objects
from reconciler.continuous.operator.objects import ACCEPT, Key, Object
from reconciler.continuous.results import Result
from reconciler.core.model.problem import Problem

MOST: Final = 50  # fields of a webhook, and webhooks of an object, that are listed
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


def find_faults(run: Run) -> dict[Key, Problem]:
    """The first problem of each object."""
    faults: dict[Key, Problem] = {}
    for problem in run.result.problems:
        item = run.documents.objects.get(problem.origin.file)
        if item is not None and problem.severity == "error":
            faults.setdefault(item.key, problem)
    return faults


def how_to_accept(run: Run) -> str:
    """What lets a refused plan pass, for a person."""
    tenant = run.objects.tenant
    place = f" -n {tenant.namespace}" if tenant.namespace else ""
    return (
        f"To let this one plan pass: kubectl annotate {tenant.kind.lower()} {tenant.name}{place} "
        f"--overwrite {ACCEPT}={run.result.digest}"
    )


def name_failure(result: Result) -> str:
    """The reason of a condition for a run that failed."""
    if result.problems:
        is_secret = any(problem.rule.startswith("secret/") for problem in result.problems)
        return "SecretMissing" if is_secret else "InvalidManifest"
    if result.error_kind == "cluster":
        return "ClusterNotReady"
    if result.error_kind == "unauthorized":
        return "Unauthorized"
    return "TenantUnreachable" if is_temporary(result) else "Failed"


def is_temporary(result: Result) -> bool:
    """Whether the next try may succeed without a person."""
    return not result.problems and (
        result.error_kind in _TEMPORARY or result.report is not None or result.plan is not None
    )


def find_host(item: Object) -> str:
    """The host of a literal url; "" for a reference."""
    url = item.spec.get("url")
    try:
        return urlsplit(url).hostname or "" if isinstance(url, str) else ""
    except ValueError:
        return ""


def count_severities(item: Object) -> int:
    """How many events a spec lists: one per severity."""
    events = item.spec.get("events") or ()
    return sum(
        _count_list(each.get("severity")) if isinstance(each, Mapping) else 1 for each in events
    )


def count_events(run: Run, item: Object) -> int:
    """How many events a Webhook receives, with those of EventSubscriptions."""
    joined = [
        each
        for each in run.objects.list_kind("EventSubscription")
        if run.objects.is_declared(each) and item.name in find_webhooks(each, [item])
    ]
    return sum(map(count_severities, (item, *joined)))


def find_webhooks(item: Object, webhooks: Iterable[Object]) -> list[str]:
    """The Webhooks that an EventSubscription or a Policy applies to."""
    name = item.spec.get("webhook")
    if isinstance(name, str):
        return [name]
    labels = (item.spec.get("selector") or {}).get("matchLabels") or {}
    return [each.name for each in webhooks if labels.items() <= each.labels.items()]


def _count_list(severity: object) -> int:
    return len(severity) if isinstance(severity, list) else 1
