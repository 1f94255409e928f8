"""Plans that touch webhooks of another Git repository with our owner. docs/plan-rules.md, rule 15.

How a repository is called stands in `remote.py`; which one this run is,
`manifests/history/repository.py` finds out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.core.change import Violation
from reconciler.core.model.secret import Secret, shown_url
from reconciler.core.model.webhook import Declared, Live, ManagedBy
from reconciler.core.safety.run_policy import RunPolicy

if TYPE_CHECKING:
    from reconciler.core.change import Change, FieldChange, Plan

FIELD: Final = ("managed_by", "repository")
_WAY_OUT: Final = "if this is the same repository under a new address, pass --moved-from"


def takes_over(fields: Sequence[FieldChange], live: Live, policy: RunPolicy) -> bool:
    """Whether nothing differs but that another repository marked the webhook: no reason to change
    the mark.
    """
    return len(fields) == 1 and fields[0].path == FIELD and is_foreign(live.managed_by, policy)


def kept_warning(live: Live, policy: RunPolicy) -> str:
    """What a plan says of such a webhook, which it leaves as it is."""
    other = live.managed_by.repository if live.managed_by is not None else None
    ours = policy.owner.repository
    return (
        f"{live.spec.name}: unchanged, but repository {other} manages it, and this run is of "
        f"{ours}; {_WAY_OUT} {other}"
    )


def export_warning(live: Live) -> str:
    """What an export says of another repository's webhook, of which it writes a manifest all the
    same.
    """
    other = live.managed_by.repository if live.managed_by is not None else None
    return (
        f"{live.spec.name}: repository {other} manages it; keep its manifest only if this "
        "repository takes its place"
    )


def is_foreign(mark: ManagedBy | None, policy: RunPolicy) -> bool:
    """Whether another repository of our owner wrote that mark, one that this one did not move
    from.
    """
    ours = policy.owner.repository
    if mark is None or mark.owner != policy.owner.name or None in {ours, mark.repository}:
        return False
    return mark.repository != ours and mark.repository not in policy.moved_from


def records_only(change: Change) -> bool:
    """Whether a change does nothing but record our repository, which the tenant did not know: it
    moved nothing.
    """
    return bool(change.fields) and all(field.path == FIELD for field in change.fields)


def repository_then(mark: ManagedBy | None, policy: RunPolicy) -> str | None:
    """The repository that a mark had before: one that we moved from, or none, is not the tenant's
    doing.
    """
    ours = policy.owner.repository_for(mark)
    if (
        mark is None
        or mark.owner != policy.owner.name
        or not (mark.repository is None or mark.repository in policy.moved_from)
    ):
        return ours
    return mark.repository


def foreign(plan: Plan, policy: RunPolicy) -> Iterator[Violation]:
    """A violation for each webhook of another repository that a plan updates or deletes."""
    for change in plan.pending:
        if change.live is not None and is_foreign(change.live.managed_by, policy):
            yield refusal(change.live, change.action.value, policy)


def refusal(live: Live, verb: str, policy: RunPolicy) -> Violation:
    """Why this run does not do that to a webhook of another repository."""
    other = live.managed_by.repository if live.managed_by is not None else None
    message = (
        f"{live.spec.name}: repository {other} manages it, and this run, of "
        f"{policy.owner.repository}, would {verb} it; "
        f"give each repository its own owner; {_WAY_OUT} {other}; for this plan alone, "
        "reconcile --accept DIGEST"
    )
    return Violation("other-repository", message, (live.spec.name,))


def suspicions(
    pairs: Sequence[tuple[Declared, Live | None]], changes: Iterable[Change], policy: RunPolicy
) -> tuple[Violation, ...]:
    """At most one violation: the webhooks that a plan touches look like those of another
    repository, and no mark tells.

    `pairs` are all declared webhooks with their live ones. Where nothing is declared, `empty-set`
    refuses already.
    """
    touched = [
        change.name
        for change in changes
        if change.live is not None and _is_unknown(change.live.managed_by, policy)
    ]
    if not touched or not pairs:
        return ()
    matched = [
        (item, live) for item, live in pairs if live is not None and _by_key(item, live, policy)
    ]
    moved = [live.spec.name for item, live in matched if _another_host(item, live)]
    if not matched:
        names, why = touched, "no declared webhook has the key of one that is live"
    elif len(matched) > 1 and len(moved) == len(matched):
        names, why = (
            moved,
            f"all {len(matched)} that are declared and live would change the host of their url",
        )
    else:
        return ()
    message = (
        f"another repository may use owner {policy.owner.name}: {why}; see where the "
        "live ones come from (reconciler export DIR "
        "--dry-run), then give each repository its own owner, or accept this plan: "
        "reconcile --accept DIGEST"
    )
    return (Violation("another-repository-suspected", message, tuple(names)),)


def _is_unknown(mark: ManagedBy | None, policy: RunPolicy) -> bool:
    """Whether our owner marked a webhook, and nobody knows whether this repository did."""
    return (
        mark is not None
        and mark.owner == policy.owner.name
        and None in {policy.owner.repository, mark.repository}
    )


def _by_key(declared: Declared, live: Live, policy: RunPolicy) -> bool:
    """Whether the two were matched by key: the declared one, or one that it says it had."""
    mark = live.managed_by
    return (
        mark is not None
        and _is_unknown(mark, policy)
        and mark.key in {declared.key, *declared.previously}
    )


def _another_host(declared: Declared, live: Live) -> bool:
    """Whether the url's host changes; what is not known does not."""
    before, after = _host(live.spec.url), _host(declared.spec.url)
    return None not in {before, after} and before != after


def _host(url: str | Secret) -> str | None:
    try:
        return urlsplit(url.shown if isinstance(url, Secret) else shown_url(url)).hostname
    except ValueError:
        return None
