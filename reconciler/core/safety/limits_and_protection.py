"""Reasons to refuse a plan: limits, protection, and clashes of matching. A plan with violations is
never executed.
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


def judge_breaches(breaches: Iterable[Breach]) -> tuple[tuple[Violation, ...], tuple[str, ...]]:
    """The result of breaches for a plan, by position: violations, and warnings of rules that only
    warn.
    """
    sorted_breaches = sorted(
        breaches, key=lambda breach: (breach.origin, breach.rule.id, breach.text)
    )
    denied = (breach for breach in sorted_breaches if breach.rule.enforce == "deny")
    warnings = (
        f"{breach.origin}: {breach.message} [{breach.rule.id}]"
        for breach in sorted_breaches
        if breach.rule.enforce == "warn"
    )
    violations = (
        Violation(breach.rule.id, breach.message, (breach.name,), breach.origin)
        for breach in denied
    )
    return tuple(dict.fromkeys(violations)), tuple(warnings)


def _is_over(count: int, share: float, base: int) -> bool:
    return count > Fraction(str(share)) * base


def _check_delete_limit(plan: Plan, policy: RunPolicy) -> Violation | None:
    deletes = [change for change in plan.pending if change.is_removal]
    count, limits = len(deletes), policy.limits
    if limits.max_deletes is not None:
        is_over, limit_text = count > limits.max_deletes, f"the {limits.max_deletes} allowed"
    else:
        is_over = count > 1 and _is_over(count, limits.delete_share, plan.base)
        limit_text = f"{limits.delete_share * 100:g}%"
    if not is_over:
        return None
    message = (
        f"{count} of {plan.base} webhooks would be deleted, more than {limit_text}; "
        f"{_describe_owner_check(policy)}; "
        f"if the deletes are meant, --max-deletes {count}"
    )
    return Violation("delete-limit", message, tuple(change.name for change in deletes))


def _check_update_limit(plan: Plan, policy: RunPolicy) -> Violation | None:
    updates = [
        change
        for change in plan.pending
        if change.action is Action.UPDATE and not change.is_ownership_only
    ]
    count, limits = len(updates), policy.limits
    if limits.max_updates is not None:
        is_over, limit_text = count > limits.max_updates, f"--max-updates {limits.max_updates}"
    else:
        is_over = plan.base >= limits.update_from and _is_over(
            count, limits.update_share, plan.base
        )
        limit_text = f"{limits.update_share * 100:g}%"
    if not is_over:
        return None
    message = (
        f"{count} of {plan.base} webhooks would be updated, more than {limit_text}; if that is "
        f"meant, --max-updates {count}"
    )
    return Violation("update-limit", message, tuple(change.name for change in updates))


def _check_scope_limits(plan: Plan, policy: RunPolicy) -> Violation | None:
    """Deletes in each scope of a fleet by the share that holds for all: else a scope of a large
    fleet could lose everything.
    """
    limits, scopes = policy.limits, plan.tenant.scopes
    if scopes is None or limits.max_deletes is not None:
        return None
    by_scope: dict[str, list[str]] = {}
    for change in plan.pending:
        if change.is_removal:
            by_scope.setdefault(change.scope, []).append(change.name)
    over = {
        scope: names
        for scope, names in by_scope.items()
        if len(names) > 1 and _is_over(len(names), limits.delete_share, plan.bases.get(scope, 0))
    }
    if not over:
        return None
    scope, names = max(over.items(), key=lambda item: len(item[1]))
    others = f", and too many of {len(over) - 1} more {scopes.noun}" if len(over) > 1 else ""
    message = (
        f"{len(names)} of {plan.bases.get(scope, 0)} webhooks of {scope} would be deleted{others}: "
        f"more than {limits.delete_share * 100:g}%; if the deletes are meant, --max-deletes "
        f"{sum(map(len, by_scope.values()))}"
    )
    return Violation(
        "delete-limit", message, tuple(name for names in over.values() for name in names)
    )


def _describe_owner_check(policy: RunPolicy) -> str:
    """What to exclude before webhooks are deleted, with the command to check it."""
    return (
        f"another repository may use owner {policy.owner.name}: "
        "reconciler export DIR --dry-run lists the repository and the files that each came from"
    )


def _check_empty_set(plan: Plan, policy: RunPolicy) -> Violation | None:
    if plan.declared or not plan.base or policy.has_removals:
        return None
    message = (
        f"no webhook is declared while {plan.base} are ours; {_describe_owner_check(policy)}; "
        "if none does, check the PATHs and the Tenant's select: a wrong folder looks "
        "just like this; "
        "to remove all on purpose, keep one declared until last and delete that one at the tenant"
    )
    return Violation("empty-set", message)


def _check_owner(change: Change, policy: RunPolicy) -> Violation | None:
    if change.action is not Action.UPDATE or change.live is None:
        return None
    mark = change.live.managed_by
    if mark is None and not policy.adopt and policy.ownership != "all":
        return Violation(
            "not-owned",
            f"{change.name}: exists and is unowned; --adopt takes it over, or give "
            "yours a different name",
            (change.name,),
        )
    if mark is not None and mark.owner != policy.owner.name:
        key = change.declared.key if change.declared is not None else change.name
        message = (
            f"{change.name}: exists and belongs to owner {mark.owner}: give yours "
            "a different name, or, agreed with them, "
            f"reconciler adopt {key} --adopt-from {mark.owner}"
        )
        return Violation("other-owner", message, (change.name,))
    return None


def _check_protected(change: Change) -> Violation | None:
    if not (change.is_removal and change.live is not None and change.live.protected):
        return None
    message = (
        f"{change.name}: is protected; first declare protected: false, reconcile, then remove it"
    )
    return Violation("protected", message, (change.name,))


def _check_in_use(change: Change, policy: RunPolicy) -> Violation | None:
    """Delivery evidence: an endpoint still receives events."""
    use = change.live.use if change.live is not None else None
    if policy.accept_in_use or not change.is_removal or use is None or not use.succeeded:
        return None
    message = f"{change.name}: {use.delivered}; if they are not needed any more, --accept-in-use"
    return Violation("in-use", message, (change.name,))


def check(plan: Plan, policy: RunPolicy) -> tuple[Violation, ...]:
    """Every reason to refuse this plan, limits first; empty if it is safe."""
    whole = [
        rule(plan, policy)
        for rule in (
            _check_delete_limit,
            _check_scope_limits,
            _check_update_limit,
            _check_empty_set,
        )
    ]
    single = [
        violation
        for change in plan.pending
        for violation in (
            _check_owner(change, policy),
            _check_protected(change),
            _check_in_use(change, policy),
        )
    ]
    unclear = (
        Violation("source-unclear", violation.message, violation.names)
        for violation in plan.unclear
    )
    return (
        tuple(violation for violation in (*whole, *unclear, *single) if violation is not None)
        + plan.clashes
        + plan.digest_violations
    )
