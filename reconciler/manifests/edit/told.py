"""What has to change in a document so that it says what a tenant holds: changes of `events` and
`auth`.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from reconciler.core.export.manifest import auth_fields, variable
from reconciler.core.model.auth import Auth, NoAuth
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Subscription
from reconciler.manifests.edit.splice import Change

Item = dict[str, Any]
_AUTH: Final = ("spec", "auth")
_EVENTS: Final = ("spec", "events")
# changes of a list times its items; each change reads the document again: about 5 s
_EFFORT: Final = 100_000


def subscriptions(item: Item) -> list[Subscription]:
    """What one item of a list of events stands for."""
    level = item.get("severity")
    return [
        Subscription(item["type"], item.get("version"), one)
        for one in (level if isinstance(level, list) else [level])
    ]


def events(
    held: list[Item], gone: Collection[Subscription], new: Iterable[Subscription]
) -> list[Change]:
    """The changes of a list of events; what only got another version or severity keeps its item.
    None may be left of it.
    """
    groups = _groups(new)
    if not held:
        return [Change("set", _EVENTS, [_item(*group) for group in groups])] if groups else []
    changes: list[Change] = []
    emptied = []
    for number, item in enumerate(held):
        own = subscriptions(item)
        left = [one for one in own if one not in gone]
        if not left and (group := _nearest(own[0], groups)) is not None:
            groups.remove(group)
            changes += _changed(number, item, _item(*group))
        elif not left:
            emptied.append(number)
        else:
            more = next(
                (
                    group
                    for group in groups
                    if group[:2] == (left[0].type, left[0].version) and left[0].severity
                ),
                None,
            )
            if more is not None:
                groups.remove(more)
            changes += _levels(number, item, left, more[2] if more is not None else [])
    if len(emptied) == len(held) and not groups:
        return [Change("remove", _EVENTS)]
    changes += [Change("append", _EVENTS, _item(*group)) for group in groups]
    changes += (Change("remove", (*_EVENTS, number)) for number in reversed(emptied))
    return changes if len(changes) * len(held) <= _EFFORT else [_at_once(held, changes)]


def _at_once(held: list[Item], changes: list[Change]) -> Change:
    """The whole list, written anew: so many changes one by one would take minutes."""
    whole = {"spec": {"events": copy.deepcopy(held)}}
    for change in changes:
        change.do(whole)
    return Change("set", _EVENTS, whole["spec"]["events"])


_Group = tuple[str, str | None, list[str]]


def _groups(new: Iterable[Subscription]) -> list[_Group]:
    """One for each type and version, with its severities."""
    ordered = sorted(new, key=lambda one: one.sort_key)
    grouped = groupby(ordered, key=lambda one: (one.type, one.version))
    return [
        (*known, [one.severity for one in group if one.severity is not None])
        for known, group in grouped
    ]


def _nearest(before: Subscription, groups: list[_Group]) -> _Group | None:
    """What an item became: of the same type, at best of the same version."""
    alike = [group for group in groups if group[0] == before.type]
    return next(
        (group for group in alike if group[1] == before.version), alike[0] if alike else None
    )


def _item(kind: str, version: str | None, levels: list[str]) -> Item:
    said = {
        "type": kind,
        "version": version,
        "severity": levels[0] if len(levels) == 1 else levels or None,
    }
    return {field: value for field, value in said.items() if value is not None}


def _changed(number: int, before: Item, after: Item) -> Iterator[Change]:
    if isinstance(before.get("severity"), list) and isinstance(after.get("severity"), str):
        after["severity"] = [after["severity"]]
    for field in ("version", "severity"):
        path = (*_EVENTS, number, field)
        if field in after and before.get(field) != after[field]:
            yield Change("set", path, after[field])
        elif field in before and field not in after:
            yield Change("remove", path)


def _levels(number: int, item: Item, left: list[Subscription], more: list[str]) -> Iterator[Change]:
    """The severities of an item of which some stay."""
    path, level = (*_EVENTS, number, "severity"), item.get("severity")
    if not isinstance(level, list):
        if more:
            yield Change("set", path, [level, *more])
        return
    yield from (Change("append", path, one) for one in more)
    kept = {one.severity for one in left}
    yield from (
        Change("remove", (*path, at)) for at in reversed(range(len(level))) if level[at] not in kept
    )


def auth(
    raw: Mapping[str, Any] | None, held: Auth, stem: str, known: str | None
) -> tuple[list[Change], list[str]]:
    """The changes of `auth`, and the variables that it references then and did not before.

    References of the same type stay. `known` is the version by which the declared credential is
    known; where there is none it was not compared.
    """
    if isinstance(held, NoAuth):
        return ([Change("remove", _AUTH)] if raw else []), []
    fields = dict(auth_fields(held))
    same = raw is not None and raw["type"] == fields["type"]
    variables: list[str] = []
    wanted: dict[str, Any] = {}
    for field, told in fields.items():
        before = raw.get(field) if raw is not None and same else None
        if isinstance(told, Secret) or isinstance(before, dict):
            if before is None:
                variables.append(variable(stem, field))
            wanted[field] = before if before is not None else {"fromEnv": variables[-1]}
        elif field == "header" and before is not None and before.lower() == told.lower():
            wanted[field] = before
        else:
            wanted[field] = told
    if same and known is None:
        wanted.pop("version", None)
    if raw is None or raw["type"] == "none":
        return [Change("set", _AUTH, wanted)], variables
    changes = [
        Change("set", (*_AUTH, field), new)
        for field, new in wanted.items()
        if raw.get(field) != new
    ]
    return [
        *changes,
        *(Change("remove", (*_AUTH, field)) for field in raw if field not in wanted),
    ], variables
