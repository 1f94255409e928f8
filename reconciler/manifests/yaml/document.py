"""One manifest file as it was read: its text, and the position of each key and value of its
documents.

A position is kept as one character offset. Line and column are computed on request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.core.model.problem import Problem, Severity
from reconciler.core.model.webhook import Origin, Steps

_BLOCK: Final = 2048  # characters
_KEY: Final = 1024  # characters of a key that a pointer quotes
Path = Steps


class File:
    """A file's display name, its text, and the marks of its mappings and lists, by `id`.

    The marks of a mapping are its own offset, then the offsets of key and value per entry, in
    order; of a list its own offset, then one per item. They are valid as long as the documents
    live. `folder` is the folder that `fromFile` is relative to, `path` the absolute path; for
    standard input both are those of the current folder.
    """

    __slots__ = ("_blocks", "_returns", "folder", "marks", "name", "path", "text")

    def __init__(self, name: str, text: str = "", path: str = "", folder: str = "") -> None:
        self.name = name
        self.text = text
        self.path = path
        self.folder = folder
        self.marks: dict[int, list[int]] = {}
        self._blocks: list[tuple[int, int, int]] | None = None
        self._returns = False  # whether the text has a carriage return; known once the blocks are

    def locate(self, index: int) -> Origin:
        """Line and column, both from 1, of a character offset."""
        if index == 0:
            return Origin(self.name, 1, 1)
        starts = self._block_starts()
        block = min(index // _BLOCK, len(starts) - 1)
        begin, before, last = starts[block]
        if begin > index:
            begin, before, last = starts[block - 1]
        return Origin(
            self.name,
            before + self._count_breaks(begin, index) + 1,
            index - self._find_last_break(begin, index, last),
        )

    def _block_starts(self) -> list[tuple[int, int, int]]:
        """Offset of each block, the number of lines before it, and its last break before: a table
        of all lines would be larger than the text.
        """
        if self._blocks is None:
            self._blocks = [(0, 0, -1)]
            self._returns = "\r" in self.text
            for end in range(_BLOCK, len(self.text), _BLOCK):
                begin, before, last = self._blocks[-1]
                stop = end + (self.text[end - 1 : end + 1] == "\r\n")
                self._blocks.append(
                    (
                        stop,
                        before + self._count_breaks(begin, stop),
                        self._find_last_break(begin, stop, last),
                    )
                )
        return self._blocks

    def _find_last_break(self, begin: int, end: int, before: int) -> int:
        """Offset of the last line break between two offsets, else `before`: a line may be as long
        as the file.
        """
        offset = self.text.rfind("\n", begin, end)
        if self._returns:
            offset = max(offset, self.text.rfind("\r", begin, end))
        return offset if offset >= 0 else before

    def _count_breaks(self, begin: int, end: int) -> int:
        """The number of line breaks as editors count them: CR, LF, or both together."""
        count = self.text.count("\n", begin, end)
        if self._returns:
            count += self.text.count("\r", begin, end) - self.text.count("\r\n", begin, end)
        return count

    def make_problem(self, index: int, rule: str, message: str, hint: str | None = None) -> Problem:
        """An error at a character offset."""
        return Problem(self.locate(index), "", rule, "error", message, hint)

    def make_warning(self, index: int, rule: str, message: str, hint: str | None) -> Problem:
        """A warning at a character offset."""
        return Problem(self.locate(index), "", rule, "warning", message, hint)


def find_key_offset(marks: list[int], mapping: dict[str, Any], key: str) -> int:
    """Offset of a key of a mapping."""
    return marks[1 + 2 * list(mapping).index(key)]


def make_pointer(path: Path) -> str:
    """A JSON pointer (RFC 6901); a key longer than any field's is cut."""
    return "".join("/" + str(step)[:_KEY].replace("~", "~0").replace("/", "~1") for step in path)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PatchTrace:
    """A document before its patches, and the position of each path that a patch set.

    `grafts` maps a path in the document to the patch's document and the path there, the latest
    last.
    """

    original: Document
    grafts: Mapping[Path, tuple[Document, Path]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Document:
    """One document: plain dicts, lists and scalars, and the file that knows their positions.

    `patch_trace` says which values a patch set.
    """

    value: Any
    file: File
    index: int
    patch_trace: PatchTrace | None = None

    @property
    def origin(self) -> Origin:
        """The position of the document's first key."""
        return self.file.locate(self.index)

    def find_source(self, path: Path) -> tuple[Document, Path]:
        """The document that the value at a path was written in, and its path there."""
        if self.patch_trace is None:
            return self, path
        for length in range(len(path), 0, -1):
            graft = self.patch_trace.grafts.get(path[:length])
            if graft is not None:
                return graft[0], (*graft[1], *path[length:])
        return self.patch_trace.original, path

    def locate(self, path: Path, *, key: bool = False) -> Origin:
        """The position of the value at a path, or of its key; if it does not exist, of the nearest
        value above.
        """
        if self.patch_trace is not None:
            document, path = self.find_source(path)
            return document.locate(path, key=key)
        value, index, marks = self.value, self.index, self.file.marks
        for number, step in enumerate(path):
            value_marks = marks.get(id(value))
            if value_marks is None:
                break
            if isinstance(value, dict) and step in value:
                position = 1 + 2 * list(value).index(step)
                index = (
                    value_marks[position]
                    if key and number == len(path) - 1
                    else value_marks[position + 1]
                )
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                index = value_marks[1 + step]
            else:
                break
            value = value[step]
        return self.file.locate(index)

    def find_origin(self, path: Path) -> Origin | None:
        """The position of the value at a path, None if it does not exist."""
        value = self.value
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return self.locate(path)

    def make_problem(
        self,
        path: Path,
        rule: str,
        message: str,
        hint: str | None = None,
        *,
        severity: Severity = "error",
        key: bool = False,
        place_path: Path | None = None,
    ) -> Problem:
        """A problem at the value of a path, or at its key. `place_path` is the path to locate, if
        it differs.
        """
        if self.patch_trace is None:
            return Problem(
                self.locate(place_path or path, key=key),
                make_pointer(path),
                rule,
                severity,
                message,
                hint,
            )
        document, source_path, reported_path = _find_fault_place(
            self.patch_trace, place_path or path, path, any_patch=rule.startswith("schema/")
        )
        if document is not self.patch_trace.original:
            message = f"webhook {self.value['metadata']['name']} as patched: {message}"
        return Problem(
            document.locate(source_path, key=key),
            make_pointer(reported_path),
            rule,
            severity,
            message,
            hint,
        )


def _find_fault_place(
    patch_trace: PatchTrace, place_path: Path, path: Path, *, any_patch: bool
) -> tuple[Document, Path, Path]:
    """The document that a fault is reported in, the path to locate there, and the path to print.

    It is the document that the value was written in. With `any_patch` it is the nearest patch: the
    document was valid without patches.
    """
    covering_grafts = [graft for graft in patch_trace.grafts if place_path[: len(graft)] == graft]
    if not (covering_grafts or any_patch):
        return patch_trace.original, place_path, path
    graft_path = (
        max(covering_grafts, key=len)
        if covering_grafts
        else max(
            reversed([*patch_trace.grafts]),
            key=lambda graft: _count_common_steps(graft, place_path),
        )
    )
    document, target = patch_trace.grafts[graft_path]
    prefix = target[
        : len(target) - len(graft_path) + 1
    ]  # replaces the first step of every path: spec
    reported_path = path if covering_grafts else path[: _count_common_steps(graft_path, path)]
    return (
        document,
        (*target, *place_path[len(graft_path) :]) if covering_grafts else target,
        (*prefix, *reported_path[1:]),
    )


def _count_common_steps(first: Path, second: Path) -> int:
    """The number of first steps that two paths share."""
    steps = zip(first, second, strict=False)
    return next(
        (
            number
            for number, (first_step, second_step) in enumerate(steps)
            if first_step != second_step
        ),
        min(len(first), len(second)),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ParsedFile:
    """A file without a problem and its documents, kept to reuse for an equal text."""

    file: File
    documents: tuple[Document, ...]

    def with_file(self, file: File) -> list[Document]:
        """The same documents in a different file with an equal text. They share values, since
        values do not change.
        """
        file.text, file.marks = self.file.text, self.file.marks
        return [replace(document, file=file) for document in self.documents]
