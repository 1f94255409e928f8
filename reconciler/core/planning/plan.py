"""The plan: every change that makes the tenant equal to the manifests, in the order of execution.

`make_plan` is pure: declared + live + policy -> Plan. Matching is in `match.py`, filling in open
fields in `settle.py`, the order in `order.py`, refusing in `limits_and_protection.py`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.core.change import Action, Change, Counts, FieldChange, Plan, TenantRef, Violation
from reconciler.core.model.capabilities import TENANT, Capabilities
from reconciler.core.model.scopes import Scopes
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Live, Webhook
from reconciler.core.planning import suspended
from reconciler.core.planning.diff import diff
from reconciler.core.planning.fleet import place_sorted, warn_of_cost
from reconciler.core.planning.mark import diff_marks
from reconciler.core.planning.match import Match, match_webhooks
from reconciler.core.planning.order import arrange
from reconciler.core.planning.renames import offer_renames
from reconciler.core.planning.settle import settle
from reconciler.core.planning.switched_off import is_switched_off, make_warning
from reconciler.core.planning.unmarked import warn_of_no_mark
from reconciler.core.safety.checks import check_plan
from reconciler.core.safety.limits_and_protection import judge_breaches
from reconciler.core.safety.repository import find_suspicions, make_kept_warning, takes_over
from reconciler.core.safety.rules import Breach, find_breaches
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.safety.selected_deletes import check_deletes

Normalize = Callable[[Webhook], Webhook]
REPLACED: Final = "replaced: this product keeps signing with the old secret"


def _list_new_fields(spec: Webhook, literals: AbstractSet[str]) -> tuple[FieldChange, ...]:
    """The fields of a webhook that does not exist yet: each as a change from nothing."""
    blank = Webhook(name="", url="", enabled=None)
    return tuple(replace(field, before=None) for field in diff(blank, spec, literals))


def _make_create(declared: Declared, policy: RunPolicy) -> Change:
    enabled = declared.spec.enabled is not False
    protected = bool(declared.protected)
    spec = replace(declared.spec, enabled=enabled)
    fields = _list_new_fields(spec, policy.literal_urls)
    settled_webhook = replace(declared, spec=spec, protected=protected)
    return Change(
        Action.CREATE, spec.name, None, settled_webhook, fields, "declared, not at the tenant"
    )


def _make_update(
    live: Live,
    declared: Declared,
    policy: RunPolicy,
    normalize: Normalize,
    capabilities: Capabilities,
) -> tuple[Change, tuple[str, ...]]:
    """The change of an existing webhook, and warnings. A kept webhook has its declared side only if
    there are rules.
    """
    settled_webhook = settle(declared, live, policy, normalize)
    fields = diff(live.spec, settled_webhook.spec, policy.literal_urls) + diff_marks(
        live, settled_webhook, policy
    )
    warnings = settled_webhook.warnings
    foreign_mark = takes_over(fields, live, policy)
    if foreign_mark or not fields:
        kept_change = Change(
            Action.KEEP,
            live.spec.name,
            live,
            settled_webhook.apply_to(declared) if policy.rules else None,
        )
        return kept_change, (
            *warnings,
            make_kept_warning(live, policy),
        ) if foreign_mark else warnings
    change = Change(
        Action.UPDATE, settled_webhook.spec.name, live, settled_webhook.apply_to(declared), fields
    )
    reason = _explain_update(change, capabilities)
    if live.managed_by is None:
        reason = "adopted: " + reason
    return replace(change, reason=reason), warnings


def _explain_update(change: Change, capabilities: Capabilities) -> str:
    if change.is_ownership_only:
        return "ownership only"
    sends_credential = any(changed.path[0] == "auth" for changed in change.fields)
    if sends_credential and not capabilities.secrets.rotatable:
        return REPLACED
    return "differs from the manifest"


def is_owned(live: Live, policy: RunPolicy) -> bool:
    """Rule 4: whether a webhook has our mark; under `ownership: all` unowned ones count too."""
    if live.managed_by is None:
        return policy.ownership == "all"
    return live.managed_by.owner == policy.owner.name


def _make_delete(live: Live, sources: tuple[str, ...], policy: RunPolicy) -> Change:
    source = policy.scope.show(sources[0]) if sources else None
    reason = "ours, no longer declared"
    return Change(Action.DELETE, live.spec.name, live, reason=reason, source=source)


def make_policy_text(policy: RunPolicy, capabilities: Capabilities = TENANT) -> str:
    """The parts of a policy, and of the provider, that a plan's digest covers."""
    limits = policy.limits
    parts = [
        policy.ownership,
        policy.prune,
        policy.adopt,
        policy.resend_credentials,
        policy.accept_in_use,
        repr(limits),
    ]
    repositories = [policy.owner.repository, *sorted(policy.moved_from)]
    provider = [capabilities.provider, capabilities.version]
    provider += ["no mark"] if capabilities.mark == "none" else []
    more = [repositories] if any(repositories) else []
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
    """The changes that make `live` equal to `declared`, with the reasons to refuse them in
    `violations`.

    `normalize` and `capabilities` are the provider's. Input order does not matter. Linear in the
    number of webhooks.
    """
    tenant = tenant or TenantRef("", "", policy.owner.name)
    items, unplaced = place_sorted(declared, tenant.scopes)
    live_webhooks = tuple(live)
    matches = match_webhooks(items, live_webhooks, policy, normalize, capabilities)
    changes = _find_changes(matches, policy, normalize, capabilities)
    stages, cycles = arrange(changes.pending, unique_names=capabilities.unique_names)
    flat = [change for stage in stages for change in stage]
    plan = Plan(
        tenant,
        stages,
        _count_changes(flat, changes),
        base=matches.own_count,
        declared=len(items),
        clashes=(*unplaced, *matches.clashes, *cycles),
        digest_violations=_list_digest_violations(changes, matches, flat, policy),
        warnings=_list_warnings(changes, flat, tenant),
        policy=make_policy_text(policy, capabilities),
        fingerprint_key=fingerprint_key,
        switched_off=tuple(changes.switched_off),
        bases=_count_own(live_webhooks, policy, tenant.scopes),
        ids=_list_ids(matches),
    )
    return check_plan(plan, policy)


