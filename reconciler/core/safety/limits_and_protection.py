"""What makes a plan unsafe: the limits, protection, and what matching found. A plan with violations
is never carried out.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

from reconciler.core.change import Action, Violation
from reconciler.core.safety.rules import Breach
from reconciler.core.safety.run_policy import RunPolicy

if TYPE_CHECKING:
    from reconciler.core.change import Change, Plan


def verdicts(breaches: Iterable[Breach]) -> tuple[tuple[Violation, ...], tuple[str, ...]]:
    """What breaches of the organisation's rules do to a plan, by place: violations, and warnings of
    the rules that only warn.
    """
    found = sorted(breaches, key=lambda breach: (breach.origin, breach.rule.id, breach.said))
    refused = (breach for breach in found if breach.rule.enforce == "deny")
    told = (
        f"{breach.origin}: {breach.message} [{breach.rule.id}]"
        for breach in found
        if breach.rule.enforce == "warn"
    )
    violations = (
        Violation(breach.rule.id, breach.message, (breach.name,), breach.origin)
        for breach in refused
    )
    return tuple(dict.fromkeys(violations)), tuple(told)


def _over(count: int, share: float, base: int) -> bool:
    return count > Fraction(str(share)) * base


def _delete_limit(plan: Plan, policy: RunPolicy) -> Violation | None:
    deletes = [change for change in plan.pending if change.removes]
    count, limits = len(deletes), policy.limits
    if limits.max_deletes is not None:
        refused, allowed = count > limits.max_deletes, f"the {limits.max_deletes} allowed"
    else:
        refused = count > 1 and _over(count, limits.delete_share, plan.base)
        allowed = f"{limits.delete_share * 100:g}%"
    if not refused:
        return None
    message = (
        f"{count} of {plan.base} webhooks would be deleted, more than {allowed}; "
        f"{_another_repository(policy)}; "
        f"if the deletes are meant, --max-deletes {count}"
    )
    return Violation("delete-limit", message, tuple(change.name for change in deletes))


def _update_limit(plan: Plan, policy: RunPolicy) -> Violation | None:
    updates = [
        change
        for change in plan.pending
        if change.action is Action.UPDATE and not change.ownership_only
    ]
    count, limits = len(updates), policy.limits
    if limits.max_updates is not None:
        refused, allowed = count > limits.max_updates, f"--max-updates {limits.max_updates}"
    else:
        refused = plan.base >= limits.update_from and _over(count, limits.update_share, plan.base)
        allowed = f"{limits.update_share * 100:g}%"
    if not refused:
        return None
    message = (
        f"{count} of {plan.base} webhooks would be updated, more than {allowed}; if that is "
        f"meant, --max-updates {count}"
    )
    return Violation("update-limit", message, tuple(change.name for change in updates))


def _another_repository(policy: RunPolicy) -> str:
    """What has to be ruled out before webhooks are deleted, and the command that shows it."""
    return (
        f"another repository may use owner {policy.owner.name}: "
        "reconciler export DIR --dry-run lists the repository and the files that each came from"
    )


def _empty_set(plan: Plan, policy: RunPolicy) -> Violation | None:
    if plan.declared or not plan.base:
        return None
    message = (
        f"no webhook is declared while {plan.base} are ours; {_another_repository(policy)}; "
        "if none does, check the PATHs and the Tenant's select: a wrong folder looks "
        "just like this; "
        "to remove all on purpose, keep one declared until last and delete that one at the tenant"
    )
    return Violation("empty-set", message)


def _owner(change: Change, policy: RunPolicy) -> Violation | None:
    if change.action is not Action.UPDATE or change.live is None:
        return None
    mark = change.live.managed_by
    if mark is None and not policy.adopt and policy.ownership != "all":
        return Violation(
            "not-owned",
            f"{change.name}: exists and is nobody's; --adopt takes it over, or give "
            "yours another name",
            (change.name,),
        )
    if mark is not None and mark.owner != policy.owner.name:
        key = change.declared.key if change.declared is not None else change.name
        message = (
            f"{change.name}: exists and belongs to owner {mark.owner}: give yours "
            "another name, or, agreed with them, "
            f"reconciler adopt {key} --adopt-from {mark.owner}"
        )
        return Violation("other-owner", message, (change.name,))
    return None


def _protected(change: Change) -> Violation | None:
    if not (change.removes and change.live is not None and change.live.protected):
        return None
    message = (
        f"{change.name}: is protected; first declare protected: false, reconcile, then remove it"
    )
    return Violation("protected", message, (change.name,))


def _in_use(change: Change, policy: RunPolicy) -> Violation | None:
    """Delivery evidence: something is listening still, and would hear no more."""
    use = change.live.use if change.live is not None else None
    if policy.accept_in_use or not change.removes or use is None or not use.succeeded:
        return None
    count = use.succeeded
    message = (
        f"{change.name}: delivered {count:,} in the last 24 h; if nobody needs them any "
        "more, --accept-in-use"
    )
    return Violation("in-use", message, (change.name,))


def check(plan: Plan, policy: RunPolicy) -> tuple[Violation, ...]:
    """Every reason not to carry out this plan, limits first; empty when it is safe."""
    whole = [rule(plan, policy) for rule in (_delete_limit, _update_limit, _empty_set)]
    single = [
        found
        for change in plan.pending
        for found in (_owner(change, policy), _protected(change), _in_use(change, policy))
    ]
    unclear = (Violation("source-unclear", found.message, found.names) for found in plan.unclear)
    return (
        tuple(found for found in (*whole, *unclear, *single) if found is not None)
        + plan.clashes
        + plan.judged
    )
