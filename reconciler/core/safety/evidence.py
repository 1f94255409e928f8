"""Whether Git removed what a plan takes away: each recorded source needs evidence, else the plan is
refused.

docs/plan-rules.md, rule 5.

Pure: which sources need evidence, and what a source without evidence does to a plan. Looking at
files and at git is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.core.change import Unclear
from reconciler.core.safety.checks import check_plan

if TYPE_CHECKING:
    from reconciler.core.change import Change, Plan
    from reconciler.core.safety.run_policy import RunPolicy


class State(StrEnum):
    """Why a source is no evidence."""

    SUBMODULE = "submodule"
    NESTED_SUBMODULE = "nested-submodule"
    EMPTY_SUBMODULE = "empty-submodule"
    SPARSE = "sparse"
    HIDDEN = "hidden"
    ENDING = "ending"
    LINK = "link"
    UNREAD = "unread"
    NO_ACCESS = "no-access"
    NO_DOCUMENT = "no-document"
    NO_FOLDER = "no-folder"
    NO_GIT = "no-git"
    GIT_REFUSES = "git-refuses"
    GIT_FAILED = "git-failed"
    NO_OBJECT = "no-object"


REASONS: Final = {
    State.SUBMODULE: "the submodule {place} is not checked out; run git submodule update --init",
    State.NESTED_SUBMODULE: "the submodule {place} is not checked out; run git "
    "submodule update --init "
    "--recursive",
    State.EMPTY_SUBMODULE: "the submodule {place} is empty, and there is no Git; "
    "copy a clone made with "
    "--recurse-submodules",
    State.SPARSE: "git leaves it out of this work tree (sparse checkout, skip-worktree); run git "
    "sparse-checkout disable",
    State.HIDDEN: "{place} is hidden, and this run did not read it; name {place} as a PATH",
    State.ENDING: "it exists, but in a folder only .yaml, .yml and .json are "
    "read; name it as a PATH",
    State.LINK: "the link {place} leads to no folder that this run read; "
    "repair the link, or remove "
    "it",
    State.UNREAD: "it exists, but this run did not read it; name it as a PATH",
    State.NO_ACCESS: "it is not known whether it exists: {detail}; make {place} readable",
    State.NO_DOCUMENT: "it was read, but has no document of ours; restore the "
    "manifest, or delete the file",
    State.NO_FOLDER: "its folder {place} was not read, and there is no Git to say "
    "more; run this in the "
    "Git work tree",
    State.NO_GIT: "git is not installed, and nothing else says that it was removed; install git",
    State.GIT_REFUSES: "git refuses a repository of another user; run git config --global --add "
    "safe.directory {detail}",
    State.GIT_FAILED: "git cannot say whether it was removed: {detail}; repair "
    "the repository {place}",
    State.NO_OBJECT: "no object of the cluster with that name is being deleted; create it again "
    "and delete it, or delete the webhook at the tenant",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a source is no evidence; `place` is the path at fault, relative to the root, `detail` the
    message of the system or git.
    """

    state: State
    place: str = ""
    detail: str = ""


def find_removals(plan: Plan, policy: RunPolicy) -> dict[str, tuple[str, ...]]:
    """Each recorded source that needs evidence of removal, with the names of the affected
    webhooks.
    """
    names_by_source: dict[str, list[str]] = {}
    for change in plan.pending:
        for source in _removed_sources(change, policy):
            names_by_source.setdefault(source, []).append(change.name)
    return {source: tuple(sorted(names)) for source, names in sorted(names_by_source.items())}


def _removed_sources(change: Change, policy: RunPolicy) -> set[str]:
    """The recorded sources that a delete, or a removal of subscriptions, counts as removed."""
    mark = change.live.managed_by if change.live is not None else None
    if mark is None or mark.owner != policy.owner.name:
        return set()
    if change.declared is None:
        return set(mark.sources)
    removes = any(field.removed for field in change.fields)
    return set(mark.sources).difference(change.declared.sources) if removes else set()


def add_doubts(plan: Plan, doubts: Mapping[str, Doubt], policy: RunPolicy) -> Plan:
    """The plan with a violation per source without evidence."""
    if not doubts:
        return plan
    names_by_source = find_removals(plan, policy)
    unclear = tuple(
        _make_unclear(source, doubts[source], names, policy)
        for source, names in names_by_source.items()
        if source in doubts
    )
    return check_plan(replace(plan, unclear=unclear), policy)


def _make_unclear(source: str, doubt: Doubt, names: tuple[str, ...], policy: RunPolicy) -> Unclear:
    show = policy.scope.show
    reason = REASONS[doubt.state].format(
        place=show(doubt.place) if doubt.place else "", detail=doubt.detail
    )
    return Unclear(source, doubt.state.value, doubt.place, names, f"{show(source)}: {reason}")
