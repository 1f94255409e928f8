"""What a run may change: the options over what the Tenant manifest says."""

from __future__ import annotations

from reconciler import workflow
from reconciler.cli.options.tenant import TenantOptions
from reconciler.cli.run.source import owner
from reconciler.core.safety.permissions import Permissions
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.manifests import Manifests


def make_policy(
    tenant: TenantOptions, changes: Permissions, manifests: Manifests, narrow: workflow.Narrow
) -> RunPolicy:
    """What the options allow, over what the Tenant manifest says, in the part that they select."""
    spec = manifests.tenant if tenant.by_manifest else None
    name = owner(tenant, spec)
    return workflow.settle_policy(manifests, spec, name, changes, narrow)
