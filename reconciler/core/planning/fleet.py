"""What a fleet makes of the declared webhooks: one for each scope that each of them goes to.

Pure. docs/plan-rules.md, rule 17.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from reconciler.core.change import Violation
from reconciler.core.model.scopes import Scopes, add_scope, split_key
from reconciler.core.model.webhook import Declared

NO_SCOPE: Final = "no-scope"


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


def check_scopes(declared: Iterable[Declared], scopes: Scopes | None) -> tuple[Violation, ...]:
    """A violation if the fleet is empty, or if a webhook goes to none of its scopes: a pattern with
    a mistake would look just like a wish to delete.
    """
    if scopes is None:
        return ()
    if not scopes.found:
        text = (
            f"the Tenant's target matches no {scopes.noun}; check spec.target, and what its token "
            "may see"
        )
        return (Violation(NO_SCOPE, text),)
    return tuple(_find_unplaced(declared, scopes))


def _find_unplaced(declared: Iterable[Declared], scopes: Scopes) -> Iterator[Violation]:
    for item in declared:
        selector = item.scopes
        if selector is None or any(map(selector.includes, scopes.found)):
            continue
        text = (
            f"{item.key}: spec.scopes matches none of the {len(scopes.found):,} {scopes.noun} of "
            "the Tenant; correct it, or remove the manifest"
        )
        yield Violation(NO_SCOPE, text, (item.key,), item.origin)
