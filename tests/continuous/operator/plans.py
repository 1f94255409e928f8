"""Plans of one webhook, for results of runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.core.change import Label, Plan
from reconciler.core.model.scopes import ScopeFailure, Scopes
from tests.support.builders import declared, live, plan_of


def make_plan(*, update: str = "", drift: str = "", delete: str = "", fails: bool = False) -> Plan:
    """A plan that changes the webhook of that key, or none. A drift is an update by label."""
    changed = update or drift
    wanted = [declared(changed, url="https://new.example.com")] if changed else []
    there = [live(key) for key in (changed, delete) if key]
    plan = plan_of(wanted, there)
    if drift:
        stages: Any = tuple(
            tuple(replace(change, label=Label.DRIFT) for change in stage) for stage in plan.stages
        )
        plan = replace(plan, stages=stages)
    if fails:
        scopes = Scopes(
            "repositories", ("a/b",), failures=(ScopeFailure("a/b", "unauthorized", "no right"),)
        )
        plan = replace(plan, tenant=replace(plan.tenant, scopes=scopes))
    return plan
