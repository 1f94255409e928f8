"""Fields that a Policy's schema speaks of and no planned webhook has: such a rule refuses nothing,
or everything.

What stands behind a `$ref` is not followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from reconciler.core.model.webhook import Steps
from reconciler.manifests.schema_texts import schema
from reconciler.manifests.schemas.near import near

_HERE: Final = ("else", "if", "not", "then")
_HERE_TOO: Final = ("allOf", "anyOf", "oneOf")
_ITEMS: Final = ("contains", "items", "unevaluatedItems")
Unknown = tuple[
    Steps, str, str | None
]  # where the name stands, the name, the nearest known one as a hint


def unknown(rule: dict[str, Any]) -> list[Unknown]:
    """Every name of a field that a planned webhook does not have at that place."""
    return list(_unknown(rule, schema("planned-webhook"), ()))


def _unknown(rule: Any, seen: Any, path: Steps) -> Iterator[Unknown]:
    """`seen` describes what this part of the rule looks at."""
    if not isinstance(rule, dict):
        return
    for number, name in enumerate(rule.get("required", ())):
        if _field(seen, name) is None:
            yield (*path, "required", number), name, near(name, seen["properties"])
    for name, part in rule.get("properties", {}).items():
        child = _field(seen, name)
        if child is None:
            yield (*path, "properties", name), name, near(name, seen["properties"])
        else:
            yield from _unknown(part, child, (*path, "properties", name))
    for word in _HERE:
        yield from _unknown(rule.get(word), seen, (*path, word))
    for word in _HERE_TOO:
        for number, part in enumerate(rule.get(word, ())):
            yield from _unknown(part, seen, (*path, word, number))
    for word in _ITEMS:
        yield from _unknown(rule.get(word), seen.get("items", {}), (*path, word))


def _field(seen: dict[str, Any], name: str) -> dict[str, Any] | None:
    """What is known of a field; None where there is no such field."""
    known = seen.get("properties", {}).get(name, seen.get("additionalProperties", {}))
    return None if known is False else known
