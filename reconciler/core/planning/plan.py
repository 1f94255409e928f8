"""The plan: every change that makes the tenant as declared, in the order in which it is carried
out.

`make_plan` is pure: declared + live + policy -> Plan. Matching stands in `match.py`, filling in
what a manifest leaves open in `settle.py`, the order in `order.py`, refusing in
`limits_and_protection.py`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from reconciler.core.change import Action, Change, Counts, FieldChange, Plan, TenantRef
from reconciler.core.model.capabilities import TENANT, Capabilities
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Live, Webhook
from reconciler.core.planning.diff import diff
from reconciler.core.planning.mark import mark_changes
from reconciler.core.planning.match import Match, match
from reconciler.core.planning.order import arrange
from reconciler.core.planning.renames import renames
from reconciler.core.planning.settle import settle
from reconciler.core.planning.switched_off import is_switched_off, warning
from reconciler.core.safety.checks import check_plan
from reconciler.core.safety.limits_and_protection import verdicts
from reconciler.core.safety.repository import kept_warning, suspicions, takes_over
from reconciler.core.safety.rules import Breach, breaches
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.safety.unselected import check_deletes

Normalize = Callable[[Webhook], Webhook]


def _new_fields(spec: Webhook, literals: AbstractSet[str]) -> tuple[FieldChange, ...]:
    """The fields of a webhook that is not there yet: all that it says, before it nothing."""
    blank = Webhook(name="", url="", enabled=None)
    return tuple(replace(field, before=None) for field in diff(blank, spec, literals))


def _create(declared: Declared, policy: RunPolicy) -> Change:
    enabled = declared.spec.enabled is not False
    protected = bool(declared.protected)
    spec = replace(declared.spec, enabled=enabled)
    fields = _new_fields(spec, policy.literal_urls)
    settled = replace(declared, spec=spec, protected=protected)
    return Change(Action.CREATE, spec.name, None, settled, fields, "declared, not at the tenant")


def _update(
    live: Live, declared: Declared, policy: RunPolicy, normalize: Normalize
) -> tuple[Change, tuple[str, ...]]:
    """The change of a webhook that is there, and warnings. One that stays has its declared side
    only if rules look at it.
    """
    wanted = settle(declared, live, policy, normalize)
    fields = diff(live.spec, wanted.spec, policy.literal_urls) + mark_changes(live, wanted, policy)
    warnings = wanted.warnings
    foreign_mark = takes_over(fields, live, policy)
    if foreign_mark or not fields:
        kept = Change(
            Action.KEEP, live.spec.name, live, wanted.of(declared) if policy.rules else None
        )
        return kept, (*warnings, kept_warning(live, policy)) if foreign_mark else warnings
    change = Change(Action.UPDATE, wanted.spec.name, live, wanted.of(declared), fields)
    reason = "ownership only" if change.ownership_only else "differs from the manifest"
    if live.managed_by is None:
        reason = "adopted: " + reason
    return replace(change, reason=reason), warnings


def is_ours(live: Live, policy: RunPolicy) -> bool:
    """Rule 4: marked as ours; under `ownership: all` nobody's too."""
    if live.managed_by is None:
        return policy.ownership == "all"
    return live.managed_by.owner == policy.owner.name


def _removals(found: Match, policy: RunPolicy) -> tuple[list[Change], int, int]:
    """Deletes, and the counts of what is unmanaged and what is out of this run's scope."""
    deletes, unmanaged, outside = [], 0, 0
    for live in found.unmatched:
        sources = live.managed_by.sources if live.managed_by is not None else ()
        if not is_ours(live, policy):
            unmanaged += 1
        elif policy.may_delete(sources):
            recorded = policy.scope.shown(sources[0]) if sources else None
            deletes.append(
                Change(
                    Action.DELETE,
                    live.spec.name,
                    live,
                    reason="ours, no longer declared",
                    recorded=recorded,
                )
            )
        else:
            outside += 1
    return deletes, unmanaged, outside


