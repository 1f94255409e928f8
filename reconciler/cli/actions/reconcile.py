"""Carries out the plan of one tenant, made now or saved."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from reconciler import windows
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.writing import WriteOptions
from reconciler.cli.run.confirm import confirm_and_carry_out
from reconciler.cli.run.prepare import Run, prepare
from reconciler.cli.run.resume import resumed
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.signals import run
from reconciler.connect import open_provider
from reconciler.core.safety.permissions import Permissions
from reconciler.deadline import end_in


def reconcile_tenant(
    console: Console, options: ManifestOptions, changes: Permissions, write: WriteOptions
) -> int:
    """Plans, confirms, carries out, reports; the exit code."""
    return run(_carry_out(console, prepare(options, changes, "require"), write))


def reconcile_saved(
    ctx: click.Context,
    console: Console,
    options: ManifestOptions,
    changes: Permissions,
    write: WriteOptions,
    file: str,
) -> int:
    """The same with the plan in a file."""
    return run(_carry_out(console, resumed(ctx, options, changes, file), write))


async def _carry_out(console: Console, prepared: Run, write: WriteOptions) -> int:
    end, most = end_in(prepared.connection.deadline), write.execution.parallelism
    async with open_provider(prepared.target, prepared.connection, most) as provider:
        plan = await prepared.plan(provider, console)
        plan = windows.hold_plan(plan, prepared.spec, datetime.now(UTC))
        owner = prepared.policy.owner
        return await confirm_and_carry_out(console, plan, provider, owner, write, end)
