"""One document as a tree of nodes with their offsets in the text; aliases are not resolved."""

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

from reconciler.manifests.yaml.reader import open_parser
from reconciler.manifests.yaml.scalars import resolve_scalar

_PROPERTY: Final = re.compile(r"&\S+\s+")
_BLOCK: Final = frozenset({"|", ">"})
Step = str | int


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A scalar, mapping, list or alias between two offsets; `inner` is its start without its
    anchor.

    `name` is its anchor, or the anchor of an alias; `parts` are keys and values in turn, or items.
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

    def find_child(self, step: Step) -> Node | None:
        """The node under a key or list position, in the text itself, without merge keys."""
        if self.kind == "list":
            return self.parts[step] if isinstance(step, int) and step < len(self.parts) else None
        pairs = (
            zip(self.parts[::2], self.parts[1::2], strict=True) if self.kind == "mapping" else ()
        )
        return next(
            (value for key, value in pairs if key.kind == "scalar" and key.text == step), None
        )

    def walk(self) -> Iterator[Node]:
        """The node and all nodes below it, in the order of the text."""
        yield self
        for part in self.parts:
            yield from part.walk()


def find_document_starts(text: str) -> list[int]:
    """The start of each document of a text; the first includes the text before it."""
    offsets = [
        _offset(event.start_mark)
        for event in _read_events(text)
        if isinstance(event, DocumentStartEvent)
    ]
    return [0, *offsets[1:]]


def read_tree(text: str) -> Node | None:
    """The tree of the text's one document; the strict reader accepted it before."""
    events = _read_events(text)
    first = next((event for event in events if isinstance(event, NodeEvent)), None)
    return None if first is None else _read_node(first, events, text)


def _read_events(text: str) -> Iterator[Any]:
    get = open_parser(text).get_event
    while not isinstance(event := get(), StreamEndEvent):
        yield event


def _offset(mark: Any) -> int:
    """The offset of a mark. Every event of a parser has marks, although its type allows None."""
    return int(mark.index)


def _read_node(event: Any, events: Iterator[Any], text: str) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    match = _PROPERTY.match(text, start, max(start, end)) if event.anchor else None
    inner = match.end() if match and not isinstance(event, AliasEvent) else start
    if isinstance(event, AliasEvent):
        return Node("alias", start, start, end, event.anchor)
    if isinstance(event, ScalarEvent):
        style = event.style or ""
        end = start + len(text[start:end].rstrip()) if style in _BLOCK else end
        return Node("scalar", start, inner, end, event.anchor, event.value, style)
    parts = []
    while not isinstance(part := next(events), CollectionEndEvent):
        parts.append(_read_node(part, events, text))
    return _make_collection(event, tuple(parts), _offset(part.end_mark), inner, text)


def _make_collection(event: Any, parts: tuple[Node, ...], end: int, inner: int, text: str) -> Node:
    """A collection. In block style it ends with its last part: the parser's own end includes later
    comments.
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


def resolve_value(node: Node, root: Node) -> Any:
    """The value of a node, with aliases and merges resolved, as new objects."""
    if node.kind == "alias":
        return resolve_value(find_definition(node, root), root)
    if node.kind == "scalar":
        return node.text if node.style else resolve_scalar(node.text)
    if node.kind == "list":
        return [resolve_value(part, root) for part in node.parts]
    fields: dict[str, Any] = {}
    merged_fields: dict[str, Any] = {}
    for key, part in zip(node.parts[::2], node.parts[1::2], strict=True):
        part_value = resolve_value(part, root)
        if key.text == "<<" and not key.style:
            for source in reversed(part_value) if isinstance(part_value, list) else [part_value]:
                merged_fields |= source
        else:
            fields[str(resolve_value(key, root))] = part_value
    return {
        **fields,
        **{key: part_value for key, part_value in merged_fields.items() if key not in fields},
    }


def find_definition(alias: Node, root: Node) -> Node:
    """The node that an alias refers to: the last one with that anchor before it."""
    return [
        node
        for node in root.walk()
        if node.kind != "alias" and node.name == alias.name and node.start < alias.start
    ][-1]
