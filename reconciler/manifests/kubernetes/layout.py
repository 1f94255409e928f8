"""Documents as YAML text, and the names of their files.

The text is the same for YAML 1.1, which Kubernetes reads, and 1.2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.core.export.manifest import format_scalar

_WIDTH: Final = 100
_NAME_LENGTH: Final = 200  # characters of a file's name, which file systems bound at 255 bytes
POLICIES: Final = "policies"  # the folder in which the command line looks for them


def name_file(kind: str, name: str) -> str:
    """The path of the file with one document."""
    file = f"{kind.lower()}-{name}"[:_NAME_LENGTH] + ".yaml"
    return f"{POLICIES}/{file}" if kind == "Policy" else file


def print_document(value: Mapping[str, Any]) -> str:
    """A document as YAML."""
    return "\n".join(_print_mapping(value, "")) + "\n"


def _print_mapping(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, item in value.items():
        key = f"{indent}{format_scalar(name)}:"
        flow = _print_flow(item)
        if flow is not None and len(key) + len(flow) < _WIDTH:
            yield f"{key} {flow}"
        else:
            yield key
            yield from _print_block(item, f"{indent}  ")


def _print_block(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _print_mapping(value, indent)
        return
    if not isinstance(value, list):
        yield f"{indent}{_print_scalar(value)}"
        return
    for item in value:
        lines = list(_print_block(item, f"{indent}  "))
        yield f"{indent}- {lines[0].lstrip(' ')}"
        yield from lines[1:]


def _print_flow(value: Any) -> str | None:
    """A value for one line: a scalar, an empty value, a list of scalars, or a reference; else
    None.
    """
    if not isinstance(value, Mapping | list):
        return _print_scalar(value)
    if not value:
        return "{}" if isinstance(value, Mapping) else "[]"
    items = [_print_flow(item) for item in (value if isinstance(value, list) else value.values())]
    if isinstance(value, list):
        is_short = not any(isinstance(item, Mapping | list) for item in value)
        return f"[{', '.join(map(str, items))}]" if is_short else None
    if not _is_reference(value):
        return None
    pairs = [f"{format_scalar(name)}: {item}" for name, item in zip(value, items, strict=True)]
    return f"{{{', '.join(pairs)}}}"


def _is_reference(value: Mapping[str, Any]) -> bool:
    return set(value) == {"name", "key"} or any(
        len(value) == 1 and name in value for name in ("fromSecret", "fromEnv")
    )


def _print_scalar(value: Any) -> str:
    if isinstance(value, str):
        return format_scalar(value)
    text = json.dumps(value)
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e")  # YAML 1.1 reads a text otherwise
    return text
