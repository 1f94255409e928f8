"""Whether a branch only moved forward, and which commits its signatures are checked for."""

from __future__ import annotations

from reconciler.continuous.git.errors import RewoundBranch
from reconciler.continuous.git.mirror import Mirror

_SHOWN = 12  # digits of an id in a message


def check_history(
    mirror: Mirror, last_applied: str | None, head: str, *, allow_rewind: bool
) -> None:
    """Raises RewoundBranch if the history of `head` lacks the last applied commit: an old state, or
    one that replaced it, is not applied. `allow_rewind` allows that.
    """
    if last_applied is None or allow_rewind or mirror.contains(last_applied, head):
        return
    raise RewoundBranch(
        f"branch {mirror.branch} was rewound or rewritten: its commit {head[:_SHOWN]} does not "
        f"contain {last_applied[:_SHOWN]}, the last applied one. If that is intended, pass "
        "--allow-rewind"
    )


def list_unverified(mirror: Mirror, last_applied: str | None, head: str) -> tuple[str, ...]:
    """Every commit that was not verified yet, parents first; `head` is always among them, unless it
    is the last applied commit.

    At the first start that is `head` alone, as there is no base: history before the agent may be
    unsigned, and the signature of `head` covers all of its files. The same applies if the last
    applied commit is no longer known, after a rewind.
    """
    if head == last_applied:
        return ()
    if last_applied is None or not mirror.has(last_applied):
        return (head,)
    commits = mirror.list_commits(last_applied, head)
    return commits if head in commits[-1:] else (*commits, head)
