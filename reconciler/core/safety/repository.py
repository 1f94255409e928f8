"""Plans that change webhooks of a different Git repository with our owner. docs/plan-rules.md, rule
15.

`remote.py` has the form of a repository's name; `manifests/history/repository.py` finds that of a
run.
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
_FEW: Final = 3  # scopes that a violation names
_WAY_OUT: Final = "if this is the same repository under a new address, pass --moved-from"


def takes_over(fields: Sequence[FieldChange], live: Live, policy: RunPolicy) -> bool:
    """Whether the only difference is the mark of a different repository: no reason to change the
    mark.
    """
    return len(fields) == 1 and fields[0].path == FIELD and is_foreign(live.managed_by, policy)


def make_kept_warning(live: Live, policy: RunPolicy) -> str:
    """A plan's warning for such a webhook, which stays unchanged."""
    repository = live.managed_by.repository if live.managed_by is not None else None
    own_repository = policy.owner.repository
    return (
        f"{live.spec.name}: unchanged, but repository {repository} manages it, and this run is of "
        f"{own_repository}; {_WAY_OUT} {repository}"
    )


def make_export_warning(live: Live) -> str:
    """An export's warning for a webhook of a different repository; its manifest is written too."""
    repository = live.managed_by.repository if live.managed_by is not None else None
    return (
        f"{live.spec.name}: repository {repository} manages it; keep its manifest only if this "
        "repository takes its place"
    )


def is_foreign(mark: ManagedBy | None, policy: RunPolicy) -> bool:
    """Whether a different repository of our owner wrote that mark, and this repository did not move
    from it.
    """
    own_repository = policy.owner.repository
    if mark is None or mark.owner != policy.owner.name or None in {own_repository, mark.repository}:
        return False
    return mark.repository != own_repository and mark.repository not in policy.moved_from


def only_records(change: Change) -> bool:
    """Whether a change only records our repository in a mark without one."""
    return bool(change.fields) and all(field.path == FIELD for field in change.fields)


def find_former_repository(mark: ManagedBy | None, policy: RunPolicy) -> str | None:
    """The earlier repository of a mark. A repository that we moved from, or none, is not a change
    by the tenant.
    """
    own_repository = policy.owner.repository_for(mark)
    if (
        mark is None
        or mark.owner != policy.owner.name
        or not (mark.repository is None or mark.repository in policy.moved_from)
    ):
        return own_repository
    return mark.repository


def check_repositories(plan: Plan, policy: RunPolicy) -> Iterator[Violation]:
    """A violation per webhook of a different repository that a plan updates or deletes."""
    for change in plan.pending:
        if change.live is not None and is_foreign(change.live.managed_by, policy):
            yield make_refusal(change.live, change.action.value, policy)


def make_refusal(live: Live, verb: str, policy: RunPolicy) -> Violation:
    """The violation for an action on a webhook of a different repository."""
    repository = live.managed_by.repository if live.managed_by is not None else None
    message = (
        f"{live.spec.name}: repository {repository} manages it, and this run, of "
        f"{policy.owner.repository}, would {verb} it; "
        f"give each repository its own owner; {_WAY_OUT} {repository}; for this plan alone, "
        "reconcile --accept DIGEST"
    )
    return Violation("other-repository", message, (live.spec.name,))


def find_suspicions(
    pairs: Sequence[tuple[Declared, Live | None]], changes: Iterable[Change], policy: RunPolicy
) -> tuple[Violation, ...]:
    """At most one violation: the changed webhooks may belong to a different repository, and no mark
    says so.

    `pairs` are all declared webhooks with their live ones; of a fleet each scope is looked at for
    itself, since a scope that joins may be that of others. If nothing is declared, then `empty-set`
    refuses the plan already.
    """
    unknown = [
        change
        for change in changes
        if change.live is not None and _is_unknown(change.live.managed_by, policy)
    ]
    if not unknown or not pairs:
        return ()
    key_matches = [
        (item, live)
        for item, live in pairs
        if live is not None and _is_key_match(item, live, policy)
    ]
    moved_names = [live.spec.name for item, live in key_matches if _changes_host(item, live)]
    known_scopes = {live.scope for _, live in key_matches}
    strange = [change for change in unknown if change.scope not in known_scopes]
    if strange:
        names, reason = (
            [change.name for change in strange],
            f"no declared webhook has the key of one that is live{_name_scopes(strange)}",
        )
    elif len(key_matches) > 1 and len(moved_names) == len(key_matches):
        names, reason = (
            moved_names,
            f"all {len(key_matches)} that are declared and live would change the host of their url",
        )
    else:
        return ()
    return (_make_suspicion(names, reason, policy),)


def _make_suspicion(names: Iterable[str], reason: str, policy: RunPolicy) -> Violation:
    message = (
        f"another repository may use owner {policy.owner.name}: {reason}; see where the "
        "live ones come from (reconciler export DIR "
        "--dry-run), then give each repository its own owner, or accept this plan: "
        "reconcile --accept DIGEST"
    )
    return Violation("another-repository-suspected", message, tuple(names))


def _name_scopes(changes: Iterable[Change]) -> str:
    """The scopes of a fleet that changes are in; nothing outside of fleets."""
    scopes = list(dict.fromkeys(change.scope for change in changes if change.scope))
    more = f" and {len(scopes) - _FEW:,} more" if len(scopes) > _FEW else ""
    return f" in {', '.join(scopes[:_FEW])}{more}" if scopes else ""


def _is_unknown(mark: ManagedBy | None, policy: RunPolicy) -> bool:
    """Whether our owner marked a webhook, and the mark does not say from which repository."""
    return (
        mark is not None
        and mark.owner == policy.owner.name
        and None in {policy.owner.repository, mark.repository}
    )


def _is_key_match(declared: Declared, live: Live, policy: RunPolicy) -> bool:
    """Whether the two were matched by key: the declared key, or an earlier one."""
    mark = live.managed_by
    return (
        mark is not None
        and _is_unknown(mark, policy)
        and mark.key in {declared.key, *declared.previously}
    )


def _changes_host(declared: Declared, live: Live) -> bool:
    """Whether the url's host changes; an unknown host does not."""
    before, after = _find_host(live.spec.url), _find_host(declared.spec.url)
    return None not in {before, after} and before != after


def _find_host(url: str | Secret) -> str | None:
    try:
        return urlsplit(url.shown if isinstance(url, Secret) else shown_url(url)).hostname
    except ValueError:
        return None
