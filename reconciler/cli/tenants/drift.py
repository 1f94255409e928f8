"""`drift --all-tenants`."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.cli.actions.drift import exit_code, show_drift
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run.prepare import Prepared, prepare
from reconciler.cli.tenants.all_tenants import Round, SingleOptions, turns
from reconciler.cli.terminal.console import Console
from reconciler.core.results.drift import find_drift
from reconciler.core.results.runs import TenantRun
from reconciler.core.safety.permissions import Permissions


def look_at_all(
    ctx: click.Context,
    console: Console,
    options: ManifestOptions,
    changes: Permissions,
    pause: float | None,
) -> int:
    """A look at each tenant; the exit code."""

    async def look(begun: TenantRun, prepared: Prepared) -> TenantRun:
        drift = find_drift(await prepared.plan_only(console))
        if console.output == "text":
            show_drift(console, drift, "")
        return replace(begun, exit_code=exit_code(drift), drift=drift)

    single = SingleOptions(watch=pause)
    ready = turns(ctx, options, lambda manifests: prepare(manifests, changes, "warn"), single)
    return Round(console, options.connection.deadline, ready, look).run()
