"""Objects that no Tenant runs: their status, and the release of their finalizers. Pure, but for the
release.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler.continuous.operator.conditions import Condition, merge
from reconciler.continuous.operator.objects import Object


def make_unused_status(item: Object, now: datetime) -> dict[str, Any]:
    """The status of an object in a namespace without a Tenant."""
    time = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    text = "no Tenant of this namespace, and no ClusterTenant that allows it, manages it"
    ready = Condition("Ready", "False", "NoTenant", text)
    conditions = merge(item.status.get("conditions") or (), [ready], item.generation, time)
    return {"observedGeneration": item.generation, "conditions": conditions}