def _list_digest_violations(
    changes: _Changes, matches: Match, pending: Sequence[Change], policy: RunPolicy
) -> tuple[Violation, ...]:
    return (*changes.violations, *find_suspicions(matches.pairs, pending, policy))


def _list_ids(matches: Match) -> dict[str, str]:
    """The tenant's id of every declared webhook that exists."""
    return {item.key: found.id for item, found in matches.pairs if found is not None}


def _list_warnings(
    result: _Changes, changes: Sequence[Change], tenant: TenantRef
) -> tuple[str, ...]:
    return (
        *dict.fromkeys(result.warnings),
        *offer_renames(changes),
        *warn_of_cost(len(changes), tenant.scopes),
    )


def _count_own(live: Iterable[Live], policy: RunPolicy, scopes: Scopes | None) -> dict[str, int]:
    """How many webhooks of each scope of a fleet are ours."""
    if scopes is None:
        return {}
    return Counter(item.scope for item in live if is_owned(item, policy))


@dataclass(slots=True)
class _Changes:
    """The result of one walk over the webhooks: changes, violations, warnings, and counts.

    `breaches` are those of rules, `keeps` counts kept webhooks, `unmanaged` those of others,
    `out_of_scope` our webhooks outside of this run.
    """

    pending: list[Change] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)
    switched_off: list[tuple[Declared, Live]] = field(default_factory=list)
    keeps: int = 0
    unmanaged: int = 0
    out_of_scope: int = 0


def _count_changes(changes: Iterable[Change], result: _Changes) -> Counts:
    actions = Counter({Action.KEEP: result.keeps}) + Counter(change.action for change in changes)
    by_action = {action.value: actions[action] for action in Action}
    return Counts(**by_action, unmanaged=result.unmanaged, out_of_scope=result.out_of_scope)


def _find_changes(
    matches: Match, policy: RunPolicy, normalize: Normalize, capabilities: Capabilities
) -> _Changes:
    """Compares the pairs, judges the breaches of rules, and deletes what is no longer declared."""
    result = _compare_pairs(matches, policy, normalize, capabilities)
    policy_violations, advice = judge_breaches(result.breaches)
    deletes = _find_deletes(matches.unmatched_webhooks, policy, result)
    checked_deletes, selection_violations = check_deletes(deletes, policy.selection)
    result.pending += checked_deletes
    result.violations += (*policy_violations, *selection_violations)
    unmarked = warn_of_no_mark(capabilities, policy)
    result.warnings += (*unmarked, *map(make_warning, result.switched_off), *advice)
    return result


def _find_deletes(
    unmatched_webhooks: Iterable[Live], policy: RunPolicy, result: _Changes
) -> list[Change]:
    """A delete per webhook of ours that no manifest declares; `result` counts the others."""
    deletes = []
    for live in unmatched_webhooks:
        sources = live.managed_by.sources if live.managed_by is not None else ()
        if not is_owned(live, policy):
            result.unmanaged += 1
        elif policy.may_delete(sources):
            deletes.append(_make_delete(live, sources, policy))
        else:
            result.out_of_scope += 1
    return deletes


def _compare_pairs(
    matches: Match, policy: RunPolicy, normalize: Normalize, capabilities: Capabilities
) -> _Changes:
    """Compares every pair that the run includes.

    One walk does everything: at 100,000 webhooks each further walk reads slow memory again. A kept
    webhook is checked, counted and dropped, since keeping all would cost as much memory as all
    declared webhooks.
    """
    result = _Changes()
    for item, counterpart in matches.pairs:
        is_own = counterpart is not None and is_owned(counterpart, policy)
        if not policy.scope.selects(item.key):
            result.out_of_scope += is_own
            continue
        if item.suspended:
            result.keeps += counterpart is not None
            result.warnings.append(suspended.make_warning(item))
            continue
        if counterpart is None:
            normal = normalize(item.spec).name
            change = _make_create(replace(item, spec=replace(item.spec, name=normal)), policy)
        else:
            change, warnings = _make_update(counterpart, item, policy, normalize, capabilities)
            result.warnings += warnings
            if is_own and is_switched_off(item, counterpart):
                result.switched_off.append((item, counterpart))
        if policy.rules and change.declared is not None:
            result.breaches += find_breaches(policy.rules, change.declared, policy.literal_urls)
        if change.action is Action.KEEP:
            result.keeps += 1
        else:
            result.pending.append(change)
    return result
