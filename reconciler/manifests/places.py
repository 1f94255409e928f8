"""One manifest file as it was read: its text, and where each key and value of its documents stands.

Made by `build.py`, asked by everything that reports a problem. A place is kept as one character offset and turned into line
and column only when somebody wants to see it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from reconciler.core.model import Origin
from reconciler.core.problem import Problem, Severity

_BREAK: Final = re.compile(r"\r\n|\n|\r")
Path = tuple[str | int, ...]


class File:
    """A file's shown name, its text, and the marks of its mappings and lists, by `id`.

    The marks of a mapping: its own offset, then offset of key and offset of value for each entry in order; of a list: its own
    offset, then one for each item. They hold as long as the documents live. `folder` is what `fromFile` is relative to,
    `path` the absolute path; both are of the current folder for standard input.
    """

    __slots__ = ("_lines", "folder", "marks", "name", "path", "text")

    def __init__(self, name: str, text: str = "", path: str = "", folder: str = "") -> None:
        self.name = name
        self.text = text
        self.path = path
        self.folder = folder
        self.marks: dict[int, list[int]] = {}
        self._lines: list[int] | None = None

    def origin(self, index: int) -> Origin:
        """Line and column, both from 1, of a character offset."""
        if index == 0:
            return Origin(self.name, 1, 1)
        if self._lines is None:
            if "\r" in self.text:
                self._lines = [0, *(found.end() for found in _BREAK.finditer(self.text))]
            else:  # five times as fast
                self._lines = [*accumulate(map(len, self.text.split("\n")), lambda sum_, length: sum_ + length + 1, initial=0)]
        line = bisect_right(self._lines, index)
        return Origin(self.name, line, index - self._lines[line - 1] + 1)

    def problem(self, index: int, rule: str, message: str, hint: str | None = None) -> Problem:
        """An error at a character offset."""
        return Problem(self.origin(index), "", rule, "error", message, hint)


def key_index(marks: list[int], mapping: dict[str, Any], key: str) -> int:
    """Offset of a key of a mapping."""
    return marks[1 + 2 * list(mapping).index(key)]


def pointer(path: Path) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


@dataclass(frozen=True, slots=True)
class Document:
    """One document: plain dicts, lists and scalars, and the file that knows where they stand."""

    value: Any
    file: File
    index: int

    @property
    def origin(self) -> Origin:
        """Where the document's first key stands."""
        return self.file.origin(self.index)

    def place(self, path: Path, *, key: bool = False) -> Origin:
        """Where the value at that path stands, or its key; the nearest thing above it if it is not there."""
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

    def problem(
        self, path: Path, rule: str, message: str, hint: str | None = None, *, severity: Severity = "error", key: bool = False
    ) -> Problem:
        """A problem at the value of a path, or at its key."""
        return Problem(self.place(path, key=key), pointer(path), rule, severity, message, hint)
