"""One run over several tenants: what came of each. Made by `cli/all_tenants.py`, shown by `render/runs.py`."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.drift import Drift
from reconciler.core.plan import Plan
from reconciler.core.report import Failure, Report, TestReport


@dataclass(frozen=True, slots=True)
class TenantRun:
    """One tenant's part: what its command made, or why it made nothing. `note` is what else a reader should know.

    `exit_code` is what the command would have ended with for this tenant alone; None where its turn did not come.
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


@dataclass(frozen=True, slots=True)
class Runs:
    """All of them, in the order of their turns. `exit_code` is the worst; `owners` are who we are at them."""

    runs: tuple[TenantRun, ...]
    exit_code: int
    owners: tuple[str, ...] = ()
