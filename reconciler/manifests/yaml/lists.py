"""Documents whose top level is not a mapping: the items of a list are manifests; other documents
are problems.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from reconciler.core.model.problem import Problem
from reconciler.manifests.yaml.document import Document, File

_LFS: Final = (
    "version https://git-lfs.github.com/spec/",
    "version https://hawser.github.com/spec/",
)
_RULE: Final = "document/not-a-mapping"
_HINT: Final = (
    "a manifest is a mapping with apiVersion, kind, metadata and spec, or a list of such mappings"
)


def split_into_manifests(
    documents: Iterable[Document], file: File, max_problems: int
) -> tuple[list[Document], list[Problem]]:
    """The documents, with lists split into items, and the problems of other values.

    With `max_problems` problems no document is returned, and the last problem says so.
    """
    manifests: list[Document] = []
    problems: list[Problem] = []
    for part in (item for document in documents for item in _split(document)):
        if isinstance(part, Document):
            manifests.append(part)
        else:
            problems.append(part)
        if len(problems) >= max_problems:
            return [], [
                *problems,
                file.make_problem(
                    0, "document/limit", f"over {max_problems:,} problems; no more are reported"
                ),
            ]
    return manifests, problems


def _split(document: Document) -> Iterator[Document | Problem]:
    value = document.value
    if isinstance(value, dict):
        yield document
    elif isinstance(value, list):
        yield from _split_list(document, value)
    elif isinstance(value, str) and value.startswith(_LFS):
        yield document.make_problem(
            (), "path/lfs-pointer", "a Git LFS pointer, not the file itself", "run git lfs pull"
        )
    else:
        yield document.make_problem(
            (), _RULE, f"the document is {_describe(value)}, not a mapping", _HINT
        )


def _split_list(document: Document, items: list[Any]) -> Iterator[Document | Problem]:
    if items and not any(map(_is_manifest, items)):
        yield document.make_problem(
            (), _RULE, "the document is a list, but not of manifests", _HINT
        )
        return
    for item, index in zip(items, document.file.marks[id(items)][1:], strict=True):
        if _is_manifest(item):
            yield Document(item, document.file, index)
        else:
            message = f"an item of a list of manifests is {_describe(item)}, not a manifest"
            yield document.file.make_problem(index, _RULE, message, _HINT)


def _is_manifest(item: object) -> bool:
    return isinstance(item, dict) and ("apiVersion" in item or "kind" in item)


def _describe(value: object) -> str:
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
