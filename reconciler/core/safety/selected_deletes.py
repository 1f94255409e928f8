"""Deletes of webhooks that the files still declare, but the Tenant in use no longer selects.

For a plan a lost label looks like a removed manifest: it sees only what the Tenant selects. Pure.
docs/plan-rules.md, rule 16.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.change import Violation
from reconciler.core.model.limits import normalize_name
from reconciler.core.model.scopes import get_git_key, remove_scope
from reconciler.core.safety.selection import LeftOut, Selection

if TYPE_CHECKING:
    from reconciler.core.change import Change


def check_deletes(
    deletes: Iterable[Change], selection: Selection
) -> tuple[tuple[Change, ...], tuple[Violation, ...]]:
    """The deletes, and a violation per webhook that is still declared; its reason says so."""
    changes = tuple(deletes)
    if not changes or not selection.left_out:
        return changes, ()
    keys = {item.key: item for item in selection.left_out}
    former = {name: item for item in selection.left_out for name in item.previously}
    names = {normalize_name(item.name): item for item in selection.left_out}
    checked_changes, violations = [], []
    for change in changes:
        key, has_mark = get_git_key(change.key or ""), change.key is not None
        name = remove_scope(change.name, change.scope)
        item = (
            keys.get(key)
            or former.get(key)
            or former.get(name)
            or (None if has_mark else names.get(normalize_name(name)))
        )
        if item is not None:
            violations.append(_make_violation(change, item, selection))
            change = replace(change, reason="ours, declared, but not selected")  # noqa: PLW2901  the same change with a better reason
        checked_changes.append(change)
    return tuple(checked_changes), tuple(violations)


def _make_violation(change: Change, item: LeftOut, selection: Selection) -> Violation:
    place = f"{item.origin.file}:{item.origin.line}"
    fault = (
        f"{change.name}: declared in {place}, but tenant {selection.tenant} selects "
        f"{selection.text}"
    )
    way_out = "give it these labels again; if the delete is meant, reconcile --accept DIGEST"
    return Violation("no-longer-selected", f"{fault}; {way_out}", (change.name,), item.origin)
