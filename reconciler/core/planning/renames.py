"""Possible renames in a plan: they are offered, never guessed. Pure. docs/plan-rules.md,
rule 14.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.core.change import Action
from reconciler.core.model.scopes import get_git_key, remove_scope

if TYPE_CHECKING:
    from reconciler.core.change import Change


def offer_renames(changes: Iterable[Change]) -> tuple[str, ...]:
    """A delete and a create with equal url and events are offered as a rename, with the line to
    add.
    """
    deletes_by_content: dict[object, list[Change]] = {}
    for change in changes:
        if change.action is Action.DELETE and change.live is not None:
            deletes_by_content.setdefault(
                (change.scope, change.live.spec.url, change.live.spec.subscriptions), []
            ).append(change)
    offers = []
    for change in changes:
        if change.action is Action.CREATE and change.declared is not None:
            twins = deletes_by_content.get(
                (change.scope, change.declared.spec.url, change.declared.spec.subscriptions)
            )
            if twins:  # each is offered once: a live webhook has one new name
                twin = twins.pop(0)
                former = get_git_key(twin.key) if twin.key else remove_scope(twin.name, twin.scope)
                line = f"previously: [{json.dumps(former, ensure_ascii=False)}]"
                offers.append(
                    f"{change.declared.origin}: a rename of {twin.name}? add to spec: {line}"
                )
    return tuple(offers)
