"""What `reconcile --plan FILE` needs before the first request: the saved plan, the tenant, the
declared webhooks with their secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import click
from click.core import ParameterSource

from reconciler import workflow
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.options.tenant import TenantOptions
from reconciler.cli.run import plan_file, source
from reconciler.cli.run.prepare import listing
from reconciler.cli.run.target_choice import choose_target
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.progress import waiting
from reconciler.connect import Target
from reconciler.connection import Connection
from reconciler.core.change import Plan
from reconciler.core.errors import StalePlan
from reconciler.core.model.webhook import Declared
from reconciler.core.safety.permissions import Permissions
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.saved.plan_reading import Saved
from reconciler.manifests import Manifests, TenantSpec, load
from reconciler.manifests.decode.saved_webhooks import decode_saved
from reconciler.providers.base import Reader

_DECIDED: Final = (
    "prune",
    "adopt",
    "max_deletes",
    "max_updates",
    "resend_credentials",
    "only",
    "select",
    "exclude",
    "moved_from",
)


@dataclass(frozen=True, slots=True)
class Resumed:
    """The same to a run as `Prepared`, out of a plan file."""

    connection: Connection
    target: Target
    policy: RunPolicy
    saved: Saved
    declared: tuple[Declared, ...]
    spec: TenantSpec | None = None

    async def plan(self, provider: Reader, console: Console) -> Plan:
        """The saved plan, planned again on a new listing; raises StalePlan if it differs."""
        async with waiting(console, *listing(provider)):
            plan = await workflow.resume(
                self.saved, provider, self.declared, self.policy, source.fingerprint_key()
            )
        return workflow.accept_in_git(plan, self.spec)


def resumed(
    ctx: click.Context, options: ManifestOptions, changes: Permissions, file: str
) -> Resumed:
    """Reads and checks everything that needs no tenant; raises what says why this plan is not to be
    carried out here.
    """
    _check_overrides(ctx)
    saved = plan_file.read(file, apply=True)
    request = replace(source.request(options, "warn"), only_tenants=True)
    files = replace(request.files, may_be_empty=not options.paths)
    manifests = load(replace(request, files=files))
    target = choose_target(options.tenant, manifests)
    _same_tenant(saved, target, options.tenant, manifests)
    declared = decode_saved(saved.manifests, request, manifests)
    owner = replace(saved.policy.owner, revision=changes.revision or saved.policy.owner.revision)
    in_use = saved.policy.accept_in_use or changes.accept_in_use
    policy = replace(saved.policy, owner=owner, accept_in_use=in_use, rules=manifests.rules)
    return Resumed(options.connection, target, policy, saved, declared, manifests.tenant)


def _check_overrides(ctx: click.Context) -> None:
    """Raises UsageError for options that the saved plan has decided."""
    overrides = [
        name for name in _DECIDED if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if overrides:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in overrides)
        raise click.UsageError(
            f"the saved plan has decided that already; give it to plan instead: {names}", ctx
        )


def _same_tenant(
    saved: Saved, target: Target, options: TenantOptions, manifests: Manifests
) -> None:
    spec = manifests.tenant if options.by_manifest else None
    here, there = target.ref(source.owner(options, spec)), saved.shown.tenant
    for what, own, its in (("tenant", here.url, there.url), ("owner", here.owner, there.owner)):
        if own != its:
            raise StalePlan(
                f"the plan is for the {what} {its}, this run for {own}; nothing was written"
            )
