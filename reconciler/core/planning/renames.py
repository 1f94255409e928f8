"""Renames that a plan may have missed: it offers them, and never guesses. Pure. docs/plan-rules.md,
rule 14.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.core.change import Action

if TYPE_CHECKING:
    from reconciler.core.change import Change


def renames(changes: Iterable[Change]) -> tuple[str, ...]:
    """A delete and a create with equal url and events are offered as a rename, with the line to
    add.
    """
    gone: dict[object, list[Change]] = {}
    for change in changes:
        if change.action is Action.DELETE and change.live is not None:
            gone.setdefault((change.live.spec.url, change.live.spec.subscriptions), []).append(
                change
            )
    offers = []
    for change in changes:
        if change.action is Action.CREATE and change.declared is not None:
            twins = gone.get((change.declared.spec.url, change.declared.spec.subscriptions))
            if twins:  # each is offered once: a live webhook can become one only
                twin = twins.pop(0)
                line = f"previously: [{json.dumps(twin.key or twin.name, ensure_ascii=False)}]"
                offers.append(
                    f"{change.declared.origin}: a rename of {twin.name}? add to spec: {line}"
                )
    return tuple(offers)
