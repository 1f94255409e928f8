"""What a saved plan keeps of a live webhook: values to compare with, never to make a webhook of."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from reconciler.core.model.fields import comparable_values
from reconciler.core.model.secret import Secret, fingerprint, shown
from reconciler.core.model.webhook import Live
from reconciler.core.wire import webhooks as codec

Values = Mapping[str, Any]


def live_values(live: Live, literals: AbstractSet[str], key: Secret | None) -> dict[str, Any]:
    """Every field by its dotted path, as JSON without a secret value.

    A hidden text is kept as outputs show it, with its fingerprint under the key of the run.
    """
    mark = live.managed_by
    return {
        "protected": live.protected,
        "managed_by": codec.mark_to_json(mark) if mark is not None else None,
        **{
            ".".join(path): _value(path[-1], value, literals, key)
            for path, value in comparable_values(live.spec).items()
            if value is not None
        },
    }


def _value(name: str, value: Any, literals: AbstractSet[str], key: Secret | None) -> Any:
    match value:
        case Secret():
            known = fingerprint({name: value}, key) if key is not None else None
            return [shown(value, literals), known]
        case frozenset():
            return codec.events_to_wire(value)
        case tuple():  # a credential: its version, and where it comes from
            return value[0]
    return value


def moved_fields(then: Values, now: Values) -> set[str]:
    """The fields whose values differ."""
    return {name for name in {*then, *now} if then.get(name) != now.get(name)}


def unseen_fields(values: Values) -> list[str]:
    """The fields that may have moved although their values here are equal."""
    user = ["auth.username"] if "auth.username" in values else []
    secret = ["its credential"] if values.get("auth.type") != "none" else []
    return ["url", *user, *secret]
