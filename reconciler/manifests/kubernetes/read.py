"""Documents to convert, and the check of what they became."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.model.problem import Problem
from reconciler.manifests.decode.documents import Reading, read_file
from reconciler.manifests.decode.request import InputFiles
from reconciler.manifests.files import paths
from reconciler.manifests.kubernetes.layout import print_document
from reconciler.manifests.schemas.schema import check_schema
from reconciler.manifests.yaml.document import Document, File
from reconciler.manifests.yaml.lists import split_into_manifests
from reconciler.manifests.yaml.reader import read_documents

_PROBLEMS = 100


def read_manifests(files: InputFiles) -> Reading:
    """The documents of this project by kind, each valid by its schema; what is wrong, else."""
    reading = Reading()
    for file in paths.find_files(files.paths, files.tree, reading.problems)[0]:
        read_file(file, files, reading)
    return reading


def read_objects(files: InputFiles) -> tuple[list[Document], list[Problem]]:
    """Every document as it is written, and the problems of reading."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for found in paths.find_files(files.paths, files.tree, problems)[0]:
        file, data = paths.read_contents(found, files.tree, files.stdin)
        if isinstance(data, Problem):
            problems.append(data)
            continue
        read, faults = read_documents(file, data)
        split, others = split_into_manifests(read, file, _PROBLEMS)
        documents += split
        problems += [*faults, *others]
    return documents, problems


def check_manifests(made: Iterable[tuple[Mapping[str, Any], Document]]) -> list[Problem]:
    """What the schema says of documents that were made; each problem at the document that it was
    made of.
    """
    problems: list[Problem] = []
    for value, document in made:
        file = File(document.file.name, folder=document.file.folder)
        [copy], _ = read_documents(file, print_document(value).encode())
        problems += [
            replace(problem, origin=document.origin, excerpt=None)
            for problem in check_schema(value["kind"], copy, _PROBLEMS)
        ]
    return problems
