"""One document as a tree of nodes that know where they stand in the text; aliases stay aliases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    StreamEndEvent,
)

from reconciler.manifests.yaml.read import parser
from reconciler.manifests.yaml.scalars import resolve

_PROPERTY: Final = re.compile(r"&\S+\s+")
_BLOCK: Final = frozenset({"|", ">"})
Step = str | int


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A scalar, mapping, list or alias between two offsets; `inner` is where it begins without its
    anchor.

    `name` is its anchor, or what an alias refers to; `parts` are keys and values in turn, or items.
    """

    kind: Literal["scalar", "mapping", "list", "alias"]
    start: int
    inner: int
    end: int
    name: str | None = None
    text: str = ""
    style: str = ""
    flow: bool = False
    parts: tuple[Node, ...] = ()

    def child(self, step: Step) -> Node | None:
        """What stands under a key, or at a place of a list, here and not by way of a merge."""
        if self.kind == "list":
            return self.parts[step] if isinstance(step, int) and step < len(self.parts) else None
        pairs = (
            zip(self.parts[::2], self.parts[1::2], strict=True) if self.kind == "mapping" else ()
        )
        return next(
            (value for key, value in pairs if key.kind == "scalar" and key.text == step), None
        )

    def walk(self) -> Iterator[Node]:
        """The node itself and all below it, in the order of the text."""
        yield self
        for part in self.parts:
            yield from part.walk()


def starts(text: str) -> list[int]:
    """Where each document of a text begins; the first takes what stands before it."""
    found = [
        _index(event.start_mark) for event in _events(text) if isinstance(event, DocumentStartEvent)
    ]
    return [0, *found[1:]]


def tree(text: str) -> Node | None:
    """The text's one document; the strict reader has taken it before."""
    events = _events(text)
    first = next((event for event in events if isinstance(event, NodeEvent)), None)
    return None if first is None else _node(first, events, text)


def _events(text: str) -> Iterator[Any]:
    get = parser(text).get_event
    while not isinstance(event := get(), StreamEndEvent):
        yield event


def _index(mark: Any) -> int:
    """Every event of a parser has marks, although their type says that it may have none."""
    return int(mark.index)


def _node(event: Any, events: Iterator[Any], text: str) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    found = _PROPERTY.match(text, start, max(start, end)) if event.anchor else None
    inner = found.end() if found and not isinstance(event, AliasEvent) else start
    if isinstance(event, AliasEvent):
        return Node("alias", start, start, end, event.anchor)
    if isinstance(event, ScalarEvent):
        style = event.style or ""
        end = start + len(text[start:end].rstrip()) if style in _BLOCK else end
        return Node("scalar", start, inner, end, event.anchor, event.value, style)
    parts = []
    while not isinstance(part := next(events), CollectionEndEvent):
        parts.append(_node(part, events, text))
    return _collection(event, tuple(parts), _index(part.end_mark), inner, text)


def _collection(event: Any, parts: tuple[Node, ...], end: int, inner: int, text: str) -> Node:
    """Its end in block style is that of its last part: the parser's own lies behind the comments
    that follow.
    """
    flow = bool(event.flow_style)
    kind: Literal["mapping", "list"] = "mapping" if isinstance(event, MappingStartEvent) else "list"
    start = event.start_mark.index
    if not flow and event.anchor:
        inner = event.end_mark.index - (text[event.end_mark.index - 1] == "-")
    return Node(
        kind,
        start,
        inner,
        end if flow or not parts else parts[-1].end,
        event.anchor,
        flow=flow,
        parts=parts,
    )


def value(node: Node, root: Node) -> Any:
    """What a node stands for, with its aliases and merges, in values of its own."""
    if node.kind == "alias":
        return value(definition(node, root), root)
    if node.kind == "scalar":
        return node.text if node.style else resolve(node.text)
    if node.kind == "list":
        return [value(part, root) for part in node.parts]
    found: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key, part in zip(node.parts[::2], node.parts[1::2], strict=True):
        held = value(part, root)
        if key.text == "<<" and not key.style:
            for source in reversed(held) if isinstance(held, list) else [held]:
                merged |= source
        else:
            found[str(value(key, root))] = held
    return {**found, **{key: held for key, held in merged.items() if key not in found}}


def definition(alias: Node, root: Node) -> Node:
    """The node that an alias stands for: the last one of that anchor before it."""
    return [
        node
        for node in root.walk()
        if node.kind != "alias" and node.name == alias.name and node.start < alias.start
    ][-1]
