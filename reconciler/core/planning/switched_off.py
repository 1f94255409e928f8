"""Webhooks that are switched off at the tenant although their manifests do not say so. Pure.
docs/plan-rules.md, rule 2.

`enabled` left out of a manifest leaves it to the tenant: a plan warns of it, drift reports it,
reconcile leaves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reconciler.core.model.webhook import Declared, Live

OFF: Final = "switched off at the tenant"
LEFT: Final = f"{OFF}; reconcile leaves it off, unless the manifest says enabled: true"


def is_switched_off(declared: Declared, live: Live) -> bool:
    """Whether the live webhook is off while its manifest leaves `enabled` out."""
    return declared.spec.enabled is None and not live.spec.enabled


def warning(pair: tuple[Declared, Live]) -> str:
    """What a plan says of one, with its place and what to write."""
    declared, live = pair
    way_out = "write enabled: true to switch it on, enabled: false to keep it off"
    return (
        f"{declared.origin}: {live.spec.name}: {OFF}, and its manifest leaves enabled out: "
        f"reconcile leaves it off; {way_out}"
    )
