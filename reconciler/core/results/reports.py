"""What happened: the outcome of each change of a run, and of each delivery to an endpoint. Past
tense, always complete.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from reconciler.core.change import Change, Plan
    from reconciler.core.model.scopes import ScopeFailure
    from reconciler.core.model.webhook import Subscription


class Status(StrEnum):
    """What became of a change."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a change failed or was skipped: `kind` of the error tree, text for people, the fields at
    fault if known.
    """

    kind: str
    message: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change; `seconds` of wall clock, `id` once the tenant gave one."""

    status: Status
    change: Change
    id: str | None = None
    seconds: float = 0.0
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One outcome for each pending change of `plan`, in the plan's order; what the plan keeps is
    only counted.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()

    def count(self, status: Status) -> int:
        """How many ended so."""
        if status is Status.UNCHANGED:
            return self.plan.counts.keep
        return sum(outcome.status is status for outcome in self.outcomes)

    @property
    def complete(self) -> bool:
        """Whether nothing failed, nothing was skipped, and every scope of a fleet was read."""
        is_partial = self.count(Status.FAILED) or self.count(Status.SKIPPED)
        return not (is_partial or self.plan.failures)


class Verdict(StrEnum):
    """How one attempt at an endpoint ended; the closed list in README.md."""

    DELIVERED = "delivered"
    AUTH_REFUSED = "auth-refused"
    NOT_FOUND = "not-found"
    REJECTED = "rejected"
    RECEIVER_ERROR = "receiver-error"
    REDIRECTED = "redirected"
    TIMEOUT = "timeout"
    UNRESOLVED = "unresolved"
    REFUSED = "refused"
    BROKEN = "broken"
    TLS = "tls"
    BLOCKED = "blocked"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt at one endpoint; `detail` comes from a closed list, never from an exception or
    the receiver's body.

    `seconds` of wall clock; `status_code` None when no answer's head arrived. `retry_after` is what
    a failing answer asked for, in seconds from its end; it is for the sender only.
    """

    webhook: str
    event: Subscription
    verdict: Verdict
    status_code: int | None = None
    detail: str | None = None
    seconds: float = 0.0
    retry_after: float | None = None


CheckKind = Literal["delivery", "auth", "latency"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `test` looked at: a delivery, who sent it (`tenant` or `probe`), and whether
    it passed.

    `tested` is False where the delivery was not made, or its result is unknown: that says nothing
    about the endpoint.
    """

    delivery: Delivery
    key: str
    via: str
    check: CheckKind
    passed: bool
    tested: bool = True


@dataclass(frozen=True, slots=True)
class TestReport:
    """Every check of one `test` run, in the order of keys; `switched_off` are keys of webhooks that
    are off at the tenant, `failures` the scopes of a fleet where nothing could be tested.
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name

    checks: tuple[Check, ...] = field(default=())
    switched_off: tuple[str, ...] = ()
    failures: tuple[ScopeFailure, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed, and every scope was read."""
        return not self.failures and all(check.passed for check in self.checks)

    @property
    def counts(self) -> dict[str, int]:
        """How many checks passed, failed, and were not tested."""
        passed = sum(check.passed for check in self.checks)
        untested = sum(not check.tested for check in self.checks)
        return {
            "passed": passed,
            "failed": len(self.checks) - passed - untested,
            "not_tested": untested,
        }
