"""Equal changes of a fleet as one: `+ ci  300 repositories` instead of 300 times the same lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from reconciler.core.model.scopes import get_git_key, remove_scope
from reconciler.rendering.counts import show_few

if TYPE_CHECKING:
    from reconciler.core.change import Change, FieldChange, Plan, Violation
    from reconciler.core.model.scopes import Scopes

_FEW: Final = 3  # scopes that a group names
_SCOPED: Final = (("name",), ("managed_by", "key"))  # the fields that a fleet adds a scope to
_NAMED: Final = re.compile(r"([^@]*)@([^\s:]+)(?=: )")  # `ci@acme/api: `


def group_changes(
    changes: Iterable[Change], scopes: Scopes | None, *, whole: bool = False
) -> Iterator[tuple[Change, str]]:
    """The changes in their order, each with a note. Equal ones of a fleet are one, at the
    place of the first and without its scope: the note says in which scopes. It names all of them
    for removals, and with `whole`.
    """
    if scopes is None:
        yield from ((change, "") for change in changes)
        return
    groups: dict[object, list[Change]] = {}
    for change in changes:
        groups.setdefault(_find_content(change), []).append(change)
    for group in groups.values():
        first = group[0]
        if len(group) == 1:
            yield first, ""
            continue
        names = [change.scope for change in group]
        listed = ", ".join(names) if whole or first.is_removal else show_few(names, _FEW)
        shown = replace(
            first, name=remove_scope(first.name, first.scope), fields=_find_fields(first)
        )
        yield shown, f"{len(group):,} {scopes.noun}: {listed}"


def _find_content(change: Change) -> object:
    """What two changes of a fleet must share to be shown as one."""
    return (
        change.action,
        remove_scope(change.name, change.scope),
        get_git_key(change.key or ""),
        change.declared.origin if change.declared is not None else change.source,
        change.reason,
        change.label,
        change.moved_fields,
        repr(_find_fields(change)),
        change.live.use if change.live is not None and change.is_removal else None,
    )


def _find_fields(change: Change) -> tuple[FieldChange, ...]:
    """The fields of a change, with the names and keys as Git has them."""

    def strip(value: object) -> object:
        return remove_scope(value, change.scope) if isinstance(value, str) else value

    return tuple(
        replace(field, before=strip(field.before), after=strip(field.after), base=strip(field.base))
        if field.path in _SCOPED
        else field
        for field in change.fields
    )


def group_texts(texts: Iterable[str], scopes: Scopes | None) -> list[str]:
    """The texts; those of a fleet that begin with a name and differ in its scope alone are one,
    with a count.
    """
    if scopes is None:
        return list(texts)
    groups: dict[str, list[str]] = {}
    found = frozenset(scopes.found)
    for text in texts:
        groups.setdefault(_strip_scope(text, found), []).append(text)
    return [
        group[0] if len(group) == 1 else f"{text} ({len(group):,} {scopes.noun})"
        for text, group in groups.items()
    ]


def group_violations(violations: Iterable[Violation], scopes: Scopes | None) -> list[Violation]:
    """The violations; those of one rule and one webhook of a fleet are one, with its scopes."""
    if scopes is None:
        return list(violations)
    groups: dict[tuple[str, str], list[Violation]] = {}
    found = frozenset(scopes.found)
    for violation in violations:
        content = violation.rule, _strip_scope(violation.message, found)
        groups.setdefault(content, []).append(violation)
    return [
        group[0]
        if len(group) == 1
        else replace(group[0], message=f"{text} ({_name_scopes(group, scopes)})", names=())
        for (_, text), group in groups.items()
    ]


def _name_scopes(group: Iterable[Violation], scopes: Scopes) -> str:
    found = [match[2] for violation in group if (match := _NAMED.match(violation.message))]
    return f"{len(found):,} {scopes.noun}: {show_few(found, _FEW)}"


def _strip_scope(text: str, scopes: AbstractSet[str]) -> str:
    match = _NAMED.match(text)
    return f"{match[1]}{text[match.end(2) :]}" if match and match[2] in scopes else text


def list_failures(plan: Plan) -> Iterable[str]:
    """A line per scope that could not be read."""
    for failure in plan.failures:
        yield f"{failure.scope}: {failure.message}"
