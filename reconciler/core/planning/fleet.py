"""What a fleet makes of the declared webhooks: one for each scope that each of them goes to.

Pure. docs/plan-rules.md, rule 17.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from reconciler.core.change import Violation
from reconciler.core.model.scopes import Scopes, add_scope, split_key
from reconciler.core.model.webhook import Declared

_REQUESTS: Final = 5  # of a change: read, write and read back a webhook, and its entry in a ledger


def place(declared: Iterable[Declared], scopes: Scopes | None) -> tuple[Declared, ...]:
    """The webhooks in every scope that was read and that they go to. Without a fleet they stay as
    they are, and so do those that have a scope already.
    """
    if scopes is None:
        return tuple(declared)
    readable, placed = scopes.readable, []
    for item in declared:
        if split_key(item.key)[1]:
            placed.append(item)
            continue
        placed += [
            _place(item, scope)
            for scope in readable
            if item.scopes is None or item.scopes.includes(scope)
        ]
    return tuple(placed)


def _place(item: Declared, scope: str) -> Declared:
    return replace(
        item,
        key=add_scope(item.key, scope),
        spec=replace(item.spec, name=add_scope(item.spec.name, scope)),
        previously=tuple(add_scope(name, scope) for name in item.previously),
    )


def place_sorted(
    declared: Iterable[Declared], scopes: Scopes | None
) -> tuple[tuple[Declared, ...], tuple[Violation, ...]]:
    """The webhooks in their scopes, by key, and the violations: one if the fleet is empty, and one
    per webhook that goes to none of its scopes. A pattern with a mistake would look just like a
    wish to delete.
    """
    items = tuple(declared)
    placed = sorted(place(items, scopes), key=lambda item: item.key)
    return tuple(placed), _check_scopes(items, scopes) if scopes is not None else ()


def _check_scopes(declared: Iterable[Declared], scopes: Scopes) -> tuple[Violation, ...]:
    if not scopes.found:
        text = (
            f"the Tenant's target matches no {scopes.noun}; check spec.target, and what its token "
            "may see"
        )
        return (Violation("no-scope", text),)
    return tuple(_find_unplaced(declared, scopes))


def warn_of_cost(changes: int, scopes: Scopes | None) -> tuple[str, ...]:
    """A warning if the product allows fewer requests than the changes of a fleet need."""
    allowance = scopes.allowance if scopes is not None else None
    needed = changes * _REQUESTS
    if allowance is None or needed <= allowance.left:
        return ()
    until = datetime.fromtimestamp(allowance.reset, UTC).strftime("%H:%M")
    text = (
        f"{changes:,} changes need about {needed:,} requests, and the product allows "
        f"{allowance.left:,} until {until} UTC: what it refuses fails, and a run after that time "
        "goes on"
    )
    return (text,)


def _find_unplaced(declared: Iterable[Declared], scopes: Scopes) -> Iterator[Violation]:
    for item in declared:
        selector = item.scopes
        if selector is None or any(map(selector.includes, scopes.found)):
            continue
        text = (
            f"{item.key}: spec.scopes matches none of the {len(scopes.found):,} {scopes.noun} of "
            "the Tenant; correct it, or remove the manifest"
        )
        yield Violation("no-scope", text, (item.key,), item.origin)
