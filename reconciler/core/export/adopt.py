"""Taking over what exists: a plan that writes our mark and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from reconciler.core.change import Action, Change, Counts, Plan, TenantRef, Violation
from reconciler.core.export.exported import may_take
from reconciler.core.model.webhook import Declared, Live, Webhook
from reconciler.core.planning.diff import diff
from reconciler.core.planning.mark import mark_changes
from reconciler.core.planning.match import match
from reconciler.core.planning.order import arrange
from reconciler.core.planning.plan import is_ours
from reconciler.core.planning.settle import settle
from reconciler.core.safety.plan_digest import with_digest
from reconciler.core.safety.repository import is_foreign, refusal
from reconciler.core.safety.run_policy import RunPolicy


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to take over: the webhooks of these keys or names, None for all; also those of the owner
    `adopt_from`.
    """

    names: AbstractSet[str] | None = None
    adopt_from: str | None = None

    def asks_for(self, declared: Declared) -> bool:
        """Whether that webhook was asked for."""
        return self.names is None or not self.names.isdisjoint({declared.key, declared.spec.name})


def make_adoption(
    declared: Iterable[Declared],
    live: Iterable[Live],
    policy: RunPolicy,
    wanted: Wanted,
    *,
    tenant: TenantRef,
    normalize: Callable[[Webhook], Webhook],
) -> Plan:
    """The plan that marks live webhooks as ours and leaves every other field as it is.

    Another owner's webhook, or one that is not there: a violation if it was named, a warning if all
    were asked for.
    """
    items, real = tuple(sorted(declared, key=lambda item: item.key)), {one.id: one for one in live}
    found = match(
        items, _by_their_key(items, tuple(real.values()), policy, wanted), policy, normalize
    )
    changes: list[Change] = []
    refused: list[Violation] = []
    warnings: list[str] = []
    asked_for: set[str] = set()
    for item, matched in found.pairs:
        counterpart = None if matched is None else real[matched.id]
        if not wanted.asks_for(item):
            continue
        if counterpart is None or not _may_take(counterpart, policy, wanted):
            refused.append(_refusal(item, counterpart, policy))
            continue
        change, said = _taken(item, counterpart, policy, normalize)
        asked_for.add(counterpart.id)
        changes += [change] if change.fields else []
        warnings += said
    named = wanted.names is not None
    made = Plan(
        tenant,
        arrange(changes)[0],
        _counts(len(changes), asked_for, real.values(), policy),
        declared=len(items),
        violations=(*found.clashes, *(refused if named else ())),
        warnings=(*warnings, *(() if named else (violation.message for violation in refused))),
        policy=f"adopt {wanted.adopt_from or ''}".strip(),
    )
    return with_digest(made)


def _counts(
    changes: int, asked_for: AbstractSet[str], live: Iterable[Live], policy: RunPolicy
) -> Counts:
    """Of those asked for, by id, what does not change is ours already; the rest is out of scope if
    ours, else unmanaged.
    """
    rest = [is_ours(one, policy) for one in live if one.id not in asked_for]
    return Counts(
        update=changes,
        keep=len(asked_for) - changes,
        unmanaged=rest.count(False),
        out_of_scope=rest.count(True),
    )


def _by_their_key(
    items: Sequence[Declared], held: Sequence[Live], policy: RunPolicy, wanted: Wanted
) -> tuple[Live, ...]:
    """Live webhooks to match with: of the former owner under his key, although the name may have
    changed meanwhile.

    They are shown to the matching as ours where we have none of that key; the names of all others
    decide as always.
    """
    if wanted.adopt_from is None:
        return tuple(held)
    ours = {
        one.managed_by.key
        for one in held
        if one.managed_by is not None and one.managed_by.owner == policy.owner.name
    }
    keys = {item.key for item in items} - ours
    return tuple(
        replace(one, managed_by=replace(one.managed_by, owner=policy.owner.name))
        if one.managed_by is not None
        and one.managed_by.owner == wanted.adopt_from
        and one.managed_by.key in keys
        else one
        for one in held
    )


def _may_take(live: Live, policy: RunPolicy, wanted: Wanted) -> bool:
    return may_take(live, policy.owner.name, wanted.adopt_from) and not is_foreign(
        live.managed_by, policy
    )


def _refusal(item: Declared, live: Live | None, policy: RunPolicy) -> Violation:
    """Why a webhook cannot be taken over."""
    mark = live.managed_by if live is not None else None
    if live is None or mark is None:
        return Violation(
            "not-found",
            f"{item.spec.name}: is not at the tenant; reconcile creates it",
            (item.spec.name,),
        )
    if is_foreign(mark, policy):
        return refusal(live, "mark", policy)
    message = (
        f"{live.spec.name}: belongs to owner {mark.owner}; --adopt-from {mark.owner} takes it over"
    )
    return Violation("other-owner", message, (live.spec.name,))


def _taken(
    item: Declared, live: Live, policy: RunPolicy, normalize: Callable[[Webhook], Webhook]
) -> tuple[Change, tuple[str, ...]]:
    """The change of the mark alone, and a warning of the fields that the next plan will change."""
    settled = settle(item, live, policy, normalize)
    differs = [change.dotted for change in diff(live.spec, settled.spec)]
    if settled.protected != live.protected:
        differs.append("protected")
    declared = replace(item, spec=live.spec, protected=live.protected, sources=settled.sources)
    fields = mark_changes(live, declared, policy)
    said = (
        f"{live.spec.name}: differs from its manifest in {', '.join(differs)}; adopt leaves "
        "that, reconcile changes it"
    )
    change = Change(
        Action.UPDATE, live.spec.name, live, declared, fields, "adopted: ownership only"
    )
    return change, (said,) if differs else ()
