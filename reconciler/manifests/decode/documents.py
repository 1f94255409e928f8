"""The documents of a run, sorted by kind: what is ours and keeps its schema, what is not, what was
passed over.

What a document says is not looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from reconciler.core.model.problem import Problem
from reconciler.manifests.decode.loaded import Joined
from reconciler.manifests.decode.refused import Refused
from reconciler.manifests.decode.request import InputFiles
from reconciler.manifests.files import paths
from reconciler.manifests.files.trees import STDIN, is_output
from reconciler.manifests.schema_texts import API, KINDS
from reconciler.manifests.schemas.near import near
from reconciler.manifests.schemas.schema import check
from reconciler.manifests.secret_sources import Place
from reconciler.manifests.yaml.build import PROBLEMS
from reconciler.manifests.yaml.lists import manifests_in
from reconciler.manifests.yaml.places import Document, File, Parsed
from reconciler.manifests.yaml.read import read

_COMMON: Final = frozenset({"Policy"})


@dataclass(slots=True)
class Reading:
    """What has been read so far; `only` is the one kind that is read.

    `files` says of each file that was read, by absolute path, whether it has a document of ours.
    """

    only: str | None = None

    problems: list[Problem] = field(default_factory=list)
    lost: list[tuple[str | None, Problem]] = field(default_factory=list)
    kinds: dict[str, list[Document]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    refused: Refused = field(default_factory=Refused)
    explained: int = 0  # webhooks whose faults after patching were told
    tokens: frozenset[Place] = frozenset()
    joined: tuple[Joined, ...] = ()
    parsed: list[Parsed] = field(default_factory=list)
    files: dict[str, bool] = field(default_factory=dict)
    documents: int = 0
    skipped: int = 0


def read_file(found: paths.Found, files: InputFiles, reading: Reading) -> None:
    """Reads one file; what is wrong with it joins the problems."""
    before = files.tree.parsed(found.path)
    if before is not None:
        file = paths.file_of(found.path, files.tree)
        documents, problems = before.at(file), list[Problem]()
    else:
        file, data = paths.contents(found, files.tree, files.stdin)
        if isinstance(data, Problem):
            reading.problems.append(data)
            reading.refused.unread = True
            return
        if not data and found.path != STDIN and files.tree.whole and not is_output(found.path):
            message = "the file is empty: it has 0 bytes, as after a write that was cut short"
            reading.problems.append(
                file.problem(
                    0, "path/empty-file", message, "restore the manifest, or delete the file"
                )
            )
            reading.refused.unread = True
            return
        documents, problems = read(file, data)
    if files.keep and not problems:
        reading.parsed.append(Parsed(file, tuple(documents)))
    _take(found, file, documents, problems, files, reading)


def _take(
    found: paths.Found,
    file: File,
    documents: list[Document],
    problems: list[Problem],
    files: InputFiles,
    reading: Reading,
) -> None:
    start, before = len(reading.problems), reading.documents
    reading.problems += problems
    if any(document.value.__class__ is not dict for document in documents):
        documents, faults = manifests_in(documents, file, PROBLEMS - len(problems))
        reading.problems += faults if files.tree.whole else ()
    if len(reading.problems) > start:
        reading.refused.texts.append(file.text)
        reading.refused.unread |= not file.text or any(
            problem.rule == "path/lfs-pointer" for problem in reading.problems[start:]
        )
    for document in documents:
        _sort(document, reading, PROBLEMS - len(reading.problems) + start)
        if len(reading.problems) - start >= PROBLEMS:
            message = f"over {PROBLEMS:,} problems; no more are shown"
            reading.problems.append(file.problem(document.index, "document/limit", message))
            reading.refused.texts.append(file.text)
            break
    reading.files[found.path] = filled = reading.documents > before
    if (
        not filled
        and files.tree.whole
        and found.named
        and len(reading.problems) == start
        and found.path != STDIN
    ):
        reading.problems.append(
            file.problem(0, "document/none", f"no document of {API} in this file")
        )


def _sort(document: Document, reading: Reading, most: int) -> None:
    """Puts a document with its kind if it is ours and keeps its schema; else notes at most `most`
    problems.
    """
    value = document.value
    api, kind = value.get("apiVersion"), value.get("kind")
    known = isinstance(kind, str) and kind in KINDS
    passed = known and reading.only not in {None, kind}
    if passed or (api != API and not (known and _meant(kind, api))):
        reading.skipped += 1
        return
    reading.documents += 1
    if api != API:
        missing = (
            f"{kind} without the apiVersion {API}"
            if api is None
            else f"{kind} under another apiVersion than {API}"
        )
        path = ("apiVersion",) if api is not None else ()
        reading.problems.append(
            document.problem(path, "document/api-version", missing, f"apiVersion: {API}")
        )
    elif not known:
        hint = near(kind, KINDS) or f"known kinds: {', '.join(KINDS)}"
        message = "the document has no kind" if kind is None else "unknown kind"
        reading.problems.append(document.problem(("kind",), "document/kind", message, hint))
    elif problems := check(str(kind), document, most):
        reading.problems += problems
    else:
        reading.kinds[str(kind)].append(document)
        return
    reading.refused.add(document)


def _meant(kind: object, api: object) -> bool:
    """Whether a kind of ours under another apiVersion is a slip; others have a Policy too, under a
    group of their own.
    """
    return (
        kind not in _COMMON
        or not isinstance(api, str)
        or "/" not in api
        or near(api, [API]) is not None
    )
