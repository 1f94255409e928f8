"""A Tenant's `spec.patches` applied to Webhook documents: JSON Merge Patch (RFC 7396), then the
schema again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final

from reconciler.core.model.problem import Problem
from reconciler.manifests.decode.load_types import TenantSpec
from reconciler.manifests.decode.refused_documents import RefusedDocuments
from reconciler.manifests.schemas.schema import check_schema, is_valid
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.yaml.document import Document, PatchTrace, Path

# patches that one run applies in all, so that no file makes a run of minutes
MAX_PATCHES: Final = 100_000
_PROBLEMS: Final = 100  # of one webhook
# webhooks of a run whose problems are reported: one patch causes the same fault in every webhook
# that it matches
MAX_EXPLAINED: Final = 50
_FIXES: Final = {
    "schema/required": "every Webhook needs it, patched or not",
    "schema/additionalProperties": "null in the patch removes what the manifest says",
    "schema/not": "null in the patch removes what the manifest says: {urlFrom: {fromEnv: NAME}, "
    "url: null}",
    "schema/maxProperties": "null in the patch removes what the manifest says: {fromEnv: "
    "null, fromFile: PATH}",
}
_PATCHES: Final[Path] = ("spec", "patches")
Labels = Mapping[str, str]


def merge_patch(
    target: Any,
    patch: Any,
    report_path: Callable[[Path], object] = lambda _path: None,
    path: Path = (),
) -> Any:
    """The target with the patch in it (RFC 7396); neither is changed. `report_path` gets each path
    that the patch set or removed.
    """
    if not isinstance(patch, dict):
        report_path(path)
        return patch
    if not isinstance(target, dict):
        report_path(path)
        target, report_path = {}, lambda _path: None
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
            report_path((*path, key))
        else:
            result[key] = merge_patch(result.get(key), value, report_path, (*path, key))
    return result


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PatchedDocuments:
    """The documents that are left, with their patches applied. `refused_keys` are those that the
    schema refused after patching.
    """

    documents: list[Document]
    refused_keys: frozenset[str] = frozenset()


def apply_patches(
    documents: Sequence[Document],
    tenant: TenantSpec,
    tenant_document: Document,
    problems: list[Problem],
    refused_documents: RefusedDocuments,
    *,
    max_explained: int = MAX_EXPLAINED,
) -> PatchedDocuments:
    """Applies the patches of `tenant_document` to the Webhook documents that the Tenant selects.

    A patch that may match one of the refused documents is not reported as idle. The faults of at
    most `max_explained` patched webhooks are reported.
    """
    patches, remaining = _Patches(tenant_document), MAX_PATCHES
    documents_left: list[Document] = []
    problems_by_key: dict[str, list[Problem]] = {}
    for document in documents:
        numbers = patches.find_matching(document, tenant)
        remaining -= len(numbers)
        if remaining < 0:
            problems.append(_limit_problem(tenant_document))
            return PatchedDocuments([], _list_names(documents))
        patched_document = patches.patch_document(document, numbers) if numbers else document
        if patched_document is document or is_valid("Webhook", patched_document.value):
            documents_left.append(patched_document)
        else:
            name, is_explained = _read_name(document), len(problems_by_key) < max_explained
            problems_by_key[name] = _explain_refusal(patched_document) if is_explained else []
    problems += chain.from_iterable(problems_by_key.values())
    problems += patches.find_idle(documents, tenant, refused_documents)
    return PatchedDocuments(documents_left, frozenset(problems_by_key))


def _list_names(documents: Iterable[Document]) -> frozenset[str]:
    return frozenset(map(_read_name, documents))


def _limit_problem(tenant_document: Document) -> Problem:
    message = f"the patches apply over {MAX_PATCHES:,} times in all"
    return tenant_document.make_problem(
        _PATCHES, "patch/limit", message, "match fewer webhooks", key=True
    )


def _explain_refusal(patched_document: Document) -> list[Problem]:
    """The problems of a patched webhook that the schema refuses."""
    return list(map(_with_fix, check_schema("Webhook", patched_document, _PROBLEMS)))


def _with_fix(problem: Problem) -> Problem:
    """The schema's problem, with its meaning for a patch in the hint."""
    fix = _FIXES.get(problem.rule)
    return (
        problem
        if fix is None
        else replace(problem, hint=fix if problem.hint is None else f"{problem.hint}; {fix}")
    )


