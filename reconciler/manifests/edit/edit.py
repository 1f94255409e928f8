"""One manifest file while it is edited: its text, document by document, everything that does not
change left byte for byte.

How one change is made in one document is `splice.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

from reconciler.manifests.edit.splice import Change, spliced, values
from reconciler.manifests.yaml.nodes import starts, tree
from reconciler.manifests.yaml.places import File
from reconciler.manifests.yaml.read import read

_MARK: Final = "\ufeff"  # some editors begin a file with it


class Text:
    """A file's text, taken apart; raises UnicodeDecodeError and YAMLError for one that the strict
    reader does not take either.
    """

    def __init__(self, data: bytes) -> None:
        text = data.decode("utf-8")
        self._mark = _MARK if text.startswith(_MARK) else ""
        text = text.removeprefix(_MARK)
        places = [*starts(text), len(text)]
        self._parts = [text[begin:end] for begin, end in pairwise(places)]
        self._values = [values(part) for part in self._parts]
        self._index: dict[tuple[str, str], int] = {}
        for number, value in enumerate(self._values):
            if isinstance(value, dict) and isinstance(value.get("metadata"), dict):
                self._index.setdefault(
                    (str(value.get("kind")), str(value["metadata"].get("name"))), number
                )

    def spec(self, kind: str, name: str) -> dict[str, Any] | None:
        """The spec of a document as it now stands; None where there is no such document."""
        number = self._index.get((kind, name))
        return None if number is None else self._values[number]["spec"]

    def change(self, kind: str, name: str, changes: Iterable[Change]) -> bool:
        """Makes all changes of a document, or none and False."""
        number = self._index[kind, name]
        part: str | None = self._parts[number]
        for change in changes:
            part = spliced(part, change) if part is not None else None
        if part is None:
            return False
        self._parts[number], self._values[number] = part, values(part)
        return True

    def drop(self, kind: str, name: str) -> bool:
        """Takes out a document; the comments above and below it stay."""
        number = self._index[kind, name]
        part = self._parts[number]
        root = tree(part)
        if root is None or "\n" not in part[root.end :]:
            self._parts[number] = part[: root.start] if root is not None else part
        else:
            self._parts[number] = part[: root.start] + part[part.index("\n", root.end) + 1 :]
        self._values[number] = None
        return True

    def whole(self) -> str | None:
        """The text of the file; None if it does not say, read as a whole, what its documents say
        alone.
        """
        text = "".join(self._parts)
        documents, problems = read(File(""), text.encode())
        said = [value for value in self._values if value is not None]
        return (
            None
            if problems or [document.value for document in documents] != said
            else self._mark + text
        )
