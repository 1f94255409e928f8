"""Objects of a cluster -> manifests of the command line, and the variables that they need.

An object is what `kubectl get -o yaml` prints: what the API server and controllers wrote into it is
dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.core.model.problem import Problem
from reconciler.manifests.kubernetes.names import SecretKey, name_variables
from reconciler.manifests.kubernetes.references import Json, list_references, replace_references
from reconciler.manifests.schema_texts import API
from reconciler.manifests.secret_sources.cluster import SOURCE as FROM_SECRET
from reconciler.manifests.yaml.document import Document

_KINDS: Final = ("Tenant", "Policy", "Webhook", "EventSubscription")
# Annotations and labels of tools that apply objects; nothing of them is the user's.
_OF_TOOLS: Final = (
    "kubectl.kubernetes.io/",
    "argocd.argoproj.io/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    "webhooks.reconciler/",
    "sharding.webhooks.reconciler/",
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Manifests:
    """The manifests with the objects they are made of; the variable for each key of a Secret; what
    was left out, in words; how many documents are of other kinds; what is wrong; and the
    namespace, if the objects have one.
    """

    documents: tuple[tuple[Json, Document], ...]
    variables: Mapping[SecretKey, str]
    left_out: tuple[str, ...]
    skipped: int
    problems: tuple[Problem, ...]
    namespace: str | None = None


def convert(documents: Iterable[Document], namespace: str | None) -> Manifests:
    """The manifests of objects, of one namespace if one is given."""
    left_out: list[str] = []
    found: list[tuple[Json, Document]] = []
    skipped = 0
    for document in (item for each in documents for item in _unwrap(each)):
        value = document.value
        if value.get("apiVersion") != API:
            skipped += 1
        elif reason := _find_reason(value, namespace):
            left_out.append(f"{document.origin}: {value.get('kind')} {_get_name(value)}: {reason}")
        else:
            found.append((_clean(value), document))
    namespaces = sorted({value["metadata"].get("namespace", "") for value, _ in found} - {""})
    problems = [*_check_namespaces(found, namespaces), *_check_unique(found)]
    variables = name_variables(key for value, _ in found for key in _list_secrets(value))
    made = sorted(
        ((_convert(value, variables), document) for value, document in found),
        key=lambda pair: (_KINDS.index(pair[0]["kind"]), _get_name(pair[0])),
    )
    only = namespaces[0] if len(namespaces) == 1 else None
    return Manifests(tuple(made), variables, tuple(left_out), skipped, tuple(problems), only)


def _unwrap(document: Document) -> Iterator[Document]:
    """The document, or the items of a `List` or `WebhookList`."""
    value = document.value
    items = value.get("items")
    if not (str(value.get("kind", "")).endswith("List") and isinstance(items, list)):
        yield document
        return
    marks = document.file.marks.get(id(items), [document.index] * (len(items) + 1))
    kind = str(value["kind"]).removesuffix("List")
    for item, index in zip(items, marks[1:], strict=True):
        if isinstance(item, dict):
            own = {"apiVersion": value.get("apiVersion"), "kind": kind} if kind else {}
            yield replace(document, value=own | item, index=index)


def _get_name(value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""


def _find_reason(value: Json, namespace: str | None) -> str:
    """Why an object is left out, "" if it is not."""
    metadata = value.get("metadata")
    if value.get("kind") == "ClusterTenant":
        return "write a Tenant for each of its namespaces, with the owner OWNER.NAMESPACE"
    if (
        value.get("kind") not in _KINDS
        or not isinstance(metadata, Mapping)
        or "name" not in metadata
    ):
        return "is no object of a known kind with a name"
    if not isinstance(value.get("spec"), Mapping):
        return "has no spec"
    if metadata.get("deletionTimestamp"):
        return "is being deleted"
    if namespace and metadata.get("namespace", namespace) != namespace:
        return f"is in the namespace {metadata['namespace']}"
    return ""


def _clean(value: Json) -> Json:
    """What the user wrote of an object. The namespace stays for now."""
    metadata = value["metadata"]
    made = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
    for group in ("labels", "annotations"):
        kept = {
            name: text
            for name, text in (metadata.get(group) or {}).items()
            if not name.startswith(_OF_TOOLS)
        }
        made |= {group: kept} if kept else {}
    return {
        "apiVersion": value["apiVersion"],
        "kind": value["kind"],
        "metadata": made,
        "spec": value["spec"],
    }


def _list_secrets(value: Json) -> Iterator[SecretKey]:
    for _path, reference in list_references(value):
        key = _find_key(reference)
        if key is not None:
            yield key


def _find_key(reference: Mapping[str, Any]) -> SecretKey | None:
    """The key of a Secret that a reference is about, None if the schema takes no such reference."""
    found = reference.get(FROM_SECRET)
    if not isinstance(found, Mapping) or set(found) != {"name", "key"}:
        return None
    return SecretKey(str(found["name"]), str(found["key"]))


def _convert(value: Json, variables: Mapping[SecretKey, str]) -> Json:
    def make(_path: object, reference: Mapping[str, Any]) -> Mapping[str, Any]:
        key = _find_key(reference)
        return reference if key is None else {"fromEnv": variables[key]}

    made = replace_references(value, make)
    made["metadata"] = {
        name: item for name, item in made["metadata"].items() if name != "namespace"
    }
    return made


def _check_namespaces(found: list[tuple[Json, Document]], names: list[str]) -> Iterator[Problem]:
    if len(names) > 1:
        yield found[0][1].make_problem(
            (),
            "kubernetes/namespace",
            f"the objects are of {len(names)} namespaces: {', '.join(names[:5])}",
            "choose one with --namespace: a Tenant is about the objects of its namespace",
        )


def _check_unique(found: list[tuple[Json, Document]]) -> Iterator[Problem]:
    seen: dict[tuple[str, str, str], Document] = {}
    for value, document in found:
        metadata = value["metadata"]
        key = (value["kind"], metadata.get("namespace", ""), metadata["name"])
        first = seen.setdefault(key, document)
        if first is not document:
            message = f"{key[0]} {key[2]} is there twice; the other one is at {first.origin}"
            hint = "remove one of them"
            yield document.make_problem((), "kubernetes/duplicate", message, hint)
