"""Plans a saved plan again, and names what has moved since.

The planner gets what it got then: the declared webhooks, the policy, and the touched webhooks as
the tenant holds them now. The plan must come out with the digest that was shown. What needs more
than the touched webhooks (counts, warnings, sources without evidence) stays as it was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.core.change import Action, Change, FieldChange, Plan, Violation
from reconciler.core.errors import StalePlan
from reconciler.core.model.capabilities import TENANT, Capabilities
from reconciler.core.model.scopes import Scopes, get_git_key
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Live, Webhook
from reconciler.core.planning.fleet import place
from reconciler.core.planning.plan import make_plan, make_policy_text
from reconciler.core.safety.checks import check_plan
from reconciler.core.safety.plan_digest import make_plan_digest
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.saved.live_values import live_values, moved_fields, unseen_fields
from reconciler.core.saved.plan_reading import Saved

_CLASHES: Final = frozenset({"ambiguous-name", "name-cycle", "no-scope"})
_FEW: Final = 5  # scopes that an error names


def resume(
    saved: Saved,
    live: Iterable[Live],
    declared: Iterable[Declared],
    policy: RunPolicy,
    *,
    normalize: Callable[[Webhook], Webhook],
    fingerprint_key: Secret | None,
    capabilities: Capabilities = TENANT,
) -> Plan:
    """The saved plan made again, with its guards checked on what the tenant holds now.

    `declared` are its manifests, decoded; `policy` is the saved one with what this run adds. Raises
    StalePlan that names what moved.
    """
    live_by_id = {item.id: item for item in live}
    new_plan = make_plan(
        _keep_touched(declared, saved.shown),
        _touched(saved.shown, live_by_id),
        policy,
        tenant=saved.shown.tenant,
        normalize=normalize,
        fingerprint_key=fingerprint_key,
        capabilities=capabilities,
    )
    taken = _taken(
        saved.shown, tuple(live_by_id.values()), policy, unique_names=capabilities.unique_names
    )
    faults = [*_moved(saved, new_plan, live_by_id), *taken]
    if faults:
        raise StalePlan(
            f"what the plan was made for has moved; nothing was written. {'; '.join(faults)}"
        )
    plan = _as_shown(new_plan, saved, capabilities)
    if make_plan_digest(plan) != saved.shown.digest:
        raise StalePlan(
            "the plan does not come out as it was saved: a value behind its references "
            "changed; nothing was written"
        )
    added = _added_violations(new_plan, plan.digest_violations)
    return check_plan(replace(plan, digest_violations=plan.digest_violations + added), policy)


def check_scopes(saved: Saved, now: Scopes | None) -> Saved:
    """The same plan, if the fleet that it was made for is the one of now; raises StalePlan."""
    then = saved.shown.tenant.scopes
    before, after = (set() if one is None else set(one.readable) for one in (then, now))
    if before == after:
        return saved
    faults = [f"{scope}: it was not there, or not read" for scope in sorted(after - before)]
    faults += [f"{scope}: it is gone, or cannot be read" for scope in sorted(before - after)]
    more = f" and {len(faults) - _FEW:,} more" if len(faults) > _FEW else ""
    raise StalePlan(
        "the scopes that the plan was made for have changed; nothing was written. "
        f"{'; '.join(faults[:_FEW])}{more}"
    )


def _keep_touched(declared: Iterable[Declared], shown: Plan) -> Iterable[Declared]:
    """Of a fleet only the webhooks that the plan touches: a manifest of it stands for many."""
    scopes = shown.tenant.scopes
    if scopes is None:
        return declared
    keys = {change.key for change in shown.pending}
    return [item for item in place(declared, scopes) if item.key in keys]


def _added_violations(new_plan: Plan, shown: Iterable[Violation]) -> tuple[Violation, ...]:
    """The violations of rules that the plan has now and that were not shown then."""
    known = {(violation.rule, violation.message) for violation in shown}
    return tuple(
        violation
        for violation in new_plan.digest_violations
        if violation.is_of_policy and (violation.rule, violation.message) not in known
    )


def _touched(shown: Plan, live_by_id: Mapping[str, Live]) -> list[Live]:
    """The live webhooks that the plan updates or deletes; one to delete that is deleted already is
    no fault, and stays as it was.
    """
    return [
        live_by_id.get(change.live.id, change.live)
        for change in shown.pending
        if change.live is not None
        and (change.live.id in live_by_id or change.action is Action.DELETE)
    ]


def _identity(change: Change) -> tuple[str, str | None]:
    return ("id", change.live.id) if change.live is not None else ("key", change.key)


def _moved(saved: Saved, new_plan: Plan, live_by_id: Mapping[str, Live]) -> list[str]:
    """A text per change that does not come out as it was shown."""
    again = {_identity(change): change for change in new_plan.pending}
    faults = []
    for change in saved.shown.pending:
        then = change.live
        now = live_by_id.get(then.id) if then is not None else None
        if then is not None and now is None:
            if change.action is not Action.DELETE:
                faults.append(f"{change.name}: it was deleted")
            continue
        repeated = again.get(_identity(change))
        fields = _differing(change, repeated)
        fields -= saved.unread.get(get_git_key(change.key or ""), frozenset())
        values = saved.live[then.id] if then is not None else {}
        if now is not None:
            literals, key = saved.policy.literal_urls, new_plan.fingerprint_key
            seen = repeated.live if repeated is not None and repeated.live is not None else now
            fields |= moved_fields(values, live_values(seen, literals, key))
        if fields:
            faults.append(f"{change.name}: {', '.join(sorted(fields))} changed")
        elif then is not None and now is not None and then.revision != now.revision:
            unseen = " or ".join(unseen_fields(values))
            faults.append(f"{change.name}: it changed in what cannot be compared: {unseen}")
    return faults


def _differing(then: Change, now: Change | None) -> set[str]:
    """The fields in which two plans differ for one webhook, by their dotted paths."""
    fields = now.fields if now is not None else ()
    return {field.dotted for field in {*map(_bare, then.fields)} ^ {*map(_bare, fields)}}


def _bare(field: FieldChange) -> FieldChange:
    """Without the label of `--since`, which is printed and not carried out."""
    return replace(field, label=None, base=None)


def _taken(
    shown: Plan, live: Sequence[Live], policy: RunPolicy, *, unique_names: bool
) -> list[str]:
    """A text per name or key that this plan gives to a webhook, and that another webhook got
    since.
    """
    ours = {change.live.id: change for change in shown.pending if change.live is not None}
    frees = {ident for ident, change in ours.items() if change.action is Action.UPDATE}
    wanted = {change.name for change in shown.pending if change.action is not Action.DELETE}
    created = {change.key for change in shown.pending if change.action is Action.CREATE}
    faults = []
    for webhook in live:
        mark = webhook.managed_by
        if mark is not None and mark.owner == policy.owner.name and mark.key in created:
            faults.append(
                f"{webhook.spec.name}: it was created since it was planned (id {webhook.id})"
            )
        elif unique_names and webhook.spec.name in wanted and webhook.id not in frees:
            faults.append(
                f"{webhook.spec.name}: its name was taken since it was planned (id {webhook.id})"
            )
    return sorted(faults)


def _as_shown(new_plan: Plan, saved: Saved, capabilities: Capabilities) -> Plan:
    """The plan made again, with what was seen of the webhooks that it does not touch."""
    shown, seen = saved.shown, {_identity(change): change for change in saved.shown.pending}

    def as_seen(change: Change) -> Change:
        then = seen.get(_identity(change), change)
        return replace(
            change,
            fields=then.fields,
            reason=then.reason,
            source=then.source,
            label=then.label,
            moved_fields=then.moved_fields,
        )

    return replace(
        new_plan,
        stages=tuple(tuple(map(as_seen, stage)) for stage in new_plan.stages),
        counts=shown.counts,
        base=saved.base,
        bases=saved.bases,
        declared=saved.declared,
        clashes=tuple(violation for violation in shown.violations if violation.rule in _CLASHES),
        digest_violations=tuple(
            replace(violation, accepted=False)  # the Tenant of now says what is accepted
            for violation in shown.violations
            if violation.is_in_digest
        ),
        unclear=saved.unclear,
        warnings=shown.warnings,
        policy=make_policy_text(saved.policy, capabilities),
        since=shown.since,
        switched_off=(),
    )
