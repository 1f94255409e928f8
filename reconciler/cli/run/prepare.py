"""What plan, reconcile and test have in common: manifests read, tenant chosen, policy settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from reconciler import workflow
from reconciler.cli.options.manifests import ManifestOptions
from reconciler.cli.run import permissions, source
from reconciler.cli.run.source import Secrets
from reconciler.cli.run.target_choice import choose_target
from reconciler.cli.terminal.console import Console
from reconciler.cli.terminal.progress import waiting
from reconciler.connect import Target, open_provider
from reconciler.connection import Connection
from reconciler.core.change import Plan, TenantRef
from reconciler.core.model.webhook import Declared
from reconciler.core.safety.permissions import Permissions
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.saved.since import Base
from reconciler.manifests import Manifests, TenantSpec
from reconciler.manifests.history import base_manifests
from reconciler.providers.base import FleetReader, Reader


class Run(Protocol):
    """What carrying out needs to know, whether the plan is made now or was saved."""

    @property
    def connection(self) -> Connection:
        """How the tenant and endpoints are reached."""
        ...

    @property
    def target(self) -> Target:
        """The tenant."""
        ...

    @property
    def policy(self) -> RunPolicy:
        """What is allowed, and the owner."""
        ...

    @property
    def spec(self) -> TenantSpec | None:
        """The Tenant manifest in use, None if options say which tenant it is."""
        ...

    async def plan(self, provider: Reader, console: Console) -> Plan:
        """The plan, not approved yet."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything a run needs before the first request."""

    connection: Connection
    manifests: Manifests
    target: Target
    policy: RunPolicy
    selected: tuple[Declared, ...]
    base: Base | None = None

    @property
    def spec(self) -> TenantSpec | None:
        """The Tenant manifest in use, None if options say which tenant it is."""
        return self.manifests.tenant

    @property
    def tenant(self) -> TenantRef:
        """How plan and report name the tenant."""
        return self.target.ref(self.policy.owner.name, self.policy.owner.repository)

    async def plan(self, provider: Reader, console: Console) -> Plan:
        """What reconcile would do; on a terminal it shows that the tenant is being listed."""
        async with waiting(console, *listing(provider)):
            return await workflow.plan(
                self.manifests,
                provider,
                self.policy,
                self.tenant,
                source.fingerprint_key(),
                self.base,
            )

    def within(self, seconds: float | None) -> Prepared:
        """The same with that `--deadline`."""
        return replace(self, connection=self.connection._replace(deadline=seconds))

    async def plan_only(self, console: Console) -> Plan:
        """The same, with the tenant opened for it alone."""
        async with open_provider(self.target, self.connection) as provider:
            return await self.plan(provider, console)


def listing(provider: Reader) -> tuple[str, Callable[[], tuple[int, int]] | None]:
    """What a progress bar says while a tenant is listed, and how far that is."""
    if isinstance(provider, FleetReader):
        return f"listing {provider.capabilities.scopes}", lambda: provider.progress
    return "listing", None


def narrow(options: ManifestOptions) -> workflow.Narrow:
    """`--only`, `--exclude`, `--select`."""
    wanted = options.narrow
    return workflow.Narrow(wanted.only, wanted.exclude, wanted.select, options.shared.known)


def _base(options: ManifestOptions, manifests: Manifests) -> Base | None:
    """What they declared as of `--since`, None without it; raises BadRequest, GitFailed,
    InvalidManifests of then.
    """
    if options.since is None:
        return None
    return base_manifests.load_base(options.since, manifests, source.request(options, "ignore"))


def prepare(options: ManifestOptions, changes: Permissions, secrets: Secrets) -> Prepared:
    """Reads and checks everything that needs no tenant; with `require`, every secret of the
    selected webhooks resolves.
    """
    manifests = source.read(options, secrets)
    target = choose_target(options.tenant, manifests)
    policy = permissions.make_policy(options.tenant, changes, manifests, narrow(options))
    keys = policy.scope.selected_keys
    if secrets == "require":
        selected = workflow.require_secrets(
            manifests, frozenset(keys) if keys is not None else None
        )
    else:
        selected = tuple(item for item in manifests.declared if policy.scope.selects(item.key))
    base = _base(options, manifests)
    connection = options.connection
    return Prepared(connection, manifests, target, policy, selected, base)
