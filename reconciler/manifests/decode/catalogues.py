"""The catalogue of events that a Tenant names, or the command line: a file -> Catalogue.

What such a document holds is `core/model/catalogue_document.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

from reconciler.core.errors import BadRequest
from reconciler.core.model.catalogue import Catalogue
from reconciler.core.model.catalogue_document import read_catalogue
from reconciler.core.model.problem import Problem
from reconciler.manifests.decode.load_types import TenantSpec
from reconciler.manifests.decode.webhooks import Draft
from reconciler.manifests.files.trees import WORK_TREE, Tree
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.yaml.document import Document, File
from reconciler.manifests.yaml.reader import SIZE, read_documents

_PLACE = ("spec", "catalog")
_HINTS = 500  # problems of a run after which names are no longer looked up for hints


def read_catalogue_file(path: str) -> Catalogue:
    """The catalogue of a file; raises BadRequest."""
    try:
        return _read(os.path.abspath(path), WORK_TREE)  # noqa: PTH100  this layer keeps paths as text
    except ValueError as error:
        raise BadRequest(f"the catalogue {path}: {error}") from None


def find_catalogue(document: Document, tree: Tree, problems: list[Problem]) -> Catalogue | None:
    """The catalogue that a Tenant names, None if it names none; a fault joins `problems`."""
    name = document.value["spec"].get("catalog")
    if name is None:
        return None
    path = os.path.normpath(os.path.join(document.file.folder, name))  # noqa: PTH118  this layer keeps paths as text
    try:
        return _read(path, tree)
    except ValueError as error:
        problem = document.make_problem(_PLACE, "tenant/catalog", f"catalog {name}: {error}")
        problems.append(problem)
        return None


def _read(path: str, tree: Tree) -> Catalogue:
    try:
        data = tree.read(path, SIZE + 1)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
    return _parse(data)


@lru_cache(maxsize=8)  # many Tenants may name one file
def _parse(data: bytes) -> Catalogue:
    """The catalogue; no text of the file is in the error of one that is none."""
    documents, problems = read_documents(File("catalogue"), data)
    if problems:
        raise ValueError(f"line {problems[0].origin.line} is not YAML or JSON that can be read")
    return read_catalogue(documents[0].value if len(documents) == 1 else None)


def check_events(draft: Draft, tenant: TenantSpec, count: int) -> Iterator[Problem]:
    """A warning per event of a webhook that the Tenant's catalogue does not have; `count` problems
    were found before.
    """
    if tenant.catalogue is None:
        return
    known = tenant.catalogue.by_type
    for item, (file, index) in draft.subscription_places.items():
        if item.type not in known:
            count += 1
            hint = suggest(item.type, known) if count < _HINTS else None
            message = f"type is not in the catalogue of the Tenant {tenant.name}"
            yield file.make_warning(index, "events/unknown-type", message, hint)
