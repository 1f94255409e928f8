"""The Git side in one call: paths -> Manifests, or every problem at once.

The order: read, sort by kind, check the schema, Tenants, webhooks, the rules across files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import BadRequest, InvalidManifests
from reconciler.core.model import limits
from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Declared, Origin
from reconciler.manifests.collector import without_collector
from reconciler.manifests.decode import fit, join, selection, tenants, views
from reconciler.manifests.decode.documents import Reading, read_file
from reconciler.manifests.decode.events import decode_subscriptions
from reconciler.manifests.decode.load_types import Manifests, TenantSpec
from reconciler.manifests.decode.request import Request
from reconciler.manifests.decode.webhooks import Draft, make_declared
from reconciler.manifests.files import paths
from reconciler.manifests.files.trees import STDIN, Snapshot, relative_path
from reconciler.manifests.policies import policies
from reconciler.manifests.schema_texts import API
from reconciler.manifests.yaml.document import Document

if TYPE_CHECKING:
    from reconciler.core.safety.rules import Rule


def load(request: Request) -> Manifests:
    """Reads, checks and decodes; raises InvalidManifests with every problem, BadRequest when it is
    unclear which Tenant.
    """
    with without_collector(is_once=not isinstance(request.files.tree, Snapshot)):
        return _load(request)


def _load(request: Request) -> Manifests:
    reading = Reading()
    input_paths = _read_input(request, reading)
    specs, tenant_in_use, tenant_error = _decode_tenants(request, reading)
    drafts = views.make_drafts(request, reading, specs, tenant_in_use)
    tenant = views.find_document(tenant_in_use, specs, reading) if tenant_in_use else None
    root = paths.find_root(tenant.file if tenant is not None else None)
    reading.problems += _check_source_paths(request, reading, root)
    rules = _read_rules(request, reading, tenant, input_paths)
    declared = _list_declared(drafts, root, with_positions=bool(rules))
    literal_urls = _find_literal_urls(drafts)
    if request.policies.mode == "judge":
        reading.problems += policies.judge_webhooks(rules, declared, literal_urls)
    problems = _check_problems(request, reading, tenant_error)
    return replace(
        _make_manifests(request, reading, input_paths, problems, root),
        declared=tuple({item.key: item for item in declared}.values()),
        tenant=tenant_in_use,
        tenants=specs,
        literal_urls=literal_urls,
        reserved_names=_find_reserved_names(reading, drafts),
        rules=rules,
        selection=selection.make_selection(tenant_in_use, reading.kinds["Webhook"]),
        values=_get_values(request, drafts),
    )


@dataclass(frozen=True, slots=True)
class _InputPaths:
    """The paths of all files that a run reads; the folders and the files among its PATHs."""

    all_files: frozenset[str]
    folders: list[str]
    files: list[str]


def _read_input(request: Request, reading: Reading) -> _InputPaths:
    """Reads the documents."""
    input_files, folders, files = paths.find_files(
        request.files.paths, request.files.tree, reading.problems
    )
    reading.refused_documents.is_incomplete = bool(reading.problems)
    for file in input_files:
        read_file(file, request.files, reading)
    for document in reading.refused_documents.events:
        decode_subscriptions(document, reading.problems)
    _require_some(request, reading)
    stdin = [STDIN] if request.files.has_stdin else []
    return _InputPaths(frozenset(file.path for file in input_files), folders, [*files, *stdin])


def _read_rules(
    request: Request, reading: Reading, tenant: Document | None, input_paths: _InputPaths
) -> tuple[Rule, ...]:
    reads_folders = bool(input_paths.folders) or request.files.has_stdin
    return policies.read_policies(
        request, reading, tenant, input_paths.all_files, reads_folders=reads_folders
    )


def _list_declared(drafts: list[Draft], root: str, *, with_positions: bool) -> list[Declared]:
    declared = make_declared(drafts, root, with_positions=with_positions)
    declared.sort(key=lambda item: item.key)
    return declared


def _find_literal_urls(drafts: list[Draft]) -> frozenset[str]:
    """The urls that stand as text in a manifest."""
    urls = (*(draft.url for draft in drafts), *views.find_replaced_urls(drafts))
    return frozenset(url for url in urls if isinstance(url, str))


def _make_manifests(
    request: Request,
    reading: Reading,
    input_paths: _InputPaths,
    problems: tuple[Problem, ...],
    root: str,
) -> Manifests:
    """What was read, before anything is declared."""
    return Manifests(
        declared=(),
        tenant=None,
        tenants=(),
        problems=problems,
        documents=reading.documents,
        skipped=reading.skipped,
        folders=tuple(relative_path(folder, root) for folder in input_paths.folders),
        files=tuple(relative_path(file, root) for file in input_paths.files),
        root=root,
        literal_urls=frozenset(),
        unresolved_references=tuple(reading.unresolved_references),
        tokens=reading.tokens,
        event_subscriptions=reading.event_subscriptions,
        kinds={kind: len(documents) for kind, documents in reading.kinds.items() if documents},
        parsed_files=tuple(reading.parsed_files),
        products=reading.products,
        read_files=MappingProxyType(reading.files),
        tree=request.files.tree,
    )


def _check_source_paths(request: Request, reading: Reading, root: str) -> Iterator[Problem]:
    """A problem per file whose path no tenant accepts as a source."""
    documents = (
        (*reading.kinds["Webhook"], *reading.kinds["EventSubscription"])
        if request.files.tree.is_complete
        else ()
    )
    for path, file in {document.file.path: document.file for document in documents}.items():
        source = relative_path(path, root)
        if source.isascii() and source.isprintable() and len(source) <= limits.DESCRIPTION_LENGTH:
            continue  # only to be quick
        if fault := limits.description(source):
            fix = "rename it: the tenant stores the path of each webhook's manifest"
            yield file.make_problem(0, "path/name", f"the file's path {fault}", fix)


def _require_some(request: Request, reading: Reading) -> None:
    """A problem if no document of this project was found and no other problem explains it."""
    if not (request.files.may_be_empty or reading.documents) and not any(
        problem.severity == "error" for problem in reading.problems
    ):
        path = request.files.paths[0] if request.files.paths else "."
        reading.problems.append(
            paths.path_problem(
                path, "path/empty", f"no {API} document was found", "are these the right paths?"
            )
        )


def find_unresolved(
    manifests: Manifests, webhooks: Iterable[Declared], *, tenants: bool = False
) -> tuple[Problem, ...]:
    """All problems of the manifests, if a secret reference of these webhooks does not resolve; else
    none.

    With `tenants`, the tokens of all Tenants are needed too. A command that uses one Tenant
    resolves its token itself.
    """
    keys: set[str | None] = {item.key for item in webhooks}
    if tenants:
        keys.add(None)
    missing = [problem for key, problem in manifests.unresolved_references if key in keys]
    return tuple(sorted([*manifests.problems, *missing], key=_problem_order)) if missing else ()


def warn_of_unresolved(manifests: Manifests) -> Manifests:
    """The same manifests with a warning per secret reference of a webhook that does not resolve, as
    the mode `warn` makes them.
    """
    warnings = [
        replace(problem, severity="warning")
        for key, problem in manifests.unresolved_references
        if key is not None
    ]
    problems = dict.fromkeys((*manifests.problems, *warnings))
    return replace(manifests, problems=tuple(sorted(problems, key=_problem_order)))


def _check_problems(
    request: Request, reading: Reading, tenant_error: BadRequest | None
) -> tuple[Problem, ...]:
    """The problems, sorted. Raises InvalidManifests if one is an error, else the error of choosing
    a Tenant.
    """
    problems = _sort_problems(reading.problems, strict=request.strict)
    if any(problem.severity == "error" for problem in problems):
        all_problems = _sort_problems(
            [*problems, *_required_references(request, reading)], strict=False
        )
        raise InvalidManifests(all_problems, reading.documents, reading.skipped)
    if tenant_error is not None:
        raise tenant_error
    return problems


def _required_references(request: Request, reading: Reading) -> Iterator[Problem]:
    """References that do not resolve, if every webhook is needed; they are reported with other
    errors. Only `validate` needs every token.
    """
    if not request.narrowed:
        yield from (
            problem
            for key, problem in reading.unresolved_references
            if key is not None or request.tenant.check_each
        )


def _problem_order(problem: Problem) -> tuple[Origin, str, str]:
    return problem.origin, problem.pointer, problem.rule


def _sort_problems(problems: list[Problem], *, strict: bool) -> tuple[Problem, ...]:
    """Sorted, each once. A problem of the YAML reader hides problems of the schema at the same
    position.
    """
    yaml_origins = {problem.origin for problem in problems if problem.rule.startswith("yaml/")}
    kept_problems = [
        problem
        for problem in problems
        if problem.origin not in yaml_origins or not problem.rule.startswith("schema/")
    ]
    if strict:
        kept_problems = [replace(problem, severity="error") for problem in kept_problems]
    return tuple(sorted(dict.fromkeys(kept_problems), key=_problem_order))


def _decode_tenants(
    request: Request, reading: Reading
) -> tuple[tuple[TenantSpec, ...], TenantSpec | None, BadRequest | None]:
    documents = reading.kinds["Tenant"]
    reading.problems += join.check_unique(
        reading.refused_documents.include_refused(documents, "Tenant"), "tenant/duplicate", "Tenant"
    )
    resolver = views.make_resolver(
        request, reading, read=request.secrets.mode != "ignore" and request.tenant.by_manifest
    )
    _decode_products(reading)
    specs = [
        tenants.decode_tenant(
            document,
            resolver if _may_be_used(document, request) else replace(resolver, read_values=False),
            reading.products,
            request.files.tree,
        )
        for document in documents
    ]
    for document, spec in zip(documents, specs, strict=True):
        reading.problems += fit.provider(document, spec, request.find)
    reading.problems += tenants.check_targets(documents, specs)
    reading.problems += _check_selection(request, reading, specs)
    try:
        return tuple(specs), tenants.choose_tenant(tuple(specs), request.tenant), None
    except BadRequest as error:
        return tuple(specs), None, error


def _may_be_used(document: Document, request: Request) -> bool:
    """Whether a run needs the token of a Tenant: one that names another Tenant does not."""
    choice = request.tenant
    return choice.check_each or choice.name in {None, document.value["metadata"]["name"]}


def _decode_products(reading: Reading) -> None:
    if not reading.kinds["Product"]:
        return
    from reconciler.manifests.decode.products import decode_products  # noqa: PLC0415  few repositories have one

    reading.products = decode_products(reading.kinds["Product"], reading.problems)


def _check_selection(request: Request, reading: Reading, specs: list[TenantSpec]) -> list[Problem]:
    """The problems of Tenants that select the same webhooks, or none; an earlier commit has
    none.
    """
    if not specs or not request.files.tree.is_complete:
        return []
    webhooks = selection.WebhookIndex(reading.kinds["Webhook"])
    problems = (
        selection.find_overlaps(list(zip(reading.kinds["Tenant"], specs, strict=True)), webhooks)
        if len(specs) > 1
        else []
    )
    warns = request.tenant.check_each and not reading.refused_documents.may_have_tenant()
    return problems + (selection.warn_of_unselected(specs, webhooks) if warns else [])


def _find_reserved_names(reading: Reading, drafts: list[Draft]) -> frozenset[str]:
    """The key and earlier names of every Webhook, as written and as patched."""
    patched_documents = (
        draft.document for draft in drafts if draft.document.patch_trace is not None
    )
    return frozenset(
        name
        for document in (*reading.kinds["Webhook"], *patched_documents)
        for name in (
            document.value["metadata"]["name"],
            *document.value["spec"].get("previously", ()),
        )
    )


def _get_values(request: Request, drafts: list[Draft]) -> dict[str, dict[str, Any]]:
    """The Webhook documents by key, if they are to be kept."""
    kept_drafts = drafts if request.files.keep_values else ()
    return {draft.key: draft.document.value for draft in kept_drafts}
