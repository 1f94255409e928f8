"""The recent deliveries of what a plan removes, where a listing has no counts.

Pure: which webhooks have to be asked for, and what the answers do to a plan. docs/plan-rules.md,
rule 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.safety.checks import check_plan

if TYPE_CHECKING:
    from reconciler.core.change import Change, Plan
    from reconciler.core.model.webhook import Live, Use
    from reconciler.core.safety.run_policy import RunPolicy


def find_unknown_use(plan: Plan) -> tuple[Live, ...]:
    """The webhooks that the plan removes and whose recent deliveries are not known."""
    removed = (change.live for change in plan.pending if change.is_removal)
    return tuple(live for live in removed if live is not None and live.use is None)


def add_use(
    plan: Plan, use_by_id: Mapping[str, Use], warnings: Iterable[str], policy: RunPolicy
) -> Plan:
    """The plan with the deliveries of those webhooks, and checked again. The digest stays as it is:
    counts move.
    """

    def with_use(change: Change) -> Change:
        use = use_by_id.get(change.live.id) if change.live is not None else None
        if change.live is None or use is None:
            return change
        return replace(change, live=replace(change.live, use=use))

    stages = tuple(tuple(map(with_use, stage)) for stage in plan.stages)
    all_warnings = tuple(dict.fromkeys((*plan.warnings, *warnings)))
    return check_plan(replace(plan, stages=stages, warnings=all_warnings), policy)
