"""The text of one manifest file while it is edited. Everything that does not change stays byte for
byte.

`splice.py` makes one change in one document.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

from reconciler.manifests.edit.splice import Change, read_values, splice
from reconciler.manifests.yaml.document import File
from reconciler.manifests.yaml.nodes import find_document_starts, read_tree
from reconciler.manifests.yaml.reader import read_documents

_MARK: Final = "\ufeff"  # some editors begin a file with it


class ManifestText:
    """A file's text, split into documents. Raises UnicodeDecodeError and YAMLError for a text that
    the strict reader refuses.
    """

    def __init__(self, data: bytes) -> None:
        text = data.decode("utf-8")
        self._mark = _MARK if text.startswith(_MARK) else ""
        text = text.removeprefix(_MARK)
        places = [*find_document_starts(text), len(text)]
        self._parts = [text[begin:end] for begin, end in pairwise(places)]
        self._values = [read_values(part) for part in self._parts]
        self._index: dict[tuple[str, str], int] = {}
        for number, value in enumerate(self._values):
            if isinstance(value, dict) and isinstance(value.get("metadata"), dict):
                self._index.setdefault(
                    (str(value.get("kind")), str(value["metadata"].get("name"))), number
                )

    def get_spec(self, kind: str, name: str) -> dict[str, Any] | None:
        """The current spec of a document; None if there is no such document."""
        number = self._index.get((kind, name))
        return None if number is None else self._values[number]["spec"]

    def change(self, kind: str, name: str, changes: Iterable[Change]) -> bool:
        """Makes all changes of a document, or none and False."""
        number = self._index[kind, name]
        part: str | None = self._parts[number]
        for change in changes:
            part = splice(part, change) if part is not None else None
        if part is None:
            return False
        self._parts[number], self._values[number] = part, read_values(part)
        return True

    def drop(self, kind: str, name: str) -> bool:
        """Removes a document; the comments above and below it stay."""
        number = self._index[kind, name]
        part = self._parts[number]
        root = read_tree(part)
        if root is None or "\n" not in part[root.end :]:
            self._parts[number] = part[: root.start] if root is not None else part
        else:
            self._parts[number] = part[: root.start] + part[part.index("\n", root.end) + 1 :]
        self._values[number] = None
        return True

    def assemble(self) -> str | None:
        """The text of the file; None if the file as a whole reads differently from its
        documents.
        """
        text = "".join(self._parts)
        documents, problems = read_documents(File(""), text.encode())
        values = [value for value in self._values if value is not None]
        return (
            None
            if problems or [document.value for document in documents] != values
            else self._mark + text
        )
