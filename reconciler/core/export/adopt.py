"""Adopting existing webhooks: a plan that writes our mark and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from reconciler.core.change import Action, Change, Counts, Plan, TenantRef, Violation
from reconciler.core.export.exported import may_take
from reconciler.core.model.capabilities import TENANT, Capabilities
from reconciler.core.model.scopes import remove_scope, split_key
from reconciler.core.model.webhook import Declared, Live, Webhook
from reconciler.core.planning import suspended
from reconciler.core.planning.diff import diff
from reconciler.core.planning.fleet import place_sorted
from reconciler.core.planning.mark import diff_marks
from reconciler.core.planning.match import Match, match_webhooks
from reconciler.core.planning.order import arrange
from reconciler.core.planning.plan import is_owned
from reconciler.core.planning.settle import settle
from reconciler.core.safety.plan_digest import add_digest
from reconciler.core.safety.repository import is_foreign, make_refusal
from reconciler.core.safety.run_policy import RunPolicy


@dataclass(frozen=True, slots=True)
class AdoptionRequest:
    """What to adopt: the webhooks of these keys or names, None for all; also those of the owner
    `adopt_from`.
    """

    names: AbstractSet[str] | None = None
    adopt_from: str | None = None

    def includes(self, declared: Declared) -> bool:
        """Whether the request includes that webhook."""
        key, scope = split_key(declared.key)
        name = remove_scope(declared.spec.name, scope)
        return self.names is None or not self.names.isdisjoint({key, name})


def make_adoption(
    declared: Iterable[Declared],
    live: Iterable[Live],
    policy: RunPolicy,
    request: AdoptionRequest,
    *,
    tenant: TenantRef,
    normalize: Callable[[Webhook], Webhook],
    capabilities: Capabilities = TENANT,
) -> Plan:
    """The plan that marks live webhooks as ours and leaves all other fields unchanged.

    A webhook of a different owner, or a missing one, is a violation if the request lists it, a
    warning if the request is for all.
    """
    items, unplaced = place_sorted(declared, tenant.scopes)
    live_by_id = {live_item.id: live_item for live_item in live}
    webhooks = _by_their_key(items, tuple(live_by_id.values()), policy, request)
    matches = match_webhooks(items, webhooks, policy, normalize, capabilities)
    pairs = _list_requested(matches, live_by_id, request)
    result = _take_over_pairs(pairs, policy, request, normalize)
    is_requested = request.names is not None
    messages = (refusal.message for refusal in result.refusals)
    plan = Plan(
        tenant,
        arrange(result.changes)[0],
        _counts(len(result.changes), result.taken_ids, live_by_id.values(), policy),
        declared=len(items),
        violations=(*unplaced, *matches.clashes, *(result.refusals if is_requested else ())),
        warnings=(*result.warnings, *(() if is_requested else messages)),
        policy=f"adopt {request.adopt_from or ''}".strip(),
    )
    return add_digest(plan)


def _list_requested(
    matches: Match, live_by_id: Mapping[str, Live], request: AdoptionRequest
) -> Iterator[tuple[Declared, Live | None]]:
    """The requested webhooks with their live ones, whose marks are as the tenant has them."""
    for item, match in matches.pairs:
        if request.includes(item):
            yield item, None if match is None else _with_own_mark(match, live_by_id[match.id])


def _with_own_mark(match: Live, live: Live) -> Live:
    """The match with the mark that the tenant has; a product without marks has none to change."""
    return replace(live, spec=match.spec, managed_by=live.managed_by or match.managed_by)


@dataclass(slots=True)
class _TakeOvers:
    """The result of one walk over the pairs. `taken_ids` are the ids of live webhooks that are ours
    after the plan, `refusals` the reasons why the others are not.
    """

    changes: list[Change] = field(default_factory=list)
    refusals: list[Violation] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    taken_ids: set[str] = field(default_factory=set)


def _take_over_pairs(
    pairs: Iterable[tuple[Declared, Live | None]],
    policy: RunPolicy,
    request: AdoptionRequest,
    normalize: Callable[[Webhook], Webhook],
) -> _TakeOvers:
    result = _TakeOvers()
    for item, live in pairs:
        if item.suspended:
            result.refusals.append(suspended.make_refusal(item))
            continue
        if live is None or not _may_take(live, policy, request):
            result.refusals.append(_refusal(item, live, policy))
            continue
        change, warnings = _take_over(item, live, policy, normalize)
        result.taken_ids.add(live.id)
        result.changes += [change] if change.fields else []
        result.warnings += warnings
    return result


def _counts(
    changes: int, taken_ids: AbstractSet[str], live: Iterable[Live], policy: RunPolicy
) -> Counts:
    """Requested webhooks that do not change are ours already; the rest is out of scope if ours,
    else unmanaged.
    """
    rest = [
        is_owned(live_webhook, policy) for live_webhook in live if live_webhook.id not in taken_ids
    ]
    return Counts(
        update=changes,
        keep=len(taken_ids) - changes,
        unmanaged=rest.count(False),
        out_of_scope=rest.count(True),
    )


def _by_their_key(
    items: Sequence[Declared], live: Sequence[Live], policy: RunPolicy, request: AdoptionRequest
) -> tuple[Live, ...]:
    """The live webhooks for matching. Webhooks of the former owner match by their key: their name
    may have changed.

    For the matching they count as ours, if we have no webhook of that key. All others match by name
    as usual.
    """
    if request.adopt_from is None:
        return tuple(live)
    own_key = {
        live_webhook.managed_by.key
        for live_webhook in live
        if live_webhook.managed_by is not None
        and live_webhook.managed_by.owner == policy.owner.name
    }
    keys = {item.key for item in items} - own_key
    return tuple(
        replace(live_webhook, managed_by=replace(live_webhook.managed_by, owner=policy.owner.name))
        if live_webhook.managed_by is not None
        and live_webhook.managed_by.owner == request.adopt_from
        and live_webhook.managed_by.key in keys
        else live_webhook
        for live_webhook in live
    )


def _may_take(live: Live, policy: RunPolicy, request: AdoptionRequest) -> bool:
    return may_take(live, policy.owner.name, request.adopt_from) and not is_foreign(
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
        return make_refusal(live, "mark", policy)
    message = (
        f"{live.spec.name}: belongs to owner {mark.owner}; --adopt-from {mark.owner} takes it over"
    )
    return Violation("other-owner", message, (live.spec.name,))


def _take_over(
    item: Declared, live: Live, policy: RunPolicy, normalize: Callable[[Webhook], Webhook]
) -> tuple[Change, tuple[str, ...]]:
    """The change of the mark alone, and a warning of the fields that the next plan will change."""
    settled_webhook = settle(item, live, policy, normalize)
    differing_fields = [change.dotted for change in diff(live.spec, settled_webhook.spec)]
    if settled_webhook.protected != live.protected:
        differing_fields.append("protected")
    declared = replace(
        item, spec=live.spec, protected=live.protected, sources=settled_webhook.sources
    )
    fields = diff_marks(live, declared, policy)
    warning = (
        f"{live.spec.name}: differs from its manifest in {', '.join(differing_fields)}; adopt "
        "leaves that, reconcile changes it"
    )
    change = Change(
        Action.UPDATE, live.spec.name, live, declared, fields, "adopted: ownership only"
    )
    return change, (warning,) if differing_fields else ()
