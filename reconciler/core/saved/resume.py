"""Whether a saved plan still holds, and the plan to carry out if it does.

Each change is worked out again from what the tenant holds now and what was saved: it must come out
as it was shown. So what a reviewer saw is what is written, whatever of the two sides moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.core.change import Action, Change, FieldChange, Plan
from reconciler.core.errors import StalePlan
from reconciler.core.model.auth import BasicAuth, credential
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Live, Webhook
from reconciler.core.planning.diff import diff, moved
from reconciler.core.planning.mark import mark_changes
from reconciler.core.planning.plan import new_fields
from reconciler.core.safety.checks import check_plan
from reconciler.core.safety.limits_and_protection import verdicts
from reconciler.core.safety.plan_digest import plan_digest
from reconciler.core.safety.rules import breaches
from reconciler.core.safety.run_policy import RunPolicy
from reconciler.core.saved.plan_file import Saved, fingerprints

_CHECKED_AGAIN = frozenset(
    {
        *(
            "delete-limit",
            "update-limit",
            "empty-set",
            "source-unclear",
            "not-owned",
            "other-owner",
            "protected",
            "in-use",
        ),
        "other-repository",
    }
)


def resume(
    saved: Saved,
    live: Iterable[Live],
    resolved: Mapping[str, Declared],
    policy: RunPolicy,
    key: Secret | None,
) -> Plan:
    """The saved plan with live webhooks and secrets in it, its guards checked again on what the
    tenant tells now.

    `resolved` holds each declared webhook by key with its references looked up; raises StalePlan
    naming what moved, and how.
    """
    held = tuple(live)
    by_id = {item.id: item for item in held}
    changes: dict[int, Change] = {}
    faults: list[str] = []
    for change in saved.plan.pending:
        wanted = resolved[change.declared.key] if change.declared is not None else None
        now = by_id.get(change.live.id) if change.live is not None else None
        fresh = _fresh(change, wanted, now)
        why = _fault(change, fresh, saved, key) if fresh is not None else "it was deleted"
        if why:
            faults.append(f"{change.name}: {why}")
        elif fresh is not None:
            changes[id(change)] = fresh
    faults += _taken(saved.plan.pending, held, policy)
    if faults:
        raise StalePlan(
            f"what the plan was made for has moved; nothing was written. {'; '.join(faults)}"
        )
    stages = tuple(tuple(changes[id(change)] for change in stage) for stage in saved.plan.stages)
    clashes = tuple(
        found
        for found in saved.plan.violations
        if found.rule not in _CHECKED_AGAIN and not found.in_digest
    )
    plan = replace(saved.plan, stages=stages, clashes=clashes, fingerprint_key=key)
    if plan_digest(plan) != saved.plan.digest:
        raise StalePlan(
            "the plan does not come out as it was saved: a value behind its references "
            "changed; nothing was written"
        )
    plan = _judged(plan, policy)
    return check_plan(plan, policy)


def _judged(plan: Plan, policy: RunPolicy) -> Plan:
    """With what the organisation's rules of now refuse beside what was saved: a plan that they
    refused once stays refused.

    Of the webhooks that the plan leaves as they are, the file holds nothing that could be judged
    again.
    """
    wanted = [change.declared for change in plan.pending if change.declared is not None]
    violations, _ = verdicts(
        found for item in wanted for found in breaches(policy.rules, item, policy.literal_urls)
    )
    known = {(found.rule, found.message) for found in plan.judged}
    fresh = tuple(found for found in violations if (found.rule, found.message) not in known)
    return replace(plan, judged=plan.judged + fresh)


def _fresh(change: Change, declared: Declared | None, now: Live | None) -> Change | None:
    """The change with both sides as they are now; None where what it updates is gone. Deleting what
    is gone is no fault.
    """
    if change.action is Action.DELETE:
        return replace(change, live=now or change.live)
    if declared is None or (change.live is not None and now is None):
        return None
    return replace(
        change, live=now, declared=declared if now is None else _kept(declared, now.spec)
    )


def _kept(declared: Declared, live: Webhook) -> Declared:
    """What the plan leaves at the tenant, out of what the tenant holds: a url, a user name."""
    spec = declared.spec
    if _left(spec.url):
        spec = replace(spec, url=live.url)
    if (
        isinstance(spec.auth, BasicAuth)
        and isinstance(live.auth, BasicAuth)
        and _left(spec.auth.username)
    ):
        spec = replace(spec, auth=BasicAuth(live.auth.username, spec.auth.password))
    return replace(declared, spec=spec)


def _left(value: str | Secret) -> bool:
    return isinstance(value, Secret) and not value.reference


def _fault(change: Change, fresh: Change, saved: Saved, key: Secret | None) -> str:
    """What moved; "" where the change comes out as it was saved."""
    then, now = change.live, fresh.live
    fields = set() if then is None or now is None or now is then else _moved(then, now, saved, key)
    if fresh.declared is not None:
        again = _fields(fresh.declared, now, saved.policy)
        shown = {
            replace(field, label=None, base=None) for field in change.fields
        }  # who moved is told, not carried out
        fields |= {field.dotted for field in {*again} ^ shown}
    if fields:
        return f"{', '.join(sorted(fields))} changed"
    if then is not None and now is not None and then.revision != now.revision:
        return f"it changed in what cannot be compared: {' or '.join(_unseen(then))}"
    return ""


def _fields(declared: Declared, now: Live | None, policy: RunPolicy) -> tuple[FieldChange, ...]:
    if now is None:
        return new_fields(declared.spec, policy.literal_urls)
    return diff(now.spec, declared.spec, policy.literal_urls) + mark_changes(now, declared, policy)


def _moved(then: Live, now: Live, saved: Saved, key: Secret | None) -> set[str]:
    fields = set(moved(then, now))
    if (
        isinstance(then.spec.url, Secret)
        and isinstance(now.spec.url, Secret)
        and then.spec.url.shown != now.spec.url.shown
    ):
        fields.add("url")
    known = saved.fingerprints.get(then.id, {})
    return fields | {
        field for field, text in fingerprints(now, key).items() if known.get(field, text) != text
    }


def _unseen(then: Live) -> list[str]:
    """The fields whose values a plan file does not hold."""
    user = ["auth.username"] if isinstance(then.spec.auth, BasicAuth) else []
    secret = ["its credential"] if credential(then.spec.auth) is not None else []
    return ["url", *user, *secret]


def _taken(changes: Sequence[Change], held: Sequence[Live], policy: RunPolicy) -> list[str]:
    """Names and keys that this plan gives to a webhook, and that another one has got meanwhile."""
    ours = {change.live.id: change for change in changes if change.live is not None}
    frees = {ident for ident, change in ours.items() if change.action is Action.UPDATE}
    wanted = {change.name for change in changes if change.action is not Action.DELETE}
    created = {change.key for change in changes if change.action is Action.CREATE}
    faults = []
    for live in held:
        mark = live.managed_by
        if mark is not None and mark.owner == policy.owner.name and mark.key in created:
            faults.append(f"{live.spec.name}: it was created meanwhile (id {live.id})")
        elif live.spec.name in wanted and live.id not in frees:
            faults.append(f"{live.spec.name}: its name is taken meanwhile (id {live.id})")
    return sorted(faults)
