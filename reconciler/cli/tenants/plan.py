"""`plan --all-tenants`."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.cli.actions.plan import exit_code
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run.prepare import Prepared, prepare
from reconciler.cli.run.show import show_plan
from reconciler.cli.tenants.all_tenants import Round, SingleOptions, turns
from reconciler.cli.terminal.console import Console
from reconciler.core.results.runs import TenantRun
from reconciler.core.safety.permissions import Permissions


def plan_all(
    ctx: click.Context,
    console: Console,
    options: ManifestOptions,
    changes: Permissions,
    out: str | None,
    *,
    detailed: bool,
) -> int:
    """A plan for each tenant."""

    async def plan(begun: TenantRun, prepared: Prepared) -> TenantRun:
        plan = await prepared.plan_only(console)
        if console.output == "text":
            show_plan(console, plan)
        return replace(begun, exit_code=exit_code(plan, detailed=detailed), plan=plan)

    single = SingleOptions(out=out)
    ready = turns(ctx, options, lambda manifests: prepare(manifests, changes, "warn"), single)
    return Round(console, options.connection.deadline, ready, plan).run()
