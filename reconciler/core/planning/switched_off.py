"""Webhooks that are switched off at the tenant, while their manifests leave `enabled` out. Pure.
docs/plan-rules.md, rule 2.

Then the tenant decides: a plan warns, drift reports it, reconcile changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.core.model.webhook import Declared, Live

OFF: Final = "switched off at the tenant"
_ENABLED: Final = ("enabled",)
LEFT: Final = f"{OFF}; reconcile leaves it off, unless the manifest says enabled: true"


def is_switched_off(declared: Declared, live: Live) -> bool:
    """Whether the live webhook is off while its manifest leaves `enabled` out, and does not ignore
    it.
    """
    return (
        declared.spec.enabled is None and not live.spec.enabled and _ENABLED not in declared.ignored
    )


def make_warning(pair: tuple[Declared, Live]) -> str:
    """A plan's warning for such a webhook, with its position and the fix."""
    declared, live = pair
    fix = "write enabled: true to switch it on, enabled: false to keep it off"
    return (
        f"{declared.origin}: {live.spec.name}: {OFF}, and its manifest leaves enabled out: "
        f"reconcile leaves it off; {fix}"
    )
