"""JSON pointers (RFC 6901) into decoded JSON objects: read one, write one. Lists have no steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MISSING: Final = object()
"""What a pointer that leads nowhere reads."""


def split_pointer(pointer: str) -> tuple[str, ...]:
    """The steps of a pointer; none for "", which is the whole value."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def read_pointer(value: object, pointer: str) -> Any:
    """The value that a pointer leads to, else `MISSING`."""
    for step in split_pointer(pointer):
        if not isinstance(value, Mapping) or step not in value:
            return MISSING
        value = value[step]
    return value


def write_pointer(document: dict[str, Any], pointer: str, value: Any) -> None:
    """Sets the value that a pointer leads to; what is in the way becomes an object."""
    *above, last = split_pointer(pointer)
    for step in above:
        inner = document.get(step)
        if not isinstance(inner, dict):
            inner = document[step] = {}
        document = inner
    document[last] = value


def remove_pointer(document: dict[str, Any], pointer: str) -> None:
    """Removes the member that a pointer leads to, if it is there."""
    *above, last = split_pointer(pointer)
    for step in above:
        inner = document.get(step)
        if not isinstance(inner, dict):
            return
        document = inner
    document.pop(last, None)
