"""What a run may change: the options over what the Tenant manifest says."""

from __future__ import annotations

from reconciler import workflow
from reconciler.cli.options.changes import ChangeOptions
from reconciler.cli.options.tenant import TenantOptions
from reconciler.cli.run.source import owner
from reconciler.core.safety.run_policy import Permissions, RunPolicy
from reconciler.manifests import Manifests


def make_policy(
    tenant: TenantOptions, changes: ChangeOptions, manifests: Manifests, narrow: workflow.Narrow
) -> RunPolicy:
    """What the options allow, over what the Tenant manifest says, in the part that they select."""
    spec = manifests.tenant if tenant.by_manifest else None
    name = owner(tenant, spec)
    return workflow.settle_policy(manifests, spec, name, _make_permissions(changes), narrow)


def _make_permissions(changes: ChangeOptions) -> Permissions:
    return Permissions(
        prune=changes.prune,
        adopt=changes.adopt,
        max_deletes=changes.max_deletes,
        max_updates=changes.max_updates,
        accept_in_use=changes.accept_in_use,
        resend_credentials=changes.resend_credentials,
        revision=changes.revision,
        moved_from=changes.moved_from,
    )
