"""Every reason not to carry out a plan, in one place: whoever makes or changes a plan asks here, so
that none gets lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.safety.limits_and_protection import check
from reconciler.core.safety.plan_digest import with_digest
from reconciler.core.safety.repository import foreign

if TYPE_CHECKING:
    from reconciler.core.change import Plan
    from reconciler.core.safety.run_policy import RunPolicy


def check_plan(plan: Plan, policy: RunPolicy) -> Plan:
    """The plan with all its violations, webhooks of another repository first, and with its
    digest.
    """
    return with_digest(replace(plan, violations=(*foreign(plan, policy), *check(plan, policy))))
