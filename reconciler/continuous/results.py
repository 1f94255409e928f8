"""What one run of one Tenant found and did. Plain values: status page, metrics, notifications and
commit statuses are made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.continuous.schedule import Ending
from reconciler.core.change import Label, Plan, Violation
from reconciler.core.errors import InvalidManifests, ReconcilerError
from reconciler.core.model.problem import Problem
from reconciler.core.model.scopes import ScopeFailure
from reconciler.core.results.drift import Drift
from reconciler.core.results.reports import Report, Status


class State(StrEnum):
    """What a run ended with."""

    SYNCED = "synced"  # the tenant is as declared
    APPLIED = "applied"  # it is now
    PENDING = "pending"  # changes of Git are not written: mode `report`, or outside the windows
    DRIFTED = "drifted"  # the tenant changed, and it is not corrected for the same reasons
    REFUSED = "refused"  # the plan has violations
    FAILED = "failed"  # an error, or a part of the changes failed


_ENDINGS = {State.REFUSED: Ending.STALLED, State.FAILED: Ending.FAILED}


@dataclass(frozen=True, slots=True)
class EndpointTest:
    """A test delivery to the endpoint of a webhook, and what came of it; `request` is the text that
    asked for it.
    """

    key: str
    request: str
    has_passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """One run. `started` is a time in UTC, `seconds` its length. `mode` is `report` or `apply`;
    `hold` is why an applying run wrote nothing (suspended, outside the windows).

    `drift` is None if nothing is known of it: without an applied revision all is pending.
    `problems` are those of the manifests; `error` is any other failure, `error_kind` its kind.
    `wait` is the number of seconds until another try makes sense. A postponed run asked nothing,
    since the product had asked to wait: the result before it stands.
    """

    run: str
    tenant: str
    revision: str
    state: State
    started: datetime
    seconds: float
    mode: str = "report"
    hold: str = ""
    plan: Plan | None = None
    drift: Drift | None = None
    report: Report | None = None
    violations: tuple[Violation, ...] = ()
    problems: tuple[Problem, ...] = ()
    error: str = ""
    error_kind: str = ""
    wait: float | None = None
    is_postponed: bool = False
    tests: tuple[EndpointTest, ...] = ()

    @property
    def ending(self) -> Ending:
        """What the schedule needs to know."""
        if self.is_postponed:
            return Ending.POSTPONED
        if self.state in {State.PENDING, State.DRIFTED} and self.hold:
            return Ending.OUTSIDE_WINDOW
        return _ENDINGS.get(self.state, Ending.DONE)

    @property
    def digest(self) -> str:
        """The digest of its plan, "" without one."""
        return self.plan.digest if self.plan is not None else ""

    @property
    def is_at_revision(self) -> bool:
        """Whether the tenant has all that the revision declares. A webhook that is switched off
        there may be left so.
        """
        if self.state is State.APPLIED:
            return True
        plan = self.plan
        return (
            plan is not None
            and self.state in {State.SYNCED, State.DRIFTED}
            and not (plan.pending or plan.failures)
        )

    def count_drift(self) -> int:
        """How many webhooks the tenant changed."""
        changes = self.drift.changes if self.drift is not None else ()
        return sum(change.label in {Label.DRIFT, Label.BOTH} for change in changes)

    def describe_counts(self) -> str:
        """What was done, or is to be done: `2 created, 1 deleted`; "" for nothing."""
        if self.report is not None:
            counted = [(self.report.count(status), status.value) for status in Status]
        elif self.plan is not None:
            counts = self.plan.counts
            counted = [
                (getattr(counts, name), f"to {name}") for name in ("create", "update", "delete")
            ]
        else:
            return ""
        return ", ".join(f"{number} {word}" for number, word in counted if number)

    def describe_failure(self) -> str:
        """Why it failed or was refused, in a line; "" if it did neither."""
        if self.error:
            return self.error
        if self.problems:
            return describe_problems(self.problems)
        if self.violations:
            return "; ".join(f"{item.rule}: {item.message}" for item in self.violations)
        if self.state is not State.FAILED:
            return ""
        text = _describe_outcomes(self.report) if self.report is not None else ""
        return text or _describe_unread(self.plan.failures if self.plan is not None else ())


def describe_problems(problems: tuple[Problem, ...]) -> str:
    """The first error with its position, and how many follow."""
    errors = [problem for problem in problems if problem.severity == "error"] or problems
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0].origin}: {errors[0].message}{more}"


def describe_error(error: ReconcilerError) -> str:
    """An error in a line; of invalid manifests the first problem."""
    if isinstance(error, InvalidManifests) and error.problems:
        return describe_problems(error.problems)
    return str(error)


def _describe_unread(failures: tuple[ScopeFailure, ...]) -> str:
    """The first scope that could not be read, and how many follow."""
    if not failures:
        return ""
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"{failures[0].scope}: {failures[0].message}{more}"


def _describe_outcomes(report: Report) -> str:
    failed = [o for o in report.outcomes if o.status in {Status.FAILED, Status.SKIPPED}]
    first = next((o for o in failed if o.status is Status.FAILED), failed[0] if failed else None)
    if first is None:
        return ""
    reason = first.error.message if first.error is not None else "not done"
    return (
        f"{len(failed)} of {len(report.outcomes)} changes not done; {first.change.name}: {reason}"
    )
