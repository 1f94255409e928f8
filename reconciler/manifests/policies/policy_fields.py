"""Fields in a Policy's schema that no planned webhook has: such a rule refuses nothing, or
everything.

A `$ref` is not followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from reconciler.core.model.webhook import Steps
from reconciler.manifests.schema_texts import load_schema
from reconciler.manifests.schemas.suggestions import suggest

_SUBSCHEMA_KEYWORDS: Final = ("else", "if", "not", "then")
_SUBSCHEMA_LISTS: Final = ("allOf", "anyOf", "oneOf")
_ITEMS: Final = ("contains", "items", "unevaluatedItems")
Unknown = tuple[
    Steps, str, str | None
]  # where the name stands, the name, the nearest known one as a hint


def find_unknown_fields(rule: dict[str, Any]) -> list[Unknown]:
    """Every field name that a planned webhook does not have at that place."""
    return list(_find_unknown(rule, load_schema("planned-webhook"), ()))


def _find_unknown(rule: Any, field_owner: Any, path: Steps) -> Iterator[Unknown]:
    """`field_owner` is the schema of the values that this part of the rule applies to."""
    if not isinstance(rule, dict):
        return
    for number, name in enumerate(rule.get("required", ())):
        if _find_field(field_owner, name) is None:
            yield (*path, "required", number), name, suggest(name, field_owner["properties"])
    for name, part in rule.get("properties", {}).items():
        child = _find_field(field_owner, name)
        if child is None:
            yield (*path, "properties", name), name, suggest(name, field_owner["properties"])
        else:
            yield from _find_unknown(part, child, (*path, "properties", name))
    for keyword in _SUBSCHEMA_KEYWORDS:
        yield from _find_unknown(rule.get(keyword), field_owner, (*path, keyword))
    for keyword in _SUBSCHEMA_LISTS:
        for number, part in enumerate(rule.get(keyword, ())):
            yield from _find_unknown(part, field_owner, (*path, keyword, number))
    for keyword in _ITEMS:
        yield from _find_unknown(rule.get(keyword), field_owner.get("items", {}), (*path, keyword))


def _find_field(field_owner: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The schema of a field; None if there is no such field."""
    field_schema = field_owner.get("properties", {}).get(
        name, field_owner.get("additionalProperties", {})
    )
    return None if field_schema is False else field_schema
