"""The changes of a document's `events` that make it equal to what the tenant holds."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from reconciler.core.model.webhook import Subscription
from reconciler.manifests.edit.splice import Change

Item = dict[str, Any]
_EVENTS: Final = ("spec", "events")
# changes of a list times its items; each change reads the document again: about 5 s
_EFFORT: Final = 100_000


def expand_item(item: Item) -> list[Subscription]:
    """The subscriptions of one item of an events list."""
    level = item.get("severity")
    return [
        Subscription(item["type"], item.get("version"), severity)
        for severity in (level if isinstance(level, list) else [level])
    ]


def edit_events(
    items: list[Item], removals: Collection[Subscription], additions: Iterable[Subscription]
) -> list[Change]:
    """The changes of a list of events. An item stays if only its version or severity changes. The
    list may be removed.
    """
    groups = _group_by_type(additions)
    if not items:
        return [Change("set", _EVENTS, [_make_item(*group) for group in groups])] if groups else []
    changes: list[Change] = []
    emptied_numbers = []
    for number, item in enumerate(items):
        item_subscriptions = expand_item(item)
        remaining = [
            subscription for subscription in item_subscriptions if subscription not in removals
        ]
        if not remaining and (group := _find_nearest(item_subscriptions[0], groups)) is not None:
            groups.remove(group)
            changes += _change_item(number, item, _make_item(*group))
        elif not remaining:
            emptied_numbers.append(number)
        else:
            new_severities = _take_severities(remaining[0], groups)
            changes += _change_severities(number, item, remaining, new_severities)
    if len(emptied_numbers) == len(items) and not groups:
        return [Change("remove", _EVENTS)]
    changes += [Change("append", _EVENTS, _make_item(*group)) for group in groups]
    changes += (Change("remove", (*_EVENTS, number)) for number in reversed(emptied_numbers))
    return changes if len(changes) * len(items) <= _EFFORT else [_replace_list(items, changes)]


def _replace_list(items: list[Item], changes: list[Change]) -> Change:
    """The whole list, written anew: as many single changes would take minutes."""
    document = {"spec": {"events": copy.deepcopy(items)}}
    for change in changes:
        change.apply_in_place(document)
    return Change("set", _EVENTS, document["spec"]["events"])


_Group = tuple[str, str | None, list[str]]


def _group_by_type(additions: Iterable[Subscription]) -> list[_Group]:
    """A group per type and version, with its severities."""
    sorted_subscriptions = sorted(additions, key=lambda subscription: subscription.sort_key)
    subscriptions_by_type = groupby(
        sorted_subscriptions, key=lambda subscription: (subscription.type, subscription.version)
    )
    return [
        (
            *type_and_version,
            [subscription.severity for subscription in group if subscription.severity is not None],
        )
        for type_and_version, group in subscriptions_by_type
    ]


def _find_nearest(before: Subscription, groups: list[_Group]) -> _Group | None:
    """The group that an item changed to: of the same type, if possible of the same version."""
    same_type = [group for group in groups if group[0] == before.type]
    return next(
        (group for group in same_type if group[1] == before.version),
        same_type[0] if same_type else None,
    )


def _take_severities(subscription: Subscription, groups: list[_Group]) -> list[str]:
    """Removes the group of the same type and version and returns its severities; empty if there is
    none, or if the subscription has no severity.
    """
    for group in groups if subscription.severity else ():
        if group[:2] == (subscription.type, subscription.version):
            groups.remove(group)
            return group[2]
    return []


def _make_item(kind: str, version: str | None, levels: list[str]) -> Item:
    fields = {
        "type": kind,
        "version": version,
        "severity": levels[0] if len(levels) == 1 else levels or None,
    }
    return {field: value for field, value in fields.items() if value is not None}


def _change_item(number: int, before: Item, after: Item) -> Iterator[Change]:
    if isinstance(before.get("severity"), list) and isinstance(after.get("severity"), str):
        after["severity"] = [after["severity"]]
    for field in ("version", "severity"):
        path = (*_EVENTS, number, field)
        if field in after and before.get(field) != after[field]:
            yield Change("set", path, after[field])
        elif field in before and field not in after:
            yield Change("remove", path)


def _change_severities(
    number: int, item: Item, remaining: list[Subscription], new_severities: list[str]
) -> Iterator[Change]:
    """The changes of an item that keeps some of its severities."""
    path, level = (*_EVENTS, number, "severity"), item.get("severity")
    if not isinstance(level, list):
        if new_severities:
            yield Change("set", path, [level, *new_severities])
        return
    yield from (Change("append", path, severity) for severity in new_severities)
    remaining_severities = {severity.severity for severity in remaining}
    yield from (
        Change("remove", (*path, position))
        for position in reversed(range(len(level)))
        if level[position] not in remaining_severities
    )
