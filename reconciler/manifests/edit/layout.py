"""Values as YAML text in the manner of what stands there already: its quotes, its blocks, its
flow.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from reconciler.core.export.manifest import quoted, scalar
from reconciler.manifests.yaml.nodes import Node

_HEADER: Final = re.compile(r"(?P<style>[|>])[-+]?(?P<digits>[1-9]?)[-+]?(?P<rest>[^\r\n]*)")


def inline(value: Any, *, strict: bool = False) -> str:
    """A value within one line; `strict` is JSON, every text in quotes."""
    if isinstance(value, dict):
        pairs = (
            (inline(key, strict=strict), inline(item, strict=strict)) for key, item in value.items()
        )
        return f"{{{', '.join(f'{key}: {item}' for key, item in pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(inline(item, strict=strict) for item in value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    return (
        quoted(value) if strict or ":" in value else scalar(value)
    )  # old readers stumble over a colon between braces


def block(value: Any) -> list[str]:
    """The lines of a mapping or list in block style; what lies deeper stands within them."""
    if isinstance(value, list):
        return [line for item in value for line in entry(item)]
    return [f"{scalar(key)}: {_held(held)}" for key, held in value.items()]


def pair(key: str, value: Any, unit: str) -> list[str]:
    """The lines of a key with a mapping or list under it, or beside it where a line says it all."""
    if isinstance(value, list) or (isinstance(value, dict) and len(value) > 1):
        return [f"{key}:", *(unit + line for line in block(value))]
    return [f"{key}: {_held(value)}"]


def entry(item: Any, gap: str = " ") -> list[str]:
    """The lines of a list's item; `gap` stands between its dash and its text."""
    if not isinstance(item, dict):
        return [f"-{gap}{_held(item)}"]
    first, *rest = [f"{scalar(key)}: {_held(held)}" for key, held in item.items()]
    return [f"-{gap}{first}", *(f" {' ' * len(gap)}{line}" for line in rest)]


def _held(value: Any) -> str:
    return scalar(value) if isinstance(value, str) else inline(value)


def restyled(value: str, node: Node, text: str, line_end: str) -> list[str]:
    """A text in the style of the scalar that it stands in place of, the likeliest form first; the
    last one always holds it.
    """
    held = text[node.inner : node.end]
    found = []
    if node.style == "'" and value.isprintable():
        found.append("'" + value.replace("'", "''") + "'")
    elif node.style == '"':
        found.append(quoted(value))
    elif (header := _HEADER.match(held)) and value.strip():
        body = held[header.end() :].lstrip("\r\n")
        indent = " " * (len(body) - len(body.lstrip(" ")))
        breaks = "\n\n" if header["style"] == ">" else "\n"
        lines = [
            indent + line if line else ""
            for line in value.removesuffix("\n").replace("\n", breaks).split("\n")
        ]
        chomp = "" if value.endswith("\n") else "-"
        found.append(
            line_end.join([f"{header['style']}{header['digits']}{chomp}{header['rest']}", *lines])
        )
    return [*found, scalar(value)]
