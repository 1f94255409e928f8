"""The part of a plan that is drift, and the part that is news since an earlier plan. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.core.change import Action, Change, FieldChange, Label, Plan, Violation
from reconciler.core.planning.labels import combine_labels
from reconciler.core.planning.switched_off import LEFT, make_warning
from reconciler.core.safety.repository import only_records


@dataclass(frozen=True, slots=True)
class Drift:
    """One result: the whole labelled `plan`, the changes and violations to report, the names of
    webhooks that are equal again, and whether other scopes of a fleet could not be read before.
    """

    plan: Plan
    changes: tuple[Change, ...]
    violations: tuple[Violation, ...] = ()
    settled_names: tuple[str, ...] = ()
    has_other_failures: bool = False

    @property
    def has_drift(self) -> bool:
        """Whether the tenant changed anything, reported or not. Two live webhooks for one declared
        count too.
        """
        return bool(self.plan.clashes) or any(
            change.label in {Label.DRIFT, Label.BOTH} for change in self.plan.pending
        )

    @property
    def is_news(self) -> bool:
        """Whether there is anything to report."""
        reported = self.changes or self.violations or self.settled_names
        return bool(reported or self.has_other_failures)

    def count(self, label: Label) -> int:
        """The number of changes with that label in the whole plan."""
        return sum(change.label is label for change in self.plan.pending)


def find_drift(plan: Plan) -> Drift:
    """Everything in a plan, and what is switched off at the tenant, which a plan leaves.

    Without labels all of it counts as drift: Git's state is assumed to be applied.
    """
    if plan.since is None:
        stages = tuple(
            tuple(replace(change, label=_find_label(change)) for change in stage)
            for stage in plan.stages
        )
        plan = replace(plan, stages=stages)
    if plan.switched_off:
        plan = _add_switched_off(plan)
    return Drift(plan, plan.pending, plan.violations)


def _add_switched_off(plan: Plan) -> Plan:
    """The plan with a change of `enabled` per webhook that is switched off, instead of the
    warning.
    """
    off = {live.id: (declared, live) for declared, live in plan.switched_off}
    field = FieldChange(("enabled",), before=False, after=True)
    if plan.since is not None:
        field = replace(field, label=Label.DRIFT, base=True)

    def add_field(change: Change) -> Change:
        if change.live is None or change.live.id not in off:
            return change
        fields = tuple(sorted((*change.fields, field), key=lambda item: item.path))
        return replace(
            change, fields=fields, label=combine_labels([change.label or Label.SAME, Label.DRIFT])
        )

    pending = {change.live.id for change in plan.pending if change.live is not None}
    new_changes = tuple(
        Change(Action.UPDATE, live.spec.name, live, declared, (field,), LEFT, label=Label.DRIFT)
        for declared, live in plan.switched_off
        if live.id not in pending
    )
    replaced_warnings = set(map(make_warning, plan.switched_off))
    return replace(
        plan,
        stages=(*(tuple(map(add_field, stage)) for stage in plan.stages), new_changes),
        counts=replace(plan.counts, keep=plan.counts.keep - len(new_changes)),
        warnings=tuple(text for text in plan.warnings if text not in replaced_warnings),
    )


def _find_label(change: Change) -> Label:
    """PENDING if the change only records our repository in a mark without one: the tenant changed
    nothing.
    """
    return Label.PENDING if only_records(change) else Label.DRIFT


def find_news(previous: Drift, current: Drift) -> Drift:
    """The changes and violations in `current` that `previous` lacks, and the names that are equal
    again. Of a scope that cannot be read, nothing is known to be equal.
    """
    failed, former = (
        {failure.scope for failure in drift.plan.failures} for drift in (current, previous)
    )
    known_changes = {_make_essence(change) for change in previous.plan.pending}
    current_ids = {_find_identity(change) for change in current.plan.pending}
    return Drift(
        current.plan,
        tuple(
            change for change in current.plan.pending if _make_essence(change) not in known_changes
        ),
        tuple(
            violation
            for violation in current.plan.violations
            if violation not in previous.plan.violations
        ),
        tuple(
            change.name
            for change in previous.plan.pending
            if _find_identity(change) not in current_ids and change.scope not in failed
        ),
        failed != former,
    )


def _find_identity(change: Change) -> str:
    return change.key or (change.live.id if change.live is not None else change.name)


def _make_essence(change: Change) -> str:
    """The reported part of a change, to find news. It holds no secret."""
    return repr(
        (
            _find_identity(change),
            change.action,
            change.name,
            change.label,
            change.moved_fields,
            change.fields,
        )
    )
