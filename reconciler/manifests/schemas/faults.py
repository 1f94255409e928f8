"""Every fault of a document that its schema refuses, one after the other, from jsonschema with
jsonschema-rs inside.

jsonschema knows the place of a fault but takes 100 times as long, and quotes whole values in its
messages, with all that their aliases stand for. So jsonschema-rs checks each value, jsonschema
follows only what is refused, and no message is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import jsonschema
import jsonschema_rs

from reconciler.manifests.schemas.schema import structure

_DRAFT: Final = jsonschema.Draft202012Validator
_FOLLOWED: Final = frozenset(
    {"$ref", "allOf", "if", "properties", "required"}
)  # their own faults quote no value
Faults = Iterator[jsonschema.ValidationError]
Keyword = Callable[[Any, Any, Any, dict[str, Any]], Faults]


class _Keywords:
    """The keywords of one schema, whose `$defs` each part of it may refer to."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._defs = root.get("$defs", {})
        self._accepts: dict[
            tuple[int, str], tuple[Any, Callable[[Any], bool]]
        ] = {}  # with the part, so that its id stays its own

    def table(self) -> dict[str, Keyword]:
        """A function for each keyword that jsonschema itself does not follow."""
        plain = {name: self._plain(name) for name in _DRAFT.VALIDATORS if name not in _FOLLOWED}
        return {**plain, "items": self._items, "additionalProperties": self._others}

    def _refuses(self, part: Any, value: Any, keyword: str = "") -> bool:
        """Whether a part of the schema refuses a value, or one keyword of that part alone."""
        known = (id(part), keyword)
        if known not in self._accepts:
            asked = {keyword: part[keyword]} if keyword else part
            own = {**asked, "$defs": self._defs} if isinstance(asked, dict) else asked
            self._accepts[known] = part, jsonschema_rs.Draft202012Validator(own).is_valid
        return not self._accepts[known][1](value)

    def _plain(self, keyword: str) -> Keyword:
        def check(_validator: Any, _wanted: Any, value: Any, owner: dict[str, Any]) -> Faults:
            if self._refuses(owner, value, keyword):
                yield jsonschema.ValidationError("")

        return check

    def _items(self, validator: Any, wanted: Any, value: Any, _owner: dict[str, Any]) -> Faults:
        for number, item in enumerate(value if isinstance(value, list) else ()):
            if self._refuses(wanted, item):
                yield from validator.descend(item, wanted, path=number)

    def _others(self, validator: Any, wanted: Any, value: Any, owner: dict[str, Any]) -> Faults:
        known = owner.get("properties", {})
        others = [name for name in value if name not in known] if isinstance(value, dict) else []
        if wanted is False and others:
            yield jsonschema.ValidationError("")
            return
        for name in others:
            if self._refuses(wanted, value[name]):
                yield from validator.descend(value[name], wanted, path=name)


@cache
def _validator(name: str) -> Any:
    whole = structure(name)
    extend: Any = jsonschema.validators.extend  # it has no types
    return extend(_DRAFT, _Keywords(whole).table())(whole)


def faults(name: str, value: Any) -> Faults:
    """Each fault under the schema of that name, with place, keyword and part of the schema; found
    only when it is asked for.
    """
    found: Faults = _validator(name).iter_errors(value)
    return found
