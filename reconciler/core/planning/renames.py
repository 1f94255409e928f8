"""Possible renames in a plan: they are offered, never guessed. Pure. docs/plan-rules.md,
rule 14.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.core.change import Action

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
                (change.live.spec.url, change.live.spec.subscriptions), []
            ).append(change)
    offers = []
    for change in changes:
        if change.action is Action.CREATE and change.declared is not None:
            twins = deletes_by_content.get(
                (change.declared.spec.url, change.declared.spec.subscriptions)
            )
            if twins:  # each is offered once: a live webhook has one new name
                twin = twins.pop(0)
                line = f"previously: [{json.dumps(twin.key or twin.name, ensure_ascii=False)}]"
                offers.append(
                    f"{change.declared.origin}: a rename of {twin.name}? add to spec: {line}"
                )
    return tuple(offers)
