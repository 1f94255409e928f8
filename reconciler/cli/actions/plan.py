"""Plans one tenant and shows the plan."""

from __future__ import annotations

from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run import plan_file
from reconciler.cli.run.prepare import prepare
from reconciler.cli.run.show import show_plan
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.ending import Exit
from reconciler.cli.terminal.signals import run
from reconciler.core.change import Plan
from reconciler.core.safety.permissions import Permissions


def plan_tenant(
    console: Console, options: ManifestOptions, changes: Permissions, out: str | None
) -> Plan:
    """Shows the plan, and saves it in the file `out`."""
    with plan_file.reserved(out) as file:
        kept = options if file is None else options.keeping_values()
        prepared = prepare(kept, changes, "warn")
        plan = run(prepared.plan_only(console))
        if file is not None:
            plan_file.write(file, plan, prepared)
    show_plan(console, plan)
    return plan


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """The exit code of a plan; with `detailed`, pending changes have one of their own."""
    if plan.refusals:
        return Exit.REFUSED
    if plan.failures:
        return Exit.PARTIAL
    return Exit.PENDING if plan.pending and detailed else Exit.DONE
