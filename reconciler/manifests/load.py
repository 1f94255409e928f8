"""The Git side in one call: paths -> Manifests, or every problem at once.

The order: read, sort by kind, check the schema, Tenants, webhooks, the rules across files.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from reconciler.core.errors import BadRequest, InvalidManifests
from reconciler.core.model import limits
from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Declared, Origin
from reconciler.manifests.decode import fit, join, selection, tenants, views
from reconciler.manifests.decode.documents import Reading, read_file
from reconciler.manifests.decode.events import subscriptions
from reconciler.manifests.decode.loaded import Manifests, TenantSpec
from reconciler.manifests.decode.request import Request
from reconciler.manifests.decode.webhooks import Draft, declare
from reconciler.manifests.files import paths
from reconciler.manifests.files.trees import STDIN, relative
from reconciler.manifests.policies import policies
from reconciler.manifests.schema_texts import API
from reconciler.manifests.yaml.places import Document


def load(request: Request) -> Manifests:
    """Reads, checks and decodes; raises InvalidManifests with every problem, BadRequest when it is
    unclear which Tenant.
    """
    with _no_collector():
        return _load(request)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Everything that loading makes is kept, so that looking for garbage meanwhile costs time and
    finds none.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # with the next line: all of it is old, so that the first collection of young values does
        # not walk through it
        gc.freeze()
        gc.unfreeze()
        if was:
            gc.enable()


def _load(request: Request) -> Manifests:
    reading = Reading()
    found, folders, files = paths.find(request.files.paths, request.files.tree, reading.problems)
    reading.refused.unread = bool(reading.problems)
    for file in found:
        read_file(file, request.files, reading)
    for document in reading.refused.events:
        subscriptions(document, reading.problems)
    _require_some(request, reading)
    specs, chosen, unclear = _tenants(request, reading)
    drafts = [] if request.only_tenants else views.drafts(request, reading, specs, chosen)
    tenant = views.document_of(chosen, specs, reading) if chosen is not None else None
    root = paths.root_of(tenant.file if tenant is not None else None)
    reading.problems += _unwritable(request, reading, root)
    rules = policies.read(
        request,
        reading,
        tenant,
        {file.path for file in found},
        whole=bool(folders) or request.files.has_stdin,
    )
    declared = sorted(
        (declare(draft, root, placed=bool(rules)) for draft in drafts), key=lambda item: item.key
    )
    literal_urls = frozenset(
        url
        for url in (*(draft.url for draft in drafts), *views.replaced(drafts))
        if isinstance(url, str)
    )
    reading.problems += (
        policies.judged(rules, declared, literal_urls) if request.policies.mode == "judge" else []
    )
    problems = _warnings(request, reading, unclear)
    return Manifests(
        declared=tuple({item.key: item for item in declared}.values()),
        tenant=chosen,
        tenants=specs,
        problems=problems,
        documents=reading.documents,
        skipped=reading.skipped,
        folders=tuple(relative(folder, root) for folder in folders),
        files=tuple(relative(file, root) for file in files)
        + ((STDIN,) if request.files.has_stdin else ()),
        root=root,
        literal_urls=literal_urls,
        lost=tuple(reading.lost),
        taken=_taken(reading, drafts),
        tokens=reading.tokens,
        joined=reading.joined,
        kinds={kind: len(documents) for kind, documents in reading.kinds.items() if documents},
        parsed=tuple(reading.parsed),
        rules=rules,
        selection=selection.selection(chosen, reading.kinds["Webhook"]),
        read=MappingProxyType(reading.files),
        values=_values(request, drafts),
    )


def _unwritable(request: Request, reading: Reading, root: str) -> Iterator[Problem]:
    """A problem for each file whose path no tenant takes as the source of what it declares."""
    documents = (
        (*reading.kinds["Webhook"], *reading.kinds["EventSubscription"])
        if request.files.tree.whole
        else ()
    )
    for path, file in {document.file.path: document.file for document in documents}.items():
        source = relative(path, root)
        if source.isascii() and source.isprintable() and len(source) <= limits.DESCRIPTION_LENGTH:
            continue  # only to be quick
        if wrong := limits.description(source):
            mend = "rename it: what a webhook came from is kept beside it at the tenant"
            yield file.problem(0, "path/name", f"the file's path {wrong}", mend)


def _require_some(request: Request, reading: Reading) -> None:
    """A problem where nothing of ours was found, and nothing says why."""
    if not (request.files.may_be_empty or reading.documents) and not any(
        problem.severity == "error" for problem in reading.problems
    ):
        where = request.files.paths[0] if request.files.paths else "."
        reading.problems.append(
            paths.problem(
                where, "path/empty", f"no {API} document was found", "are these the right paths?"
            )
        )


def unresolved(
    manifests: Manifests, selected: Iterable[Declared], *, tenants: bool = False
) -> tuple[Problem, ...]:
    """All problems of the manifests if a secret reference of these webhooks does not resolve; else
    none.

    With `tenants`, the token of every Tenant is needed too: whoever uses one only asks for that one
    itself.
    """
    keys: set[str | None] = {item.key for item in selected}
    if tenants:
        keys.add(None)
    lost = [problem for key, problem in manifests.lost if key in keys]
    return tuple(sorted([*manifests.problems, *lost], key=_order)) if lost else ()


def _warnings(
    request: Request, reading: Reading, unclear: BadRequest | None
) -> tuple[Problem, ...]:
    """The problems, sorted; raises InvalidManifests where one is an error, else what is unclear."""
    problems = _settled(reading.problems, strict=request.strict)
    if any(problem.severity == "error" for problem in problems):
        told = _settled([*problems, *_needed(request, reading)], strict=False)
        raise InvalidManifests(told, reading.documents, reading.skipped)
    if unclear is not None:
        raise unclear
    return problems


def _needed(request: Request, reading: Reading) -> Iterator[Problem]:
    """What does not resolve, told beside other errors where every webhook is needed; only
    `validate` needs every token.
    """
    if not request.narrowed:
        yield from (
            problem for key, problem in reading.lost if key is not None or request.tenant.check_each
        )


def _order(problem: Problem) -> tuple[Origin, str, str]:
    return problem.origin, problem.pointer, problem.rule


def _settled(problems: list[Problem], *, strict: bool) -> tuple[Problem, ...]:
    """Sorted, each once; what the reader found at a place hides what the schema says of the same
    place.
    """
    told = {problem.origin for problem in problems if problem.rule.startswith("yaml/")}
    kept = [
        problem
        for problem in problems
        if problem.origin not in told or not problem.rule.startswith("schema/")
    ]
    if strict:
        kept = [replace(problem, severity="error") for problem in kept]
    return tuple(sorted(dict.fromkeys(kept), key=_order))


def _tenants(
    request: Request, reading: Reading
) -> tuple[tuple[TenantSpec, ...], TenantSpec | None, BadRequest | None]:
    documents = reading.kinds["Tenant"]
    reading.problems += join.unique(
        reading.refused.with_refused(documents, "Tenant"), "tenant/duplicate", "Tenant"
    )
    resolver = views.resolver(
        request, reading, read=request.secrets.mode != "ignore" and request.tenant.by_manifest
    )
    specs = [tenants.tenant(document, resolver) for document in documents]
    for document in documents:
        reading.problems += fit.provider(document, request.find)
    reading.problems += tenants.same_target(documents, specs)
    reading.problems += _selecting(request, reading, specs)
    try:
        return tuple(specs), tenants.choose(tuple(specs), request.tenant), None
    except BadRequest as error:
        return tuple(specs), None, error


def _selecting(request: Request, reading: Reading, specs: list[TenantSpec]) -> list[Problem]:
    """What is wrong with which Tenant selects which webhook; of an earlier commit nobody mends
    it.
    """
    if not specs or not request.files.tree.whole:
        return []
    webhooks = selection.Webhooks(reading.kinds["Webhook"])
    problems = (
        selection.overlaps(list(zip(reading.kinds["Tenant"], specs, strict=True)), webhooks)
        if len(specs) > 1
        else []
    )
    told = request.tenant.check_each and not reading.refused.may_have_tenant()
    return problems + (selection.unselected(specs, webhooks) if told else [])


def _documents(reading: Reading, drafts: list[Draft]) -> list[Document]:
    """Every Webhook as it was written, and those that a patch changed as they are then."""
    return [
        *reading.kinds["Webhook"],
        *(draft.document for draft in drafts if draft.document.patched is not None),
    ]


def _taken(reading: Reading, drafts: list[Draft]) -> frozenset[str]:
    """The keys and earlier names of every Webhook."""
    values = (document.value for document in _documents(reading, drafts))
    return frozenset(
        name
        for value in values
        for name in (value["metadata"]["name"], *value["spec"].get("previously", ()))
    )


def _values(request: Request, drafts: list[Draft]) -> dict[str, dict[str, Any]]:
    """The Webhook documents by key, if they are to be kept."""
    kept = drafts if request.files.keep_values else ()
    return {draft.key: draft.document.value for draft in kept}
