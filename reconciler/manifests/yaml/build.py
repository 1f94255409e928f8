"""Parser events -> dicts, lists, scalars and their positions. The strict rules on keys, tags,
aliases and sizes are here.

Text decoding and the parser's own errors are not here. Written for speed: state lives in slots, the
most frequent event comes first.
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
from reconciler.manifests.schema_texts import all_field_names
from reconciler.manifests.yaml.document import Document, File, find_key_offset
from reconciler.manifests.yaml.scalars import NUMBER_LENGTH, TooLong, resolve_scalar

NODES: Final = 100_000
DEPTH: Final = 64
PROBLEMS: Final = 1_000  # per file; more do not help a reader

_MISSING: Final = object()
_LIST: Final = object()
_NO_KEY: Final = object()
_DROP: Final = object()  # the value of a refused key
_MERGE: Final = object()


class Stop(Exception):
    """The reader stops in this file; the reason is among the problems."""


class Builder:
    """Builds the documents of one file; `documents` and `problems` are valid after a Stop too."""

    __slots__ = (
        "anchors",
        "container",
        "documents",
        "file",
        "key",
        "marks",
        "merge",
        "merge_offset",
        "nodes",
        "open_anchors",
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
        self.merge_offset = 0  # offset of a merge key
        self.merge: list[tuple[Any, int]] | None = None
        self.anchors: dict[
            str, tuple[Any, int, int, int] | None
        ] = {}  # value, offset, nodes, height; None while it is open
        self.open_anchors: list[list[int]] = []  # depth at the start, greatest depth since

    def run(self, get: Callable[[], Any]) -> None:
        """Reads events until the stream ends; raises Stop, and all errors of the parser."""
        handlers: dict[type, Callable[[Builder, Any], None]] = _HANDLERS
        scalar = self._add_scalar if "!" not in self.file.text else self._add_maybe_tagged
        while True:
            event = get()
            kind = event.__class__
            if kind is ScalarEvent:
                scalar(event)
            elif kind is StreamEndEvent:
                return
            else:
                handlers[kind](self, event)

    def add_problem(self, index: int, rule: str, message: str, hint: str | None = None) -> None:
        """Adds a problem; raises Stop at the limit."""
        self.problems.append(self.file.make_problem(index, rule, message, hint))
        if len(self.problems) >= PROBLEMS:
            self._stop(index, f"over {PROBLEMS:,} problems; no more are read")

    def _stop(self, index: int, message: str) -> None:
        self.problems.append(self.file.make_problem(index, "yaml/limit", message))
        raise Stop

    def _count_nodes(self, size: int, index: int) -> None:
        self.nodes += size
        if self.nodes > NODES:
            self._stop(index, f"the file has over {NODES:,} nodes, aliases expanded")

    def _add_maybe_tagged(self, event: Any) -> None:
        """A scalar that may have the tag `!`: the parser then calls it plain, even if it is
        quoted.
        """
        if event.tag is not None and event.implicit[0]:
            self._report_tag(event.start_mark.index)
        self._add_scalar(event)

    def _add_scalar(self, event: Any) -> None:
        text = event.value
        index = event.start_mark.index
        is_plain, quoted_is_text = event.implicit
        if is_plain:
            value = resolve_scalar(text)
            if value is TooLong:
                value = self._refuse_scalar(event, text)
        else:
            value = text if quoted_is_text and event.style else self._refuse_scalar(event, text)
        self.nodes = nodes = self.nodes + 1
        if nodes > NODES:
            self._count_nodes(0, index)
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
                self._add_special_key(value, index, merge=is_plain and text == "<<")
        else:
            self._add_special_value(value, index)

    def _refuse_scalar(self, event: Any, text: str) -> str:
        index = event.start_mark.index
        if event.implicit[0]:
            self.add_problem(
                index,
                "yaml/limit",
                f"a number has over {NUMBER_LENGTH} characters",
                "quote it if it is text",
            )
        else:
            self._report_tag(index)
        return text

    def _report_tag(self, index: int) -> None:
        self.add_problem(
            index,
            "yaml/tag",
            "tags are not allowed",
            "remove the tag; quote the value if it is text",
        )

    def _add_special_key(self, key: Any, index: int, *, merge: bool = False) -> None:
        """A key that is no new text: refused with its value, or a merge key."""
        self.key = _DROP
        if merge:
            self.key, self.merge_offset = _MERGE, index
        elif key.__class__ is not str:
            self.add_problem(index, "yaml/key", "a key must be text", "quote it")
        elif key in self.container:
            first = self.file.locate(find_key_offset(self.marks, self.container, key)).line
            name = (
                f" {key!r}" if key in all_field_names() else ""
            )  # {s3cret, s3cret} is a mapping too
            self.add_problem(
                index,
                "yaml/duplicate-key",
                f"duplicate key{name}; the first stands in line {first}",
            )
        else:  # a quoted "<<", or an alias of text
            self.key = key
            self.marks.append(index)

    def _add_special_value(self, value: Any, index: int) -> None:
        """The value of a merge key or of a refused key."""
        if self.key is _MERGE and self.merge is not None:
            self.add_problem(
                self.merge_offset,
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
            self._add_special_key(value, index)
        else:
            self._add_special_value(value, index)

    def _open_collection(self, event: Any) -> None:
        index = event.start_mark.index
        if event.tag is not None or not event.implicit:
            self._report_tag(index)
        stack = self.stack
        anchor = event.anchor
        stack.append(
            (
                self.container,
                self.marks,
                self.key,
                self.merge_offset,
                self.merge,
                anchor,
                self.nodes,
            )
        )
        self.nodes += 1
        if self.nodes > NODES:
            self._count_nodes(0, index)
        if len(stack) > DEPTH:
            self._stop(index, f"nested deeper than {DEPTH} levels")
        if anchor is not None:
            self.anchors[anchor] = None
            self.open_anchors.append([len(stack), len(stack)])
        if self.open_anchors:
            self._deepen(len(stack))
        if event.__class__ is MappingStartEvent:
            container: Any = {}
            self.key = _NO_KEY
        else:
            container = []
            self.key = _LIST
        self.container, self.merge = container, None
        self.marks = self.file.marks[id(container)] = [index]

    def _close_collection(self, _event: Any) -> None:
        if self.merge is not None:
            self._merge_mapping()
        value, index = self.container, self.marks[0]
        self.container, self.marks, self.key, self.merge_offset, self.merge, anchor, nodes = (
            self.stack.pop()
        )
        if anchor is not None:
            depth, deepest = self.open_anchors.pop()
            self.anchors[anchor] = (value, index, self.nodes - nodes, deepest - depth + 1)
        self._attach(value, index)

    def _deepen(self, depth: int) -> None:
        for span in self.open_anchors:
            span[1] = max(span[1], depth)

    def _merge_mapping(self) -> None:
        value, index = (self.merge or [])[0]
        container, marks = self.container, self.marks
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                self.add_problem(
                    index, "yaml/alias", "a merge key << takes a mapping, or a list of mappings"
                )
                continue
            source_marks = self.file.marks[id(source)]
            for number, (key, item) in enumerate(source.items()):
                if key not in container:
                    container[key] = item
                    marks += source_marks[1 + 2 * number : 3 + 2 * number]

    def _add_alias(self, event: Any) -> None:
        index = event.start_mark.index
        anchor = self.anchors.get(event.anchor, _MISSING)
        if not isinstance(anchor, tuple):
            message = (
                "an alias that is not defined before it"
                if anchor is _MISSING
                else "an alias that would contain itself"
            )
            self.add_problem(
                index, "yaml/alias", message, "quote it if it is text"
            )  # its name may be a credential: *s3cret
            anchor = (None, index, 1, 0)
        value, value_index, size, height = anchor
        self._count_nodes(size, index)
        if len(self.stack) + height > DEPTH:
            self._stop(index, f"nested deeper than {DEPTH} levels, aliases expanded")
        if self.open_anchors:
            self._deepen(len(self.stack) + height)
        self._attach(value, value_index if isinstance(value, dict | list) else index)

    def _open_document(self, event: Any) -> None:
        self._reset()
        self._count_nodes(1, event.start_mark.index)

    def _close_document(self, _event: Any) -> None:
        if self.container[0] is not None:  # an empty part between two markers is no document
            self.documents.append(Document(self.container[0], self.file, self.marks[1]))

    def _ignore(self, _event: Any) -> None:
        """Ignores the start of the stream."""


_HANDLERS: Final[dict[type, Callable[[Builder, Any], None]]] = {
    MappingStartEvent: Builder._open_collection,  # noqa: SLF001  the class's own table
    MappingEndEvent: Builder._close_collection,  # noqa: SLF001  the class's own table
    SequenceStartEvent: Builder._open_collection,  # noqa: SLF001  the class's own table
    SequenceEndEvent: Builder._close_collection,  # noqa: SLF001  the class's own table
    AliasEvent: Builder._add_alias,  # noqa: SLF001  the class's own table
    DocumentStartEvent: Builder._open_document,  # noqa: SLF001  the class's own table
    DocumentEndEvent: Builder._close_document,  # noqa: SLF001  the class's own table
    StreamStartEvent: Builder._ignore,  # noqa: SLF001  the class's own table
}
