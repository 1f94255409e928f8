"""The documents of a run, sorted by kind: the project's own ones that match their schema, and
counts of the others.

What a document says is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.core.model.problem import Problem
from reconciler.manifests.decode.load_types import EventSubscriptionRef
from reconciler.manifests.decode.refused_documents import RefusedDocuments
from reconciler.manifests.decode.request import InputFiles
from reconciler.manifests.files import paths
from reconciler.manifests.files.trees import STDIN, is_output
from reconciler.manifests.schema_texts import API, KINDS
from reconciler.manifests.schemas.schema import check_schema
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.secret_sources import Place
from reconciler.manifests.yaml.build import PROBLEMS
from reconciler.manifests.yaml.document import Document, File, ParsedFile
from reconciler.manifests.yaml.lists import split_into_manifests
from reconciler.manifests.yaml.reader import read_documents

if TYPE_CHECKING:
    from reconciler.core.model.product import Product

_COMMON: Final = frozenset({"Policy"})
_OPERATOR_ONLY: Final = frozenset({"ClusterTenant"})


@dataclass(slots=True, eq=False, repr=False)
class Reading:
    """What has been read so far. If `only_kind` is set, then only documents of that kind are read.

    `files` maps the absolute path of each file that was read to whether it has a document of this
    project.
    """

    only_kind: str | None = None

    problems: list[Problem] = field(default_factory=list)
    unresolved_references: list[tuple[str | None, Problem]] = field(default_factory=list)
    kinds: dict[str, list[Document]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    refused_documents: RefusedDocuments = field(default_factory=RefusedDocuments)
    explained_count: int = 0  # webhooks whose faults after patching were reported
    tokens: frozenset[Place] = frozenset()
    event_subscriptions: tuple[EventSubscriptionRef, ...] = ()
    parsed_files: list[ParsedFile] = field(default_factory=list)
    products: dict[str, Product] = field(default_factory=dict)
    files: dict[str, bool] = field(default_factory=dict)
    documents: int = 0
    skipped: int = 0


def read_file(input_file: paths.InputFile, files: InputFiles, reading: Reading) -> None:
    """Reads one file and adds its problems to those of the run."""
    parsed_file = files.tree.find_parsed(input_file.path)
    if parsed_file is not None:
        file = paths.make_file(input_file.path, files.tree)
        documents, problems = parsed_file.with_file(file), list[Problem]()
    else:
        file, data = paths.read_contents(input_file, files.tree, files.stdin)
        if isinstance(data, Problem):
            reading.problems.append(data)
            reading.refused_documents.is_incomplete = True
            return
        if (
            not data
            and input_file.path != STDIN
            and files.tree.is_complete
            and not is_output(input_file.path)
        ):
            message = "the file is empty: it has 0 bytes, as after a write that was cut short"
            reading.problems.append(
                file.make_problem(
                    0, "path/empty-file", message, "restore the manifest, or delete the file"
                )
            )
            reading.refused_documents.is_incomplete = True
            return
        documents, problems = read_documents(file, data)
    if files.keep and not problems:
        reading.parsed_files.append(ParsedFile(file, tuple(documents)))
    _take_documents(input_file, file, documents, problems, files, reading)


def _take_documents(
    input_file: paths.InputFile,
    file: File,
    documents: list[Document],
    problems: list[Problem],
    files: InputFiles,
    reading: Reading,
) -> None:
    problems_before, documents_before = len(reading.problems), reading.documents
    reading.problems += problems
    if any(document.value.__class__ is not dict for document in documents):
        documents, faults = split_into_manifests(documents, file, PROBLEMS - len(problems))
        reading.problems += faults if files.tree.is_complete else ()
    if len(reading.problems) > problems_before:
        _note_faulty_file(file, reading.problems[problems_before:], reading.refused_documents)
    _sort_documents(documents, file, reading, problems_before)
    reading.files[input_file.path] = has_documents = reading.documents > documents_before
    must_have = files.tree.is_complete and input_file.is_argument and input_file.path != STDIN
    if must_have and not has_documents and len(reading.problems) == problems_before:
        reading.problems.append(
            file.make_problem(0, "document/none", f"no document of {API} in this file")
        )


def _note_faulty_file(
    file: File, problems: list[Problem], refused_documents: RefusedDocuments
) -> None:
    """Notes a file whose documents may be missing."""
    refused_documents.texts.append(file.text)
    refused_documents.is_incomplete |= not file.text or any(
        problem.rule == "path/lfs-pointer" for problem in problems
    )


def _sort_documents(
    documents: Iterable[Document], file: File, reading: Reading, problems_before: int
) -> None:
    """Sorts the documents of a file, until the file has `PROBLEMS` problems. `problems_before` were
    noted before the file.
    """
    for document in documents:
        _sort_document(document, reading, PROBLEMS - len(reading.problems) + problems_before)
        if len(reading.problems) - problems_before >= PROBLEMS:
            message = f"over {PROBLEMS:,} problems; no more are reported"
            reading.problems.append(file.make_problem(document.index, "document/limit", message))
            reading.refused_documents.texts.append(file.text)
            break


def _sort_document(document: Document, reading: Reading, max_problems: int) -> None:
    """Adds a document to its kind if it belongs to this project and matches its schema; else notes
    at most `max_problems` problems.
    """
    value = document.value
    api, kind = value.get("apiVersion"), value.get("kind")
    is_known = isinstance(kind, str) and kind in KINDS
    is_other_kind = is_known and reading.only_kind not in {None, kind}
    if is_other_kind or (api != API and not (is_known and _is_slip(kind, api))):
        reading.skipped += 1
        return
    reading.documents += 1
    if api != API:
        fault = (
            f"{kind} without the apiVersion {API}"
            if api is None
            else f"{kind} whose apiVersion is not {API}"
        )
        path = ("apiVersion",) if api is not None else ()
        reading.problems.append(
            document.make_problem(path, "document/api-version", fault, f"apiVersion: {API}")
        )
    elif not is_known:
        hint = suggest(kind, KINDS) or f"known kinds: {', '.join(KINDS)}"
        message = "the document has no kind" if kind is None else "unknown kind"
        reading.problems.append(document.make_problem(("kind",), "document/kind", message, hint))
    elif problems := check_schema(str(kind), document, max_problems):
        reading.problems += problems
    else:
        _take_document(str(kind), document, reading)
        return
    reading.refused_documents.add(document)


def _take_document(kind: str, document: Document, reading: Reading) -> None:
    """Adds a valid document to its kind, with a warning if a run does not use it."""
    reading.kinds[kind].append(document)
    if kind in _OPERATOR_ONLY:
        message = f"only the operator uses a {kind}; this run does not read it"
        rule, hint = "document/operator-only", "for this run, write a Tenant"
        reading.problems.append(
            document.make_problem(("kind",), rule, message, hint, severity="warning")
        )


def _is_slip(kind: object, api: object) -> bool:
    """Whether a known kind under a different apiVersion is a slip of the pen. Other projects have a
    Policy too, under a group of their own.
    """
    return (
        kind not in _COMMON
        or not isinstance(api, str)
        or "/" not in api
        or suggest(api, [API]) is not None
    )
