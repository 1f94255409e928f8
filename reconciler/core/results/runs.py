"""One run over several tenants: what came of each."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.change import Plan
from reconciler.core.results.drift import Drift
from reconciler.core.results.reports import Failure, Report, Status, TestReport
from reconciler.core.safety.plan_digest import make_common_digest


@dataclass(frozen=True, slots=True)
class TenantRun:
    """One tenant's part: what its command made, or why it made nothing. `note` is what else a
    reader should know.

    `exit_code` is what the command would have ended with for this tenant alone; None where its turn
    did not come.
    """

    tenant: str
    wave: int
    exit_code: int | None
    plan: Plan | None = None
    report: Report | None = None
    test: TestReport | None = None
    drift: Drift | None = None
    error: Failure | None = None
    note: str = ""

    @property
    def has_nothing(self) -> bool:
        """Whether nothing that was asked for concerns this tenant."""
        results = (self.plan, self.report, self.test, self.drift)
        return self.exit_code == 0 and all(part is None for part in results)

    @property
    def has_written(self) -> bool:
        """Whether something of its report was written."""
        statuses = (Status.CREATED, Status.UPDATED, Status.DELETED)
        return self.report is not None and any(map(self.report.count, statuses))


@dataclass(frozen=True, slots=True)
class Runs:
    """All of them, in the order of their turns. `exit_code` is that of all; `owners` are those of
    the runs.
    """

    runs: tuple[TenantRun, ...]
    exit_code: int
    owners: tuple[str, ...] = ()

    @property
    def digest(self) -> str | None:
        """What the plans of all are known by; None where a tenant has none that it should have."""
        digests = {run.tenant: run.plan.digest for run in self.runs if run.plan is not None}
        is_missing = any(run.plan is None and not run.has_nothing for run in self.runs)
        return None if is_missing or not digests else make_common_digest(digests)
