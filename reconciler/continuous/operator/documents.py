"""Objects of a namespace as manifests: the tree that one run of a Tenant reads. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.continuous.operator.objects import ACCEPT, GROUP, KINDS, VERSION, Object
from reconciler.manifests.files.object_tree import FILE_NAME, ObjectTree

ROOT: Final = "/cluster"
_CLUSTER_TENANT: Final = ".cluster-tenant"  # marks the Secret of a ClusterTenant


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Objects:
    """The objects of one run: a Tenant or ClusterTenant, and those of the namespace.

    `cluster` is the uid of the cluster. `is_terminating` says that the namespace is being deleted:
    then every webhook in it is. `tenants` are all that manage objects of the namespace.
    """

    namespace: str
    tenant: Object
    others: tuple[Object, ...]
    cluster: str
    is_terminating: bool = False
    tenants: tuple[Object, ...] = ()

    def list_kind(self, kind: str) -> list[Object]:
        """Those of a kind."""
        return [item for item in self.others if item.kind == kind]

    def is_removed(self, item: Object) -> bool:
        """Whether its deletion is wanted at the tenant."""
        is_orphan = item.kind == "Webhook" and item.deletion_policy == "Orphan"
        return (item.is_deleting or self.is_terminating) and not is_orphan

    def is_declared(self, item: Object) -> bool:
        """Whether a run reads it."""
        return not (item.is_deleting or self.is_terminating)

    def make_revision(self) -> str:
        """A short name of this state of the objects."""
        facts = [
            (item.kind, item.name, item.uid, item.generation, item.is_deleting)
            for item in (self.tenant, *self.others)
        ]
        return "objects-" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Documents:
    """The tree of a run, the paths that it reads, and the folder of the policies if there are
    any.
    """

    tree: ObjectTree
    paths: tuple[str, ...]
    policies: str | None
    objects: Mapping[str, Object]  # by the path that problems show


def make_documents(objects: Objects) -> Documents:
    """The manifests of a run. A webhook that is being deleted is evidence of its removal, and no
    document.
    """
    folder = f"{ROOT}/{objects.namespace}"
    documents = {f"{folder}/{FILE_NAME}": _make_text(_make_tenant(objects))}
    removed, paths, policies = set(), [f"{folder}/{FILE_NAME}"], None
    for item in objects.others:
        path = find_folder(item)
        if item.kind == "Policy":
            policies = f"{folder}/policies"
        elif objects.is_declared(item) or objects.is_removed(item):
            paths.append(path)
        if objects.is_declared(item):
            documents[f"{path}/{FILE_NAME}"] = _make_text(_make_document(item))
        elif objects.is_removed(item):
            removed.add(f"{path}/{FILE_NAME}")
    origin = f"cluster.{objects.cluster}/{objects.namespace}"
    tree = ObjectTree(ROOT, documents, origin, frozenset(removed))
    shown = {tree.show_path(f"{find_folder(item)}/{FILE_NAME}"): item for item in objects.others}
    shown[tree.show_path(f"{folder}/{FILE_NAME}")] = objects.tenant
    return Documents(tree, tuple(paths), policies, shown)


def find_folder(item: Object) -> str:
    """The folder of an object's document."""
    return f"{ROOT}/{item.namespace}/{KINDS[item.kind].plural}/{item.name}"


def list_secrets(spec: object) -> Iterator[tuple[str, str]]:
    """Name and key of every Secret that a spec references."""
    if isinstance(spec, Mapping):
        found = spec.get("fromSecret")
        if isinstance(found, Mapping):
            yield str(found.get("name")), str(found.get("key"))
        for value in spec.values():
            yield from list_secrets(value)
    elif isinstance(spec, list | tuple):
        for value in spec:
            yield from list_secrets(value)


def mark_secret(name: str) -> str:
    """The name under which the Secret of a ClusterTenant is known to a run: no Webhook of a
    namespace may reference it.
    """
    return f"{name}{_CLUSTER_TENANT}"


def name_own_secret(name: str) -> str:
    """The name under which a Secret of the namespace is known to a run: never that of a
    ClusterTenant's.
    """
    return f"{name}.own" if name.endswith(_CLUSTER_TENANT) else name


def _make_document(item: Object, rename: Callable[[str], str] = name_own_secret) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": item.name}
    if item.labels:
        metadata["labels"] = dict(item.labels)
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": item.kind,
        "metadata": metadata,
        "spec": _rename_secrets(item.spec, rename),
    }


def _make_tenant(objects: Objects) -> dict[str, Any]:
    """The Tenant, with the digest of its annotation among the accepted ones. A ClusterTenant is a
    Tenant of the namespace, with an owner of its own in each.
    """
    item = objects.tenant
    is_shared = item.kind == "ClusterTenant"
    document = _make_document(item, mark_secret if is_shared else name_own_secret)
    spec = document["spec"]
    if ACCEPT in item.annotations:
        spec["accept"] = [*spec.get("accept", ()), *item.annotations[ACCEPT].split()]
    if is_shared:
        document["kind"] = "Tenant"
        spec.pop("allowedNamespaces", None)
        spec["owner"] = f"{spec.get('owner', '')}.{objects.namespace}"
    return document


def _rename_secrets(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: {**item, "name": rename(str(item.get("name")))}
            if key == "fromSecret" and isinstance(item, Mapping)
            else _rename_secrets(item, rename)
            for key, item in value.items()
        }
    return [_rename_secrets(each, rename) for each in value] if isinstance(value, list) else value


def _make_text(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def find_address(item: Object, namespace: str) -> str:
    """What a Tenant manages in a namespace: one product address, target and owner. Two of one
    address would undo each other's work.
    """
    spec, url = item.spec, item.spec.get("url", "")
    owner = spec.get("owner", "")
    facts = [
        spec.get("provider", "tenant"),
        url.rstrip("/").lower() if isinstance(url, str) else [namespace, url],
        spec.get("target"),
        f"{owner}.{namespace}" if item.kind == "ClusterTenant" else owner,
    ]
    return json.dumps(facts, sort_keys=True, default=str)


def selects(tenant: Object, item: Object) -> bool:
    """Whether a Tenant manages a Webhook, by `spec.select`."""
    labels = (tenant.spec.get("select") or {}).get("matchLabels") or {}
    return bool(labels.items() <= item.labels.items())
