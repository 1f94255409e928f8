"""Marks existing webhooks as ours."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler import windows, workflow
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.writing import WriteOptions
from reconciler.cli.run.confirm import confirm_and_carry_out
from reconciler.cli.run.prepare import Prepared, listing, prepare
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.progress import waiting
from reconciler.cli.terminal.signals import run
from reconciler.connect import open_provider
from reconciler.core.export.adopt import AdoptionRequest
from reconciler.core.safety.permissions import Permissions
from reconciler.rendering.escape import terminal


def adopt(
    console: Console,
    options: ManifestOptions,
    changes: Permissions,
    write: WriteOptions,
    names: frozenset[str] | None,
    adopt_from: str | None,
) -> int:
    """Plans, confirms, carries out, reports; the exit code. `names` None: every declared webhook
    that is unowned.
    """
    wanted = AdoptionRequest(names, adopt_from)
    return run(_adopt(console, prepare(options, changes, "warn"), write, wanted))


async def _adopt(
    console: Console, prepared: Prepared, write: WriteOptions, wanted: AdoptionRequest
) -> int:
    most = write.execution.parallelism
    async with open_provider(prepared.target, prepared.connection, most) as provider:
        async with waiting(console, *listing(provider)):
            plan = await workflow.adopt(
                prepared.manifests, provider, prepared.policy, wanted, prepared.tenant
            )
        plan = windows.hold_plan(plan, prepared.spec, datetime.now(UTC))
        if (
            console.output != "text" or not plan.pending
        ):  # else they stand in the plan that is shown
            for warning in plan.warnings:
                console.say(f"warning: {terminal(warning)}")
        return await confirm_and_carry_out(console, plan, provider, prepared.policy.owner, write)
