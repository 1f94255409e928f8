"""Parser events -> dicts, lists, scalars and their positions. The strict rules on keys, tags,
aliases and sizes are here.

Text decoding and the parser's own errors are not here. Written for speed: the loop
over a mapping handles scalars itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.core.model.problem import Problem
from reconciler.manifests.schema_texts import all_field_names
from reconciler.manifests.yaml.document import Document, File, find_key_offset
from reconciler.manifests.yaml.scalars import NUMBER_LENGTH, TooLong, resolve_scalar

NODES: Final = 100_000
DEPTH: Final = 64
PROBLEMS: Final = 1_000  # per file; more do not help a reader

_MISSING: Final = object()
_MERGE: Final = object()
_REFUSED: Final = object()


class Stop(Exception):
    """The reader stops in this file; the reason is among the problems."""


class Builder:
    """Builds the documents of one file; `documents` and `problems` are valid after a Stop too."""

    __slots__ = (
        "anchors",
        "depth",
        "documents",
        "file",
        "get",
        "is_simple",
        "keys",
        "nodes",
        "open_anchors",
        "problems",
        "read_scalar",
    )

    def __init__(self, file: File) -> None:
        self.file = file
        self.get: Callable[[], Any]  # the parser's next event
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self.nodes = self.depth = 0
        # value, offset, nodes, height; None while it is open
        self.anchors: dict[str, tuple[Any, int, int, int] | None] = {}
        self.open_anchors: list[list[int]] = []  # depth at the start, greatest depth since
        # without a tag or an anchor, a key that was read once needs no second look; all documents
        # share one text
        self.is_simple = "!" not in file.text and "&" not in file.text
        self.keys: dict[str, str] = {}
        self.read_scalar = self._read_scalar if "!" not in file.text else self._read_maybe_tagged

    def run(self, get: Callable[[], Any]) -> None:
        """Reads events until the stream ends; raises Stop, and all errors of the parser."""
        self.get = get
        try:
            while (event := get()).__class__ is not StreamEndEvent:
                if event.__class__ is DocumentStartEvent:
                    self._read_document(event)
        finally:  # they hold the parser and this builder, and no collector runs during a load
            del self.get, self.read_scalar

    def _read_document(self, start: Any) -> None:
        self.anchors, self.open_anchors, self.depth = {}, [], 0
        self._count_nodes(1, start.start_mark.index)
        value, index = self._read_node(self.get())
        self.get()  # the document's end
        if value is not None:  # an empty part between two markers is no document
            self.documents.append(Document(value, self.file, index))

    def _read_node(self, event: Any) -> tuple[Any, int]:
        """The value that begins with an event, and its offset."""
        kind = event.__class__
        if kind is MappingStartEvent:
            return self._read_mapping(event)
        if kind is SequenceStartEvent:
            return self._read_list(event)
        if kind is AliasEvent:
            return self._read_alias(event)
        return self.read_scalar(event), event.start_mark.index

    def _read_mapping(self, start: Any) -> tuple[dict[str, Any], int]:
        container: dict[str, Any] = {}
        nodes, get, read_scalar, keys = self.nodes, self.get, self.read_scalar, self.keys
        marks = self._open(start, container)
        merge: tuple[Any, int] | None = None
        while (event := get()).__class__ is not MappingEndEvent:
            kind, place = event.__class__, event.start_mark.index
            key: Any = keys.get(event.value) if kind is ScalarEvent else None
            if key is not None and key not in container:
                self.nodes += 1
            else:
                key = self._read_key(event, container, marks)
            event = get()
            kind = event.__class__
            if kind is ScalarEvent:
                value, index = read_scalar(event), event.start_mark.index
            else:
                value, index = self._read_node(event)
            if key.__class__ is str:
                container[key] = value
                marks += (place, index)
            elif key is _MERGE:
                merge = self._check_merge(merge, place) or (value, index)
        if merge is not None:
            self._merge_mapping(container, marks, *merge)
        self._close(start, container, marks[0], nodes)
        return container, marks[0]

    def _read_key(self, event: Any, container: dict[str, Any], marks: list[int]) -> Any:
        """The key that begins with an event; _MERGE for a merge key, _REFUSED with a problem."""
        if event.__class__ is ScalarEvent and event.value == "<<" and event.implicit[0]:
            self.read_scalar(event)
            return _MERGE
        key, index = self._read_node(event)
        if key.__class__ is not str or key in container:
            self._refuse_key(container, marks, key, index)
            return _REFUSED
        if self.is_simple and key != "<<":
            self.keys[key] = key
        return key

    def _read_list(self, start: Any) -> tuple[list[Any], int]:
        container: list[Any] = []
        nodes, get = self.nodes, self.get
        marks = self._open(start, container)
        while (event := get()).__class__ is not SequenceEndEvent:
            value, index = self._read_node(event)
            container.append(value)
            marks.append(index)
        self._close(start, container, marks[0], nodes)
        return container, marks[0]

    def _open(self, event: Any, container: Any) -> list[int]:
        """The marks of a mapping or list that begins."""
        index = event.start_mark.index
        if event.tag is not None or not event.implicit:
            self._report_tag(index)
        self._count_nodes(1, index)
        self.depth = depth = self.depth + 1
        if depth > DEPTH:
            self._stop(index, f"nested deeper than {DEPTH} levels")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
            self.open_anchors.append([depth, depth])
        if self.open_anchors:
            self._deepen(depth)
        marks = self.file.marks[id(container)] = [index]
        return marks

    def _close(self, start: Any, value: Any, index: int, nodes: int) -> None:
        """Ends a mapping or list. `nodes` is the file's count before it."""
        self.depth -= 1
        if start.anchor is not None:
            depth, deepest = self.open_anchors.pop()
            self.anchors[start.anchor] = (value, index, self.nodes - nodes, deepest - depth + 1)

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

    def _read_maybe_tagged(self, event: Any) -> Any:
        """A scalar that may have the tag `!`: the parser then calls it plain, even if it is
        quoted.
        """
        if event.tag is not None and event.implicit[0]:
            self._report_tag(event.start_mark.index)
        return self._read_scalar(event)

    def _read_scalar(self, event: Any) -> Any:
        is_plain, quoted_is_text = event.implicit
        if is_plain:
            value = resolve_scalar(event.value)
            if value is TooLong:
                value = self._refuse_scalar(event)
        else:
            value = event.value if quoted_is_text and event.style else self._refuse_scalar(event)
        self.nodes = nodes = self.nodes + 1
        if nodes > NODES:
            self._count_nodes(0, event.start_mark.index)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, event.start_mark.index, 1, 0)
        return value

    def _refuse_scalar(self, event: Any) -> str:
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
        text: str = event.value
        return text

    def _report_tag(self, index: int) -> None:
        self.add_problem(
            index,
            "yaml/tag",
            "tags are not allowed",
            "remove the tag; quote the value if it is text",
        )

    def _refuse_key(
        self, container: dict[str, Any], marks: list[int], key: Any, index: int
    ) -> None:
        if key.__class__ is not str:
            self.add_problem(index, "yaml/key", "a key must be text", "quote it")
            return
        first = self.file.locate(find_key_offset(marks, container, key)).line
        # {s3cret, s3cret} is a mapping too
        name = f" {key!r}" if key in all_field_names() else ""
        self.add_problem(
            index, "yaml/duplicate-key", f"duplicate key{name}; the first stands in line {first}"
        )

    def _check_merge(self, merge: tuple[Any, int] | None, index: int) -> tuple[Any, int] | None:
        """The mapping's merge so far; a second one is a problem."""
        if merge is not None:
            self.add_problem(
                index,
                "yaml/duplicate-key",
                "duplicate merge key <<",
                "give it a list: <<: [*a, *b]",
            )
        return merge

    def _deepen(self, depth: int) -> None:
        for span in self.open_anchors:
            span[1] = max(span[1], depth)

    def _merge_mapping(
        self, container: dict[str, Any], marks: list[int], value: Any, index: int
    ) -> None:
        """Adds the entries of the mapping, or list of mappings, behind a merge key."""
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

    def _read_alias(self, event: Any) -> tuple[Any, int]:
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
        if self.depth + height > DEPTH:
            self._stop(index, f"nested deeper than {DEPTH} levels, aliases expanded")
        if self.open_anchors:
            self._deepen(self.depth + height)
        return value, value_index if isinstance(value, dict | list) else index
