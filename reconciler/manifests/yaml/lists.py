"""Documents whose top level is no mapping: a list of manifests is read as its items, everything
else is a problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from reconciler.core.model.problem import Problem
from reconciler.manifests.yaml.places import Document, File

_LFS: Final = (
    "version https://git-lfs.github.com/spec/",
    "version https://hawser.github.com/spec/",
)
_RULE: Final = "document/not-a-mapping"
_HINT: Final = (
    "a manifest is a mapping with apiVersion, kind, metadata and spec, or a list of such mappings"
)


def manifests_in(
    documents: Iterable[Document], file: File, most: int
) -> tuple[list[Document], list[Problem]]:
    """The documents, a list as its items, and the problems of what is no manifest and no list of
    manifests.

    With `most` problems nothing more of the file is looked at: then no document comes back, and the
    last problem says so.
    """
    manifests: list[Document] = []
    problems: list[Problem] = []
    for found in (item for document in documents for item in _read(document)):
        if isinstance(found, Document):
            manifests.append(found)
        else:
            problems.append(found)
        if len(problems) >= most:
            return [], [
                *problems,
                file.problem(0, "document/limit", f"over {most:,} problems; no more are shown"),
            ]
    return manifests, problems


def _read(document: Document) -> Iterator[Document | Problem]:
    value = document.value
    if isinstance(value, dict):
        yield document
    elif isinstance(value, list):
        yield from _items(document, value)
    elif isinstance(value, str) and value.startswith(_LFS):
        yield document.problem(
            (), "path/lfs-pointer", "a Git LFS pointer, not the file itself", "run git lfs pull"
        )
    else:
        yield document.problem((), _RULE, f"the document is {_kind(value)}, not a mapping", _HINT)


def _items(document: Document, items: list[Any]) -> Iterator[Document | Problem]:
    if items and not any(map(_is_manifest, items)):
        yield document.problem(
            (), _RULE, "the document is a list of other things than manifests", _HINT
        )
        return
    for item, index in zip(items, document.file.marks[id(items)][1:], strict=True):
        if _is_manifest(item):
            yield Document(item, document.file, index)
        else:
            message = f"an item of a list of manifests is {_kind(item)}, not a manifest"
            yield document.file.problem(index, _RULE, message, _HINT)


def _is_manifest(item: object) -> bool:
    return isinstance(item, dict) and ("apiVersion" in item or "kind" in item)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "a mapping without apiVersion and kind"
