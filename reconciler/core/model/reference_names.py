"""Fields that hold a text or a secret reference. A manifest gives the reference under the field's
name, or under a second name with the suffix `From`, for systems whose fields have one type.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

_SUFFIX: Final = "From"
_FIELDS: Final = frozenset({"url", "username"})
_NAMES: Final = {f"{field}{_SUFFIX}": field for field in _FIELDS}


def find_reference_name(fields: Container[str], field: str) -> str:
    """The name under which a manifest gives a field: `urlFrom` if it has that, else `url`."""
    name = add_reference_suffix(field)
    return name if name in fields else field


def add_reference_suffix(field: str) -> str:
    """`urlFrom` for `url`; other fields have one name."""
    return f"{field}{_SUFFIX}" if field in _FIELDS else field


def strip_reference_suffix(name: str) -> str:
    """`url` for `urlFrom`; other names as they are."""
    return _NAMES.get(name, name)