def policy_text(policy: RunPolicy, capabilities: Capabilities = TENANT) -> str:
    """What of a policy, and of the provider, belongs to the digest of a plan."""
    limits = policy.limits
    parts = [
        policy.ownership,
        policy.prune,
        policy.adopt,
        policy.resend_credentials,
        policy.accept_in_use,
        repr(limits),
    ]
    whose = [policy.owner.repository, *sorted(policy.moved_from)]
    provider = [capabilities.provider, capabilities.version]
    more = [whose] if any(whose) else []
    return json.dumps([*parts, *more, *([] if capabilities is TENANT else [provider])])


def make_plan(
    declared: Iterable[Declared],
    live: Iterable[Live],
    policy: RunPolicy,
    *,
    tenant: TenantRef | None = None,
    normalize: Normalize = lambda spec: spec,
    fingerprint_key: Secret | None = None,
    capabilities: Capabilities = TENANT,
) -> Plan:
    """What makes `live` as `declared`, with everything that would make it unsafe in `violations`.

    `normalize` and `capabilities` are the provider's. Input order does not matter. Linear in the
    number of webhooks.
    """
    wanted = tuple(sorted(declared, key=lambda item: item.key))
    held = tuple(live)
    found = match(wanted, held, policy, normalize, capabilities)
    changes = _changes(found, policy, normalize)
    judged, advice = verdicts(changes.broken)
    removals, unmanaged, outside = _removals(found, policy)
    deletes, unselected = check_deletes(removals, policy.selection)
    stages, cycles = arrange((*changes.pending, *deletes), unique_names=capabilities.unique_names)
    flat = [change for stage in stages for change in stage]
    actions = Counter({Action.KEEP: changes.keeps}) + Counter(change.action for change in flat)
    plan = Plan(
        tenant or TenantRef("", "", policy.owner.name),
        stages,
        Counts(
            **{action.value: actions[action] for action in Action},
            unmanaged=unmanaged,
            out_of_scope=changes.outside + outside,
        ),
        base=found.ours,
        declared=len(wanted),
        clashes=found.clashes + cycles,
        judged=judged + unselected + suspicions(found.pairs, flat, policy),
        warnings=tuple(
            dict.fromkeys((*changes.warnings, *map(warning, changes.switched_off), *advice))
        )
        + renames(flat),
        policy=policy_text(policy, capabilities),
        fingerprint_key=fingerprint_key,
        switched_off=tuple(changes.switched_off),
    )
    return check_plan(plan, policy)


@dataclass(slots=True)
class _Changes:
    """What one walk over the pairs finds: what is to be written, warnings, what rules refuse, and
    counts.

    `keeps` counts what stays, `outside` what is ours but not looked at by this run.
    """

    pending: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    broken: list[Breach] = field(default_factory=list)
    switched_off: list[tuple[Declared, Live]] = field(default_factory=list)
    keeps: int = 0
    outside: int = 0


def _changes(found: Match, policy: RunPolicy, normalize: Normalize) -> _Changes:
    """Compares every pair that the run looks at.

    One walk does all of it: at 100,000 webhooks each further walk reads everything again from slow
    memory. What stays is judged, counted and let go: keeping it would cost as much memory as
    everything declared.
    """
    made = _Changes()
    for item, counterpart in found.pairs:
        ours = counterpart is not None and is_ours(counterpart, policy)
        if not policy.scope.selects(item.key):
            made.outside += ours
            continue
        if counterpart is None:
            normal = normalize(item.spec).name
            change = _create(replace(item, spec=replace(item.spec, name=normal)), policy)
        else:
            change, warnings = _update(counterpart, item, policy, normalize)
            made.warnings += warnings
            if ours and is_switched_off(item, counterpart):
                made.switched_off.append((item, counterpart))
        if policy.rules and change.declared is not None:
            made.broken += breaches(policy.rules, change.declared, policy.literal_urls)
        if change.action is Action.KEEP:
            made.keeps += 1
        else:
            made.pending.append(change)
    return made
