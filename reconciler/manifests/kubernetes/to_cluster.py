"""Manifests -> objects that a cluster takes, and the Secrets that they need.

What a cluster has no field for is a problem, unless a run there does without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.core.model.problem import Problem
from reconciler.manifests.kubernetes.names import SecretKey, Use, name_secrets
from reconciler.manifests.kubernetes.references import (
    Json,
    Path,
    list_references,
    name_fields,
    replace_references,
)
from reconciler.manifests.yaml.document import Document

_TENANTS: Final = frozenset({"Tenant", "ClusterTenant"})
_REFUSED: Final = {
    "local": (
        "an embedded tenant in a file cannot be reached from a cluster",
        "give url and token of a tenant that is served",
    ),
    "patches": (
        "a cluster takes no patches",
        "write them as patches of a kustomization: one overlay for each Tenant",
    ),
}
# Each is about files or references that a cluster does not have.
_LEFT_OUT: Final = {
    "catalog": "there is no file beside an object",
    "secrets": "the operator reads Secrets of the namespace only",
}
_FROM: Final = {"url": "urlFrom", "username": "usernameFrom"}
_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_LABEL: Final = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_NAME: Final = re.compile(rf"(?:(?=.{{1,253}}/){_NAME.pattern}/)?(?=.){_LABEL.pattern}")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Objects:
    """The objects in the order of application, each with its manifest; the uses of each key of a
    Secret; what was left out, in words; and what is wrong.
    """

    objects: tuple[tuple[Json, Document], ...]
    secrets: Mapping[SecretKey, tuple[Use, ...]]
    left_out: tuple[str, ...]
    problems: tuple[Problem, ...]


_ORDER: Final = ("ClusterTenant", "Tenant", "Policy", "Webhook", "EventSubscription")


def convert(kinds: Mapping[str, Iterable[Document]], namespace: str | None) -> Objects:
    """The objects of valid documents by kind, in a namespace if one is given."""
    problems = [_refuse_product(document) for document in kinds.get("Product", ())]
    left_out: list[str] = []
    documents = [
        document
        for kind in _ORDER
        for document in sorted(kinds.get(kind, ()), key=lambda each: _get_name(each.value))
    ]
    for document in documents:
        problems += _check(document)
    uses = {id(document): dict(_list_uses(document)) for document in documents}
    names = name_secrets(use for found in uses.values() for use in found.values())
    objects = []
    for document in documents:
        keys = {path: names[use.identify()] for path, use in uses[id(document)].items()}
        objects.append((_make_object(document, keys, namespace, left_out), document))
    secrets: dict[SecretKey, list[Use]] = {}
    for use in (use for found in uses.values() for use in found.values()):
        secrets.setdefault(names[use.identify()], []).append(use)
    grouped = {key: tuple(secrets[key]) for key in sorted(secrets, key=_sort_key)}
    return Objects(tuple(objects), grouped, tuple(left_out), tuple(problems))


def _get_name(value: Mapping[str, Any]) -> str:
    return str(value["metadata"]["name"])


def _sort_key(key: SecretKey) -> tuple[bool, str, str]:
    return key.is_of_operator, key.secret, key.key


def _refuse_product(document: Document) -> Problem:
    return document.make_problem(
        ("kind",),
        "kubernetes/product",
        "a cluster has no kind Product: the operator knows the built-in product files only",
        "leave it out of the PATHs; Tenants of this product stay with pipeline or agent",
    )


def _check(document: Document) -> Iterator[Problem]:
    """What a cluster does not take."""
    value = document.value
    metadata, spec = value["metadata"], value["spec"]
    if not _NAME.fullmatch(metadata["name"]):
        yield document.make_problem(
            ("metadata", "name"),
            "kubernetes/name",
            f"Kubernetes takes no name such as {metadata['name']}",
            "use a-z, 0-9 and -, with a letter or digit around every dot",
        )
    for name, label in metadata.get("labels", {}).items():
        if not (_LABEL_NAME.fullmatch(name) and _LABEL.fullmatch(label)):
            yield document.make_problem(
                ("metadata", "labels", name),
                "kubernetes/label",
                f"Kubernetes takes no such label: {name}",
                "use up to 63 of A-Z, a-z, 0-9, -, _ and .; begin and end with a letter or digit",
            )
    for name, text in metadata.get("annotations", {}).items():
        if not isinstance(text, str):
            yield document.make_problem(
                ("metadata", "annotations", name),
                "kubernetes/annotation",
                f"the annotation {name} is no text",
                "Kubernetes takes texts only: put it in quotes",
            )
    for name in spec if value["kind"] in _TENANTS else ():
        if name in _REFUSED:
            message, hint = _REFUSED[name]
            yield document.make_problem(("spec", name), "kubernetes/field", message, hint)


def _list_uses(document: Document) -> Iterator[tuple[Path, Use]]:
    value, file = document.value, document.file
    fields = name_fields(value)
    for path, reference in list_references(value):
        origin = document.locate(path)
        yield (
            path,
            Use(value["kind"], _get_name(value), fields[path], reference, file.folder, origin),
        )


def _make_object(
    document: Document, keys: Mapping[Path, SecretKey], namespace: str | None, left_out: list[str]
) -> Json:
    value = document.value
    made = replace_references(value, lambda path, _: _make_reference(keys[path]))
    made = {name: made[name] for name in ("apiVersion", "kind", "metadata", "spec")}
    made["metadata"] = _make_metadata(value, namespace)
    spec = made["spec"]
    if value["kind"] in _TENANTS:
        for name in _LEFT_OUT.keys() & spec:
            del spec[name]
            where = f"{document.origin.file}: spec.{name}"
            left_out.append(f"{where} of {_get_name(value)}: {_LEFT_OUT[name]}")
    if value["kind"] != "Policy":
        made["spec"] = _make_single_types(spec)
    return made


def _make_reference(key: SecretKey) -> Json:
    return {"fromSecret": {"name": key.secret, "key": key.key}}


def _make_metadata(value: Mapping[str, Any], namespace: str | None) -> Json:
    metadata = dict(value["metadata"])
    namespace = namespace or metadata.get("namespace")
    made = {"name": metadata.pop("name")}
    metadata.pop("namespace", None)
    if namespace and value["kind"] != "ClusterTenant":
        made["namespace"] = namespace
    return made | metadata


def _make_single_types(spec: Json) -> Json:
    """The spec with one type for each field: a text or a reference is two fields, one text or a
    list of them is a list.
    """
    made = _rename(spec)
    if "auth" in made:
        made["auth"] = _rename(made["auth"])
    if "scopes" in made:
        made["scopes"] = {name: _make_list(item) for name, item in made["scopes"].items()}
    if "events" in made:
        made["events"] = [
            {name: _make_list(item) if name == "severity" else item for name, item in event.items()}
            for event in made["events"]
        ]
    return made


def _rename(fields: Json) -> Json:
    return {
        _FROM[name] if name in _FROM and isinstance(item, Mapping) else name: item
        for name, item in fields.items()
    }


def _make_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