def _read_name(document: Document) -> str:
    name: str = document.value["metadata"]["name"]
    return name


def _read_labels(document: Document) -> Labels:
    labels: Labels = document.value["metadata"].get("labels") or {}
    return labels


class _Patches:
    """The patches of one Tenant, found by what they match."""

    def __init__(self, tenant_document: Document) -> None:
        self._document = tenant_document
        self._patches: list[dict[str, Any]] = tenant_document.value["spec"].get("patches", [])
        self._used: set[int] = set()
        self._by_match: dict[object, list[int]] = {}
        for number, patch in enumerate(self._patches):
            self._by_match.setdefault(_index_key(patch["match"]), []).append(number)

    def find_matching(self, document: Document, tenant: TenantSpec) -> list[int]:
        """The numbers of the patches that match a webhook, in the order of their application; none
        if the Tenant does not select it.
        """
        name, labels = _read_name(document), _read_labels(document)
        if not tenant.selects(labels):
            return []
        candidates = [
            number
            for index_key in (None, name, *labels.items())
            for number in self._by_match.get(index_key, ())
        ]
        numbers = sorted(
            number
            for number in candidates
            if _matches(self._patches[number]["match"], name, labels)
        )
        self._used.update(numbers)
        return numbers

    def patch_document(self, document: Document, numbers: Sequence[int]) -> Document:
        """The document with these patches and their positions; unchanged if they set nothing."""
        spec, grafts = document.value["spec"], dict[Path, tuple[Document, Path]]()
        for number in numbers:
            changed_paths: list[Path] = []
            spec = merge_patch(spec, self._patches[number]["patch"], changed_paths.append)
            for path in changed_paths:
                replaced_paths = [
                    graft for graft in grafts if graft[: len(path) + 1] == ("spec", *path)
                ]
                for graft in replaced_paths:
                    del grafts[graft]
                grafts["spec", *path] = self._document, (*_PATCHES, number, "patch", *path)
        value = {**document.value, "spec": spec}
        return (
            Document(value, document.file, document.index, PatchTrace(document, grafts))
            if grafts
            else document
        )

    def find_idle(
        self, documents: Sequence[Document], tenant: TenantSpec, refused_documents: RefusedDocuments
    ) -> Iterator[Problem]:
        """A warning per patch that matched no webhook, unless it may match a refused one."""
        names = _list_names(documents)
        for number, patch in enumerate(self._patches):
            match = patch["match"]
            if number not in self._used and not refused_documents.may_match(
                match.get("name"), match.get("matchLabels", {})
            ):
                path: Path = (*_PATCHES, number, "match")
                message = f"the patch matches no Webhook that Tenant {tenant.name} selects"
                fix = _suggest_fix(match.get("name"), names)
                yield self._document.make_problem(
                    path, "patch/no-match", message, fix, severity="warning", key=True
                )


def _suggest_fix(name: str | None, names: Collection[str]) -> str:
    if name is None:
        return "no such Webhook among the paths has all these labels"
    if name in names:
        return f"{name} is declared: compare its labels with the match and with the Tenant's select"
    return suggest(name, names) or "is the file that declares it among the paths?"


def _index_key(match: dict[str, Any]) -> object:
    """The key under which a patch is found: the name, one of the labels, None if it matches every
    webhook.
    """
    return match.get("name") or next(iter(match.get("matchLabels", {}).items()), None)


def _matches(match: dict[str, Any], name: str, labels: Labels) -> bool:
    match_labels: Labels = match.get("matchLabels", {})
    return match.get("name", name) == name and match_labels.items() <= labels.items()
