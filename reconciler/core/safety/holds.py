"""What a Tenant's schedule stops and lets pass: no writes while it is suspended or outside of its
windows, and plans whose violations Git accepts.

Pure: whether a window is open comes in. A plan knows no time, so only what writes asks for a hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from reconciler.core.change import Plan, Violation
from reconciler.core.model.schedule import Schedule
from reconciler.core.model.webhook import Origin

_NOWHERE: Final[Mapping[str, Origin]] = {}


def find_hold(
    schedule: Schedule,
    *,
    is_open: bool,
    opening: datetime | None = None,
    places: Mapping[str, Origin] = _NOWHERE,
) -> Violation | None:
    """Why nothing may be written now, None if it may. No digest accepts it.

    `is_open` says whether a window is open, `opening` when the next one opens, in UTC. `places` are
    the positions of the fields in the Tenant manifest.
    """
    if schedule.suspend:
        message = "the Tenant says suspend: true; nothing is written until it is removed"
        return Violation("suspended", message, origin=places.get("suspend"))
    if is_open:
        return None
    until = (
        f"the next one opens at {opening.strftime('%Y-%m-%d %H:%M')} UTC"
        if opening is not None
        else "none opens again"
    )
    message = f"no window of the Tenant is open; {until}"
    return Violation("outside-window", message, origin=places.get("windows"))


def add_hold(plan: Plan, hold: Violation | None) -> Plan:
    """The plan with the hold as a violation, if it would write."""
    if hold is None or not plan.pending:
        return plan
    return replace(plan, violations=(*plan.violations, hold))


def accept_listed(plan: Plan, schedule: Schedule) -> Plan:
    """The plan with its acceptable violations as accepted, if the schedule lists its digest."""
    if plan.digest not in schedule.accept:
        return plan
    violations = tuple(
        replace(violation, accepted=violation.is_acceptable) for violation in plan.violations
    )
    return replace(plan, violations=violations)


def warn_of_suspension(
    schedule: Schedule, places: Mapping[str, Origin] = _NOWHERE
) -> tuple[str, ...]:
    """A plan's warning that nothing will be written to a suspended Tenant."""
    if not schedule.suspend:
        return ()
    place = f"{places['suspend']}: " if "suspend" in places else ""
    return (f"{place}the Tenant says suspend: true, so nothing will be written to it",)
