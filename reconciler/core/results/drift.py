"""What of a plan is drift, and what of it is news to somebody who saw an earlier look. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.core.change import Action, Change, FieldChange, Label, Plan, Violation
from reconciler.core.planning.labels import combined
from reconciler.core.planning.switched_off import LEFT, warning
from reconciler.core.safety.repository import records_only


@dataclass(frozen=True, slots=True)
class Drift:
    """One look: the whole `plan`, labelled; which of its changes and violations are told, and the
    names that agree again.
    """

    plan: Plan
    changes: tuple[Change, ...]
    violations: tuple[Violation, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether the tenant moved anywhere, told or not; two live webhooks for one are a move
        too.
        """
        return bool(self.plan.clashes) or any(
            change.label in {Label.DRIFT, Label.BOTH} for change in self.plan.pending
        )

    @property
    def is_news(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.changes or self.violations or self.settled)

    def count(self, label: Label) -> int:
        """How many changes of the whole plan have that label."""
        return sum(change.label is label for change in self.plan.pending)


def look(plan: Plan) -> Drift:
    """Everything that a plan says, and what is switched off at the tenant, which a plan leaves.

    Without labels all of it is drift: what Git says was carried out, as far as anybody knows.
    """
    if plan.since is None:
        stages = tuple(
            tuple(replace(change, label=_label(change)) for change in stage)
            for stage in plan.stages
        )
        plan = replace(plan, stages=stages)
    if plan.switched_off:
        plan = _with_switched_off(plan)
    return Drift(plan, plan.pending, plan.violations)


def _with_switched_off(plan: Plan) -> Plan:
    """The plan with the field `enabled` among the changes of each webhook that is switched off, in
    place of the warning of it.
    """
    off = {live.id: (declared, live) for declared, live in plan.switched_off}
    field = FieldChange(("enabled",), before=False, after=True)
    if plan.since is not None:
        field = replace(field, label=Label.DRIFT, base=True)

    def moved(change: Change) -> Change:
        if change.live is None or change.live.id not in off:
            return change
        fields = tuple(sorted((*change.fields, field), key=lambda item: item.path))
        return replace(
            change, fields=fields, label=combined([change.label or Label.SAME, Label.DRIFT])
        )

    pending = {change.live.id for change in plan.pending if change.live is not None}
    kept = tuple(
        Change(Action.UPDATE, live.spec.name, live, declared, (field,), LEFT, label=Label.DRIFT)
        for declared, live in plan.switched_off
        if live.id not in pending
    )
    said = set(map(warning, plan.switched_off))
    return replace(
        plan,
        stages=(*(tuple(map(moved, stage)) for stage in plan.stages), kept),
        counts=replace(plan.counts, keep=plan.counts.keep - len(kept)),
        warnings=tuple(text for text in plan.warnings if text not in said),
    )


def _label(change: Change) -> Label:
    """Recording our repository in a mark that has none yet is nothing that the tenant did."""
    return Label.PENDING if records_only(change) else Label.DRIFT


def news(before: Drift, now: Drift) -> Drift:
    """What `now` says that `before` did not, and the names of what `before` had and now agrees."""
    known = {_essence(change) for change in before.plan.pending}
    still = {_identity(change) for change in now.plan.pending}
    return Drift(
        now.plan,
        tuple(change for change in now.plan.pending if _essence(change) not in known),
        tuple(found for found in now.plan.violations if found not in before.plan.violations),
        tuple(change.name for change in before.plan.pending if _identity(change) not in still),
    )


def _identity(change: Change) -> str:
    return change.key or (change.live.id if change.live is not None else change.name)


def _essence(change: Change) -> str:
    """What is told of a change, so that only what would be told otherwise is news; no secret is in
    it.
    """
    return repr(
        (_identity(change), change.action, change.name, change.label, change.moved, change.fields)
    )
