"""The events of a hook, as Gitea lists them and as it takes them. Pure.

Gitea lists `issues_only` as `issues`, so a list that is sent back would mean all events of the
group. Until 1.23 it lists `pull_request_review` as two names, and a third one with
`pull_request_comment`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.providers.gitea.capabilities import EVENTS, GROUPS

_REVIEWS: Final = frozenset({"pull_request_review_approved", "pull_request_review_rejected"})
_LISTED: Final = _REVIEWS | {"pull_request_review_comment"}


def read_events(listed: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The events of a manifest that a list stands for, and those that the provider does not
    know.
    """
    names = set(listed)
    if names & _REVIEWS:
        names.add("pull_request_review")
    names -= _LISTED
    for group, members in GROUPS.items():
        only = f"{group}_only"
        if names & {group, only}:
            names -= {group, only}
            names.add(group if names.issuperset(members) else only)
    known = frozenset(names & set(EVENTS))
    return known, frozenset(names - known)
