"""Parser events -> dicts, lists, scalars and marks; where the strict rules on keys, tags, aliases
and sizes are held.

No text decoding and no error of the parser itself here. Written for speed: state lives in slots,
the frequent event is looked at first.
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

from reconciler.core.model.problem import Problem
from reconciler.manifests.schema_texts import field_names
from reconciler.manifests.yaml.places import Document, File, key_index
from reconciler.manifests.yaml.scalars import NUMBER_LENGTH, TooLong, resolve

NODES: Final = 100_000
DEPTH: Final = 64
PROBLEMS: Final = 1_000  # a file; more help nobody

_MISSING: Final = object()
_LIST: Final = object()
_NO_KEY: Final = object()
_DROP: Final = object()  # the value of a refused key
_MERGE: Final = object()


class Stop(Exception):
    """Nothing more of this file can be read; the reason stands among the problems."""


class Builder:
    """Builds the documents of one file; `documents` and `problems` are what came out, also after a
    Stop.
    """

    __slots__ = (
        "anchors",
        "container",
        "documents",
        "file",
        "key",
        "key_at",
        "marks",
        "merge",
        "nodes",
        "open",
        "problems",
        "stack",
    )

    def __init__(self, file: File) -> None:
        self.file = file
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self.nodes = 0
        self.stack: list[tuple[Any, ...]] = []
        self._reset()

    def _reset(self) -> None:
        self.container: Any = []
        self.marks: list[int] = [0]
        # _LIST within a list; in a mapping the key whose value comes next, or _NO_KEY
        self.key: Any = _LIST
        self.key_at = 0  # offset of a merge key
        self.merge: list[tuple[Any, int]] | None = None
        self.anchors: dict[
            str, tuple[Any, int, int, int] | None
        ] = {}  # value, offset, nodes, height; None while open
        self.open: list[list[int]] = []  # depth at the start, greatest depth since

    def run(self, get: Callable[[], Any]) -> None:
        """Reads events until the stream ends; raises Stop, and whatever the parser raises."""
        handlers: dict[type, Callable[[Builder, Any], None]] = _HANDLERS
        scalar = self._scalar if "!" not in self.file.text else self._maybe_tagged
        while True:
            event = get()
            kind = event.__class__
            if kind is ScalarEvent:
                scalar(event)
            elif kind is StreamEndEvent:
                return
            else:
                handlers[kind](self, event)

    def problem(self, index: int, rule: str, message: str, hint: str | None = None) -> None:
        """Notes a problem; raises Stop when there are enough."""
        self.problems.append(self.file.problem(index, rule, message, hint))
        if len(self.problems) >= PROBLEMS:
            self._stop(index, f"over {PROBLEMS:,} problems; no more are read")

    def _stop(self, index: int, message: str) -> None:
        self.problems.append(self.file.problem(index, "yaml/limit", message))
        raise Stop

    def _count(self, size: int, index: int) -> None:
        self.nodes += size
        if self.nodes > NODES:
            self._stop(index, f"the file has over {NODES:,} nodes, aliases expanded")

    def _maybe_tagged(self, event: Any) -> None:
        """A scalar that may have the tag `!`, which the parser calls plain then, however it is
        quoted; others are not.
        """
        if event.tag is not None and event.implicit[0]:
            self._tag(event.start_mark.index)
        self._scalar(event)

    def _scalar(self, event: Any) -> None:
        text = event.value
        index = event.start_mark.index
        plain, quoted = event.implicit
        if plain:
            value = resolve(text)
            if value is TooLong:
                value = self._refused(event, text)
        else:
            value = text if quoted and event.style else self._refused(event, text)
        self.nodes = nodes = self.nodes + 1
        if nodes > NODES:
            self._count(0, index)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, index, 1, 0)
        key = self.key
        if key.__class__ is str:
            self.container[key] = value
            self.marks.append(index)
            self.key = _NO_KEY
        elif key is _LIST:
            self.container.append(value)
            self.marks.append(index)
        elif key is _NO_KEY:
            if value.__class__ is str and value not in self.container and value != "<<":
                self.key = value
                self.marks.append(index)
            else:
                self._odd_key(value, index, merge=plain and text == "<<")
        else:
            self._odd_value(value, index)

    def _refused(self, event: Any, text: str) -> str:
        index = event.start_mark.index
        if event.implicit[0]:
            self.problem(
                index,
                "yaml/limit",
                f"a number has over {NUMBER_LENGTH} characters",
                "quote it if it is text",
            )
        else:
            self._tag(index)
        return text

    def _tag(self, index: int) -> None:
        self.problem(
            index,
            "yaml/tag",
            "tags are not allowed",
            "remove the tag; quote the value if it is text",
        )

    def _odd_key(self, key: Any, index: int, *, merge: bool = False) -> None:
        """A key that is no new text: refused with its value, or a merge key."""
        self.key = _DROP
        if merge:
            self.key, self.key_at = _MERGE, index
        elif key.__class__ is not str:
            self.problem(index, "yaml/key", "a key must be text", "quote it")
        elif key in self.container:
            first = self.file.origin(key_index(self.marks, self.container, key)).line
            name = f" {key!r}" if key in field_names() else ""  # {s3cret, s3cret} is a mapping too
            self.problem(
                index,
                "yaml/duplicate-key",
                f"duplicate key{name}; the first stands in line {first}",
            )
        else:  # a quoted "<<", or an alias of text
            self.key = key
            self.marks.append(index)

    def _odd_value(self, value: Any, index: int) -> None:
        """The value of a merge key or of a refused key."""
        if self.key is _MERGE and self.merge is not None:
            self.problem(
                self.key_at,
                "yaml/duplicate-key",
                "duplicate merge key <<",
                "give it a list: <<: [*a, *b]",
            )
        elif self.key is _MERGE:
            self.merge = [(value, index)]
        self.key = _NO_KEY

    def _attach(self, value: Any, index: int) -> None:
        key = self.key
        if key is _LIST:
            self.container.append(value)
            self.marks.append(index)
        elif key.__class__ is str:
            self.container[key] = value
            self.marks.append(index)
            self.key = _NO_KEY
        elif key is _NO_KEY:
            self._odd_key(value, index)
        else:
            self._odd_value(value, index)

    def _start(self, event: Any) -> None:
        index = event.start_mark.index
        if event.tag is not None or not event.implicit:
            self._tag(index)
        stack = self.stack
        anchor = event.anchor
        stack.append(
            (self.container, self.marks, self.key, self.key_at, self.merge, anchor, self.nodes)
        )
        self.nodes += 1
        if self.nodes > NODES:
            self._count(0, index)
        if len(stack) > DEPTH:
            self._stop(index, f"nested deeper than {DEPTH} levels")
        if anchor is not None:
            self.anchors[anchor] = None
            self.open.append([len(stack), len(stack)])
        if self.open:
            self._deepen(len(stack))
        if event.__class__ is MappingStartEvent:
            container: Any = {}
            self.key = _NO_KEY
        else:
            container = []
            self.key = _LIST
        self.container, self.merge = container, None
        self.marks = self.file.marks[id(container)] = [index]

    def _end(self, _event: Any) -> None:
        if self.merge is not None:
            self._merge_in()
        value, index = self.container, self.marks[0]
        self.container, self.marks, self.key, self.key_at, self.merge, anchor, nodes = (
            self.stack.pop()
        )
        if anchor is not None:
            depth, deepest = self.open.pop()
            self.anchors[anchor] = (value, index, self.nodes - nodes, deepest - depth + 1)
        self._attach(value, index)

    def _deepen(self, depth: int) -> None:
        for span in self.open:
            span[1] = max(span[1], depth)

    def _merge_in(self) -> None:
        value, index = (self.merge or [])[0]
        container, marks = self.container, self.marks
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                self.problem(
                    index, "yaml/alias", "a merge key << takes a mapping, or a list of mappings"
                )
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
            what = (
                "an alias that is not defined before it"
                if found is _MISSING
                else "an alias that would contain itself"
            )
            self.problem(
                index, "yaml/alias", what, "quote it if it is text"
            )  # its name may be a credential: *s3cret
            found = (None, index, 1, 0)
        value, at, size, height = found
        self._count(size, index)
        if len(self.stack) + height > DEPTH:
            self._stop(index, f"nested deeper than {DEPTH} levels, aliases expanded")
        if self.open:
            self._deepen(len(self.stack) + height)
        self._attach(value, at if isinstance(value, dict | list) else index)

    def _document_start(self, event: Any) -> None:
        self._reset()
        self._count(1, event.start_mark.index)

    def _document_end(self, _event: Any) -> None:
        if self.container[0] is not None:  # nothing between two markers is no document
            self.documents.append(Document(self.container[0], self.file, self.marks[1]))

    def _nothing(self, _event: Any) -> None:
        """The start of the stream."""


_HANDLERS: Final[dict[type, Callable[[Builder, Any], None]]] = {
    MappingStartEvent: Builder._start,  # noqa: SLF001  the class's own table
    MappingEndEvent: Builder._end,  # noqa: SLF001  likewise
    SequenceStartEvent: Builder._start,  # noqa: SLF001  likewise
    SequenceEndEvent: Builder._end,  # noqa: SLF001  likewise
    AliasEvent: Builder._alias,  # noqa: SLF001  likewise
    DocumentStartEvent: Builder._document_start,  # noqa: SLF001  likewise
    DocumentEndEvent: Builder._document_end,  # noqa: SLF001  likewise
    StreamStartEvent: Builder._nothing,  # noqa: SLF001  likewise
}
