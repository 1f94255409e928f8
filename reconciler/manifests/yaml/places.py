"""One manifest file as it was read: its text, and where each key and value of its documents stands.

A place is kept as one character offset and turned into line and column only when somebody wants to
see it.
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
    """A file's shown name, its text, and the marks of its mappings and lists, by `id`.

    The marks of a mapping: its own offset, then offset of key and offset of value for each entry in
    order; of a list: its own offset, then one for each item. They hold as long as the documents
    live. `folder` is what `fromFile` is relative to, `path` the absolute path; both are of the
    current folder for standard input.
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

    def origin(self, index: int) -> Origin:
        """Line and column, both from 1, of a character offset."""
        if index == 0:
            return Origin(self.name, 1, 1)
        starts = self._starts()
        block = min(index // _BLOCK, len(starts) - 1)
        begin, before, last = starts[block]
        if begin > index:
            begin, before, last = starts[block - 1]
        return Origin(
            self.name,
            before + self._breaks(begin, index) + 1,
            index - self._last(begin, index, last),
        )

    def _starts(self) -> list[tuple[int, int, int]]:
        """Offset of each block, the lines before it and the last break of one: a table of every
        line would outgrow the text.
        """
        if self._blocks is None:
            self._blocks = [(0, 0, -1)]
            self._returns = "\r" in self.text
            for end in range(_BLOCK, len(self.text), _BLOCK):
                begin, before, last = self._blocks[-1]
                stop = end + (self.text[end - 1 : end + 1] == "\r\n")
                self._blocks.append(
                    (stop, before + self._breaks(begin, stop), self._last(begin, stop, last))
                )
        return self._blocks

    def _last(self, begin: int, end: int, before: int) -> int:
        """Offset of the last break between two offsets, else `before`: a line may be as long as the
        file.
        """
        found = self.text.rfind("\n", begin, end)
        if self._returns:
            found = max(found, self.text.rfind("\r", begin, end))
        return found if found >= 0 else before

    def _breaks(self, begin: int, end: int) -> int:
        """How many line breaks, as editors count them: CR, LF, or both together."""
        count = self.text.count("\n", begin, end)
        if self._returns:
            count += self.text.count("\r", begin, end) - self.text.count("\r\n", begin, end)
        return count

    def problem(self, index: int, rule: str, message: str, hint: str | None = None) -> Problem:
        """An error at a character offset."""
        return Problem(self.origin(index), "", rule, "error", message, hint)


def key_index(marks: list[int], mapping: dict[str, Any], key: str) -> int:
    """Offset of a key of a mapping."""
    return marks[1 + 2 * list(mapping).index(key)]


def pointer(path: Path) -> str:
    """A JSON pointer (RFC 6901); a key longer than any field's is cut."""
    return "".join("/" + str(step)[:_KEY].replace("~", "~0").replace("/", "~1") for step in path)


@dataclass(frozen=True, slots=True)
class Patched:
    """What patches made a document of: as it was `written`, and for each path that a patch set,
    where that stands.

    `grafts` leads from a path in the document to the patch's document and the path there, those set
    last at the end.
    """

    written: Document
    grafts: Mapping[Path, tuple[Document, Path]]


@dataclass(frozen=True, slots=True)
class Document:
    """One document: plain dicts, lists and scalars, and the file that knows where they stand.

    `patched` says which of its values another document has set.
    """

    value: Any
    file: File
    index: int
    patched: Patched | None = None

    @property
    def origin(self) -> Origin:
        """Where the document's first key stands."""
        return self.file.origin(self.index)

    def source(self, path: Path) -> tuple[Document, Path]:
        """The document in which the value at that path was written, and its path there."""
        if self.patched is None:
            return self, path
        for length in range(len(path), 0, -1):
            graft = self.patched.grafts.get(path[:length])
            if graft is not None:
                return graft[0], (*graft[1], *path[length:])
        return self.patched.written, path

    def place(self, path: Path, *, key: bool = False) -> Origin:
        """Where the value at that path stands, or its key; the nearest thing above it if it is not
        there.
        """
        if self.patched is not None:
            document, path = self.source(path)
            return document.place(path, key=key)
        value, index, marks = self.value, self.index, self.file.marks
        for number, step in enumerate(path):
            spots = marks.get(id(value))
            if spots is None:
                break
            if isinstance(value, dict) and step in value:
                at = 1 + 2 * list(value).index(step)
                index = spots[at] if key and number == len(path) - 1 else spots[at + 1]
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                index = spots[1 + step]
            else:
                break
            value = value[step]
        return self.file.origin(index)

    def where(self, path: Path) -> Origin | None:
        """Where the value at that path stands, None where it is not there."""
        value = self.value
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return self.place(path)

    def problem(
        self,
        path: Path,
        rule: str,
        message: str,
        hint: str | None = None,
        *,
        severity: Severity = "error",
        key: bool = False,
        at: Path | None = None,
    ) -> Problem:
        """A problem at the value of a path, or at its key; `at` is where to look for it, if that is
        not the path itself.
        """
        if self.patched is None:
            return Problem(
                self.place(at or path, key=key), pointer(path), rule, severity, message, hint
            )
        document, there, told = _blamed(
            self.patched, at or path, path, any_patch=rule.startswith("schema/")
        )
        if document is not self.patched.written:
            message = f"webhook {self.value['metadata']['name']} as patched: {message}"
        return Problem(document.place(there, key=key), pointer(told), rule, severity, message, hint)


def _blamed(
    patched: Patched, at: Path, path: Path, *, any_patch: bool
) -> tuple[Document, Path, Path]:
    """Where a fault at a path is told: the document, the path of the place there, and the path that
    is named.

    It is where the value was written; with `any_patch` the patch nearest to it, since what was
    written was accepted without.
    """
    covering = [graft for graft in patched.grafts if at[: len(graft)] == graft]
    if not (covering or any_patch):
        return patched.written, at, path
    found = (
        max(covering, key=len)
        if covering
        else max(reversed([*patched.grafts]), key=lambda graft: _common(graft, at))
    )
    document, target = patched.grafts[found]
    above = target[
        : len(target) - len(found) + 1
    ]  # what stands for the first step of every path: spec
    told = path if covering else path[: _common(found, path)]
    return document, (*target, *at[len(found) :]) if covering else target, (*above, *told[1:])


def _common(one: Path, other: Path) -> int:
    """How many steps two paths have in common."""
    steps = zip(one, other, strict=False)
    return next(
        (number for number, (left, right) in enumerate(steps) if left != right),
        min(len(one), len(other)),
    )


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file and its documents, read without a problem, for whoever meets the same text again."""

    file: File
    documents: tuple[Document, ...]

    def at(self, file: File) -> list[Document]:
        """The documents as those of another file with that text; their values are shared, since
        nothing changes them.
        """
        file.text, file.marks = self.file.text, self.file.marks
        return [replace(document, file=file) for document in self.documents]
