"""`test --all-tenants`."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.cli.actions.endpoints import Wanted, exit_code, prepare_tests, run_tests
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.testing import EndpointOptions
from reconciler.cli.run.show import show_test
from reconciler.cli.tenants.all_tenants import Round, SingleOptions, turns
from reconciler.cli.terminal.console import Console
from reconciler.core.results.runs import TenantRun


def test_all(
    ctx: click.Context, console: Console, options: ManifestOptions, endpoints: EndpointOptions
) -> int:
    """The endpoints of each tenant; the exit code."""

    async def run_turn(begun: TenantRun, wanted: Wanted) -> TenantRun:
        report, interrupted = await run_tests(console, wanted, endpoints)
        if console.output == "text":
            show_test(console, report)
        return replace(begun, exit_code=exit_code(report, interrupted=interrupted), test=report)

    ready = turns(
        ctx, options, lambda manifests: prepare_tests(manifests, endpoints), SingleOptions()
    )
    return Round(console, options.connection.deadline, ready, run_turn).run()
