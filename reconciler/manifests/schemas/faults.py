"""Every fault of a document that its schema refuses, from jsonschema with jsonschema-rs inside.

jsonschema knows the position of a fault, but it takes 100 times as long and quotes whole values in
its messages, with all aliases expanded. So jsonschema-rs checks each value, jsonschema follows only
refused values, and no message is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import jsonschema
import jsonschema_rs

from reconciler.manifests.schemas.schema import load_structure

_DRAFT: Final = jsonschema.Draft202012Validator
_FOLLOWED: Final = frozenset(
    {"$ref", "allOf", "if", "properties", "required"}
)  # their own faults quote no value
Faults = Iterator[jsonschema.ValidationError]
Keyword = Callable[[Any, Any, Any, dict[str, Any]], Faults]


class _Keywords:
    """The keywords of one schema; all of its parts may refer to its `$defs`."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._defs = root.get("$defs", {})
        self._accepts: dict[
            tuple[int, str], tuple[Any, Callable[[Any], bool]]
        ] = {}  # with the part, so that its id stays its own

    def make_table(self) -> dict[str, Keyword]:
        """A function per keyword that jsonschema itself does not follow."""
        plain = {
            name: self._make_keyword(name) for name in _DRAFT.VALIDATORS if name not in _FOLLOWED
        }
        return {
            **plain,
            "items": self._check_items,
            "additionalProperties": self._check_other_fields,
        }

    def _refuses(self, part: Any, value: Any, keyword: str = "") -> bool:
        """Whether a part of the schema, or one keyword of it, refuses a value."""
        cache_key = (id(part), keyword)
        if cache_key not in self._accepts:
            subschema = {keyword: part[keyword]} if keyword else part
            full_schema = (
                {**subschema, "$defs": self._defs} if isinstance(subschema, dict) else subschema
            )
            self._accepts[cache_key] = (
                part,
                jsonschema_rs.Draft202012Validator(full_schema).is_valid,
            )
        return not self._accepts[cache_key][1](value)

    def _make_keyword(self, keyword: str) -> Keyword:
        def check(
            _validator: Any, _keyword_value: Any, value: Any, owner: dict[str, Any]
        ) -> Faults:
            if self._refuses(owner, value, keyword):
                yield jsonschema.ValidationError("")

        return check

    def _check_items(
        self, validator: Any, item_schema: Any, value: Any, _owner: dict[str, Any]
    ) -> Faults:
        for number, item in enumerate(value if isinstance(value, list) else ()):
            if self._refuses(item_schema, item):
                yield from validator.descend(item, item_schema, path=number)

    def _check_other_fields(
        self, validator: Any, field_schema: Any, value: Any, owner: dict[str, Any]
    ) -> Faults:
        known_fields = owner.get("properties", {})
        other_names = (
            [name for name in value if name not in known_fields] if isinstance(value, dict) else []
        )
        if field_schema is False and other_names:
            yield jsonschema.ValidationError("")
            return
        for name in other_names:
            if self._refuses(field_schema, value[name]):
                yield from validator.descend(value[name], field_schema, path=name)


@cache
def _make_validator(name: str) -> Any:
    root = load_structure(name)
    extend: Any = jsonschema.validators.extend  # it has no types
    return extend(_DRAFT, _Keywords(root).make_table())(root)


def find_faults(name: str, value: Any) -> Faults:
    """Each fault under the schema of that name, with position, keyword and part of the schema.
    Faults are found on request.
    """
    errors: Faults = _make_validator(name).iter_errors(value)
    return errors
