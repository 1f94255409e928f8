"""`reconcile --all-tenants`: a wave begins once every tenant of the one before applied and its
endpoints passed their test.

Nothing begins before every tenant is planned and no plan is refused: `approved.py`.
"""

from __future__ import annotations

import time
from dataclasses import replace

import click

from reconciler import workflow
from reconciler.cli.run.confirm import confirmed_and_carried_out, show_ended
from reconciler.cli.run.connect import opened
from reconciler.cli.run.prepare import Prepared, prepare
from reconciler.cli.run.show import show_test
from reconciler.cli.run.source import Options
from reconciler.cli.run.watched import watched
from reconciler.cli.tenants import approved
from reconciler.cli.tenants.all_tenants import Round, show, turns
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.core.results.runs import TenantRun
from reconciler.testing import Testing, Wish


def reconcile_all(ctx: click.Context, console: Console, options: Options) -> int:
    """Reconciles every tenant, wave by wave; the exit code."""

    async def carry_out(begun: TenantRun, prepared: Prepared) -> TenantRun:
        end = _end(prepared.options)
        async with opened(prepared.target, prepared.options, options.parallelism) as provider:
            made = await prepared.plan(provider, console)
            ended = await confirmed_and_carried_out(console, made, provider, prepared, end)
        if console.output == "text":
            show_ended(console, ended)
        refused = ended.plan if ended.report is None else None
        return replace(begun, exit_code=ended.code, plan=refused, report=ended.report)

    async def test(applied: TenantRun, prepared: Prepared) -> TenantRun:
        end = _end(prepared.options)
        async with opened(prepared.target, prepared.options, options.parallelism) as provider:
            wanted = await workflow.switched_on(prepared.selected, provider, prepared.policy)
            tests = Testing(
                wanted, {"tenant": provider.test}, Wish(parallelism=options.parallelism)
            )
            report, interrupted = await watched(console, tests, end)
        if console.output == "text":
            show_test(console, report)
        code = Exit.DONE if report.passed else Exit.FAILED_TEST
        return replace(applied, exit_code=Exit.INTERRUPTED if interrupted else code, test=report)

    ready = turns(ctx, options, lambda mine: prepare(mine, "require"))
    end = _end(options)
    found = approved.planned(console, options, ready)
    if not found.may_begin:
        return show(console, found.runs)
    ready = approved.bound(ready, found.runs, options)
    options = options.but(deadline=end - time.monotonic() if end is not None else None)
    return Round(console, options, ready, carry_out, test).run()


def _end(options: Options) -> float | None:
    return time.monotonic() + options.deadline if options.deadline is not None else None
