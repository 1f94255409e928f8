"""What the statuses of objects say of the runs before: the operator keeps nothing of its own."""

from __future__ import annotations

from reconciler.continuous.operator.documents import Objects
from reconciler.continuous.operator.objects import TEST, Object
from reconciler.core.saved.since import Base
from reconciler.manifests import Manifests


def find_base(objects: Objects, manifests: Manifests) -> Base | None:
    """What was applied before, as far as the objects say so: those that were seen in sync at their
    generation. Everything else is pending.
    """
    synced = {item.name for item in objects.list_kind("Webhook") if is_synced(item)}
    if not synced:
        return None
    if not all(is_synced(item) for item in objects.list_kind("EventSubscription")):
        return None
    declared = tuple(item for item in manifests.declared if item.key in synced)
    return Base("status", objects.make_revision(), declared)


def find_tests(objects: Objects) -> dict[str, str]:
    """The Webhooks whose annotation asks for a test that was not made yet, with its value."""
    return {
        item.name: item.annotations[TEST]
        for item in objects.list_kind("Webhook")
        if TEST in item.annotations and item.annotations[TEST] != item.status.get("lastTest")
    }


def is_synced(item: Object) -> bool:
    """Whether an object was in sync once as it is now: if it is not any more, the tenant moved."""
    kind = "Synced" if item.kind == "Webhook" else "Ready"
    return any(
        condition.get("type") == kind
        and condition.get("observedGeneration") == item.generation
        and (condition.get("status") == "True" or condition.get("reason") == "Drifted")
        for condition in item.status.get("conditions") or ()
    )
