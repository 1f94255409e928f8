"""Parser events -> dicts, lists, scalars and marks; where the strict rules on keys, tags, aliases and sizes are held.

Called by `read.py` with one parser a file. No text decoding and no error of the parser itself here. Written for speed: state
lives in slots, the frequent event is looked at first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from reconciler.core.problem import Problem
from reconciler.manifests.places import Document, File, key_index
from reconciler.manifests.scalars import NUMBER_LENGTH, TooLong, resolve

NODES: Final = 100_000
DEPTH: Final = 64
PROBLEMS: Final = 100  # a file; more help nobody

_MISSING: Final = object()
_NO_KEY: Final = object()
_DROP: Final = object()  # the value of a refused key
_MERGE: Final = object()


class Stop(Exception):
    """Nothing more of this file can be read; the reason stands among the problems."""


class Builder:
    """Builds the documents of one file; `documents` and `problems` are what came out, also after a Stop."""

    __slots__ = (
        "anchors", "container", "documents", "file", "is_map", "key", "key_at", "known",
        "marks", "merge", "nodes", "open", "problems", "stack", "start",
    )  # fmt: skip

    def __init__(self, file: File) -> None:
        self.file = file
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self.known: dict[str, Any] = {}
        self.nodes = 0
        self.stack: list[tuple[Any, ...]] = []
        self._reset()

    def _reset(self) -> None:
        self.container: Any = []
        self.marks: list[int] = [0]
        self.is_map = False
        self.key: Any = _NO_KEY
        self.key_at = 0
        self.merge: list[tuple[Any, int]] | None = None
        self.start = 0
        self.anchors: dict[str, tuple[Any, int, int, int] | None] = {}  # value, offset, nodes, height; None while open
        self.open: list[list[int]] = []  # depth at the start, greatest depth since

    def run(self, get: Callable[[], Any]) -> None:
        """Reads events until the stream ends; raises Stop, and whatever the parser raises."""
        handlers: dict[type, Callable[[Any], None]] = {
            MappingStartEvent: self._mapping_start,
            MappingEndEvent: self._mapping_end,
            SequenceStartEvent: self._sequence_start,
            SequenceEndEvent: self._sequence_end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._document_start,
            DocumentEndEvent: self._document_end,
            StreamStartEvent: lambda _event: None,
        }
        scalar = self._scalar
        while True:
            event = get()
            kind = event.__class__
            if kind is ScalarEvent:
                scalar(event)
            elif kind is StreamEndEvent:
                return
            else:
                handlers[kind](event)

    def _problem(self, index: int, rule: str, message: str, hint: str | None = None) -> None:
        self.problems.append(self.file.problem(index, rule, message, hint))
        if len(self.problems) >= PROBLEMS:
            raise Stop

    def _stop(self, index: int, message: str) -> None:
        self.problems.append(self.file.problem(index, "yaml/limit", message))
        raise Stop

    def _scalar(self, event: Any) -> None:
        self.nodes += 1
        text = event.value
        plain, quoted = event.implicit
        index = event.start_mark.index
        if plain:
            value = self.known.get(text, _MISSING)
            if value is _MISSING:
                value = self.known[text] = resolve(text)
            if value is TooLong:
                self._problem(index, "yaml/limit", f"a number has over {NUMBER_LENGTH} characters", "quote it if it is text")
                value = text
        else:
            value = text
            if not quoted or not event.style:
                self._tag(index)
        if self.nodes > NODES:
            self._stop(index, f"the file has over {NODES:,} nodes")
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, index, 1, 0)
        if not self.is_map:
            self.container.append(value)
            self.marks.append(index)
        elif self.key is _NO_KEY:
            self._take_key(value, index, merge=plain and text == "<<")
        else:
            self._put(value, index)

    def _tag(self, index: int) -> None:
        self._problem(index, "yaml/tag", "tags are not allowed", "remove the tag; quote the value if it is text")

    def _take_key(self, key: Any, index: int, *, merge: bool = False) -> None:
        self.key_at = index
        if merge:
            self.key = _MERGE
        elif key.__class__ is not str:
            self.key = _DROP
            self._problem(index, "yaml/key", "a key must be text", "quote it")
        elif key in self.container:
            self.key = _DROP
            first = self.file.origin(key_index(self.marks, self.container, key)).line
            self._problem(index, "yaml/duplicate-key", f"duplicate key {key[:60]!r}; the first stands in line {first}")
        else:
            self.key = key

    def _put(self, value: Any, index: int) -> None:
        key = self.key
        self.key = _NO_KEY
        if key.__class__ is str:
            self.container[key] = value
            self.marks += (self.key_at, index)
        elif key is _MERGE:
            if self.merge is not None:
                self._problem(self.key_at, "yaml/duplicate-key", "duplicate merge key <<", "give it a list: <<: [*a, *b]")
            else:
                self.merge = [(value, index)]

    def _attach(self, value: Any, index: int) -> None:
        if not self.is_map:
            self.container.append(value)
            self.marks.append(index)
        elif self.key is _NO_KEY:
            self._take_key(value, index)
        else:
            self._put(value, index)

    def _open(self, event: Any, container: Any, *, is_map: bool) -> None:
        self.nodes += 1
        index = event.start_mark.index
        if event.tag is not None or not event.implicit:
            self._tag(index)
        self.stack.append(
            (self.container, self.marks, self.is_map, self.key, self.key_at, self.merge, event.anchor, self.nodes, self.start)
        )
        depth = len(self.stack)
        if depth > DEPTH:
            self._stop(index, f"nested deeper than {DEPTH} levels")
        if self.nodes > NODES:
            self._stop(index, f"the file has over {NODES:,} nodes")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
            self.open.append([depth, depth])
        if self.open:
            self._deepen(depth)
        self.container, self.is_map, self.key, self.merge, self.start = container, is_map, _NO_KEY, None, index
        self.marks = self.file.marks[id(container)] = [index]

    def _deepen(self, depth: int) -> None:
        for span in self.open:
            span[1] = max(span[1], depth)

    def _mapping_start(self, event: Any) -> None:
        self._open(event, {}, is_map=True)

    def _sequence_start(self, event: Any) -> None:
        self._open(event, [], is_map=False)

    def _mapping_end(self, event: Any) -> None:
        if self.merge is not None:
            self._merge_in()
        self._sequence_end(event)

    def _sequence_end(self, _event: Any) -> None:
        value, index = self.container, self.start
        (self.container, self.marks, self.is_map, self.key, self.key_at, self.merge, anchor, nodes, self.start) = self.stack.pop()
        if anchor is not None:
            depth, deepest = self.open.pop()
            self.anchors[anchor] = (value, index, self.nodes - nodes + 1, deepest - depth + 1)
        self._attach(value, index)

    def _merge_in(self) -> None:
        value, index = (self.merge or [])[0]
        container, marks = self.container, self.marks
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                self._problem(index, "yaml/alias", "a merge key << takes a mapping, or a list of mappings")
                continue
            spots = self.file.marks[id(source)]
            for number, (key, item) in enumerate(source.items()):
                if key not in container:
                    container[key] = item
                    marks += spots[1 + 2 * number : 3 + 2 * number]

    def _alias(self, event: Any) -> None:
        index = event.start_mark.index
        found = self.anchors.get(event.anchor, _MISSING)
        if not isinstance(found, tuple):
            what = "is not defined before it" if found is _MISSING else "would contain itself"
            self._problem(index, "yaml/alias", f"alias *{event.anchor[:60]} {what}")
            found = (None, index, 1, 0)
        value, at, size, height = found
        self.nodes += size
        if self.nodes > NODES:
            self._stop(index, f"the file has over {NODES:,} nodes once its aliases are expanded")
        if len(self.stack) + height > DEPTH:
            self._stop(index, f"nested deeper than {DEPTH} levels once its aliases are expanded")
        if self.open:
            self._deepen(len(self.stack) + height)
        self._attach(value, at if isinstance(value, dict | list) else index)

    def _document_start(self, event: Any) -> None:
        self._reset()
        self.nodes += 1
        if self.nodes > NODES:
            self._stop(event.start_mark.index, f"the file has over {NODES:,} nodes")

    def _document_end(self, _event: Any) -> None:
        self.documents.append(Document(self.container[0], self.file, self.marks[1]))
