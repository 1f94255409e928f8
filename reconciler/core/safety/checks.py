"""Every reason to refuse a plan, in one place: all code that makes or changes a plan calls it, so
no check is lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.safety.limits_and_protection import check
from reconciler.core.safety.plan_digest import add_digest
from reconciler.core.safety.repository import check_repositories

if TYPE_CHECKING:
    from reconciler.core.change import Plan
    from reconciler.core.safety.run_policy import RunPolicy


def check_plan(plan: Plan, policy: RunPolicy) -> Plan:
    """The plan with its digest and all its violations, those of foreign repositories first."""
    return add_digest(
        replace(plan, violations=(*check_repositories(plan, policy), *check(plan, policy)))
    )
