"""Every reason not to carry out a plan, in one place: whoever makes or changes a plan asks here, so that none gets lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.guard import check
from reconciler.core.repository import foreign

if TYPE_CHECKING:
    from reconciler.core.plan import Plan
    from reconciler.core.policy import Policy


def check_plan(plan: Plan, policy: Policy) -> Plan:
    """The plan with all its violations: webhooks of another repository first, then what `guard.check` finds."""
    return replace(plan, violations=(*foreign(plan, policy), *check(plan, policy)))
