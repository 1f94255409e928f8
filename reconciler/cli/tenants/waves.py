"""`reconcile --all-tenants`: a wave begins once every tenant of the one before applied and its
endpoints passed their test.

Nothing begins before every tenant is planned and no plan is refused: `approved.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import click

from reconciler import windows, workflow
from reconciler.cli.actions.endpoints import send_by
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.writing import ApprovalOptions, ExecutionOptions, WriteOptions
from reconciler.cli.run.confirm import confirmed_and_carried_out, show_ended
from reconciler.cli.run.prepare import Prepared, prepare
from reconciler.cli.run.show import show_test
from reconciler.cli.run.watched import watched
from reconciler.cli.tenants import approved
from reconciler.cli.tenants.all_tenants import Round, SingleOptions, show, turns
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.connect import open_provider
from reconciler.core.results.runs import TenantRun
from reconciler.core.safety.permissions import Permissions
from reconciler.deadline import end_in, seconds_until
from reconciler.testing import Testing, Wish


def reconcile_all(
    ctx: click.Context,
    console: Console,
    options: ManifestOptions,
    changes: Permissions,
    write: WriteOptions,
    file: str | None,
) -> int:
    """Reconciles every tenant, wave by wave; the exit code. Raises UsageError if there is the
    `file` of a saved plan.
    """
    single = SingleOptions(plan=file)
    ready = turns(ctx, options, lambda manifests: prepare(manifests, changes, "require"), single)
    deadline = options.connection.deadline
    end = end_in(deadline)
    planned = approved.planned(console, write.approval, deadline, ready)
    if not planned.may_begin:
        return show(console, planned.runs)
    ready = approved.bound(ready, planned.runs)
    turn = _Turn(console, write.execution, approved.approvals(write.approval, planned.runs))
    return Round(console, seconds_until(end), ready, turn.carry_out, turn.test).run()


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is done in the turn of each tenant, with what its plan is approved for."""

    console: Console
    execution: ExecutionOptions
    approvals: Mapping[str, ApprovalOptions]

    async def carry_out(self, begun: TenantRun, prepared: Prepared) -> TenantRun:
        """Its plan, carried out."""
        console, owner = self.console, prepared.policy.owner
        options = WriteOptions(self.approvals[begun.tenant], self.execution)
        end, most = end_in(prepared.connection.deadline), self.execution.parallelism
        async with open_provider(prepared.target, prepared.connection, most) as provider:
            plan = await prepared.plan(provider, console)
            plan = windows.hold_plan(plan, prepared.spec, datetime.now(UTC))
            ended = await confirmed_and_carried_out(console, plan, provider, owner, options, end)
        if console.output == "text":
            show_ended(console, ended)
        refused = ended.plan if ended.report is None else None
        return replace(begun, exit_code=ended.code, plan=refused, report=ended.report)

    async def test(self, applied: TenantRun, prepared: Prepared) -> TenantRun:
        """Its endpoints, tested before the next wave."""
        end, most = end_in(prepared.connection.deadline), self.execution.parallelism
        async with open_provider(prepared.target, prepared.connection, most) as provider:
            wanted = await workflow.filter_switched_on(prepared.selected, provider, prepared.policy)
            webhooks, failures = await workflow.find_places(wanted, provider)
            tests = Testing(webhooks, {"tenant": send_by(provider)}, Wish(parallelism=most))
            report, interrupted = await watched(self.console, tests, end)
            report = replace(report, failures=failures)
        if self.console.output == "text":
            show_test(self.console, report)
        code = Exit.DONE if report.passed else Exit.FAILED_TEST
        return replace(applied, exit_code=Exit.INTERRUPTED if interrupted else code, test=report)
