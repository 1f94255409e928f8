"""Plans one tenant, or all, and shows the plan."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.cli.options.changes import ChangeOptions
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run import plan_file
from reconciler.cli.run.prepare import Prepared, prepare
from reconciler.cli.run.show import show_plan
from reconciler.cli.tenants.all_tenants import Round, SingleOptions, turns
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.cli.terminal.signals import run
from reconciler.core.change import Plan
from reconciler.core.results.runs import TenantRun


def plan_tenant(
    console: Console, options: ManifestOptions, changes: ChangeOptions, out: str | None
) -> Plan:
    """Shows the plan, and saves it in the file `out`."""
    with plan_file.reserved(out) as file:
        kept = options if file is None else options.keeping_values()
        prepared = prepare(kept, changes, "warn")
        made = run(prepared.plan_only(console))
        if file is not None:
            plan_file.write(file, made, prepared)
    show_plan(console, made)
    return made


def exit_code(made: Plan, *, detailed: bool) -> int:
    """The exit code of a plan; with `detailed`, pending changes have one of their own."""
    if made.violations:
        return Exit.REFUSED
    return Exit.PENDING if made.pending and detailed else Exit.DONE


def plan_all(
    ctx: click.Context,
    console: Console,
    options: ManifestOptions,
    changes: ChangeOptions,
    out: str | None,
    *,
    detailed: bool,
) -> int:
    """A plan for each tenant."""

    async def plan(begun: TenantRun, prepared: Prepared) -> TenantRun:
        made = await prepared.plan_only(console)
        if console.output == "text":
            show_plan(console, made)
        return replace(begun, exit_code=exit_code(made, detailed=detailed), plan=made)

    single = SingleOptions(out=out)
    ready = turns(ctx, options, lambda mine: prepare(mine, changes, "warn"), single)
    return Round(console, options.connection.deadline, ready, plan).run()
