"""Values as YAML text in the style of the text around them: quotes, blocks, flow."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from reconciler.core.export.manifest import format_scalar, quote
from reconciler.manifests.yaml.nodes import Node

_HEADER: Final = re.compile(r"(?P<style>[|>])[-+]?(?P<digits>[1-9]?)[-+]?(?P<rest>[^\r\n]*)")


def format_inline(value: Any, *, strict: bool = False) -> str:
    """A value on one line. `strict` is JSON: every text in quotes."""
    if isinstance(value, dict):
        pairs = (
            (format_inline(key, strict=strict), format_inline(item, strict=strict))
            for key, item in value.items()
        )
        return f"{{{', '.join(f'{key}: {item}' for key, item in pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(format_inline(item, strict=strict) for item in value)}]"
    if not isinstance(value, str):
        return json.dumps(value)
    return (
        quote(value) if strict or ":" in value else format_scalar(value)
    )  # old readers stumble over a colon between braces


def format_block(value: Any) -> list[str]:
    """The lines of a mapping or list in block style; nested values stand on one line."""
    if isinstance(value, list):
        return [line for item in value for line in format_entry(item)]
    return [
        f"{format_scalar(key)}: {_format_value(field_value)}" for key, field_value in value.items()
    ]


def format_pair(key: str, value: Any, unit: str) -> list[str]:
    """The lines of a key with a mapping or list below it, or beside it if one line is enough."""
    if isinstance(value, list) or (isinstance(value, dict) and len(value) > 1):
        return [f"{key}:", *(unit + line for line in format_block(value))]
    return [f"{key}: {_format_value(value)}"]


def format_entry(item: Any, gap: str = " ") -> list[str]:
    """The lines of a list item; `gap` stands between its dash and its text."""
    if not isinstance(item, dict):
        return [f"-{gap}{_format_value(item)}"]
    first, *rest = [
        f"{format_scalar(key)}: {_format_value(field_value)}" for key, field_value in item.items()
    ]
    return [f"-{gap}{first}", *(f" {' ' * len(gap)}{line}" for line in rest)]


def _format_value(value: Any) -> str:
    return format_scalar(value) if isinstance(value, str) else format_inline(value)


def restyle(value: str, node: Node, text: str, line_end: str) -> list[str]:
    """A text in the style of the scalar that it replaces, the likeliest form first. The last form
    always works.
    """
    source = text[node.inner : node.end]
    forms = []
    if node.style == "'" and value.isprintable():
        forms.append("'" + value.replace("'", "''") + "'")
    elif node.style == '"':
        forms.append(quote(value))
    elif (header := _HEADER.match(source)) and value.strip():
        body = source[header.end() :].lstrip("\r\n")
        indent = " " * (len(body) - len(body.lstrip(" ")))
        breaks = "\n\n" if header["style"] == ">" else "\n"
        lines = [
            indent + line if line else ""
            for line in value.removesuffix("\n").replace("\n", breaks).split("\n")
        ]
        chomp = "" if value.endswith("\n") else "-"
        forms.append(
            line_end.join([f"{header['style']}{header['digits']}{chomp}{header['rest']}", *lines])
        )
    return [*forms, format_scalar(value)]
