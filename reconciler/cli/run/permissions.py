"""What a run may change: the options over what the Tenant manifest says."""

from __future__ import annotations

from dataclasses import replace

from reconciler.cli.options.changes import ChangeOptions
from reconciler.cli.options.tenant import TenantOptions
from reconciler.cli.run.source import owner
from reconciler.core.model.webhook import Owner
from reconciler.core.safety.run_policy import Limits, RunPolicy
from reconciler.manifests import Manifests, TenantSpec
from reconciler.manifests.history.repository import find_repository_of_run


def make_policy(tenant: TenantOptions, changes: ChangeOptions, manifests: Manifests) -> RunPolicy:
    """What the options allow, over what the Tenant manifest says."""
    spec = manifests.tenant if tenant.by_manifest else None
    name, repository = owner(tenant, spec), find_repository_of_run(manifests, spec)
    prune = spec.prune if spec is not None else True
    return RunPolicy(
        owner=Owner(name, changes.revision, repository),
        ownership=spec.ownership if spec is not None else "marked",
        prune=prune if changes.prune is None else changes.prune,
        adopt=changes.adopt,
        resend_credentials=changes.resend_credentials,
        accept_in_use=changes.accept_in_use,
        limits=_limits(spec, changes),
        moved_from=frozenset(changes.moved_from),
    )


def _limits(spec: TenantSpec | None, changes: ChangeOptions) -> Limits:
    most = Limits(max_deletes=changes.max_deletes, max_updates=changes.max_updates)
    if spec is None:
        return most
    return replace(
        most,
        delete_share=spec.delete_share,
        update_share=spec.update_share,
        update_from=spec.update_from,
    )
