"""Desired state from the objects of a cluster: one item per Tenant and namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.continuous.operator.cache import Cache
from reconciler.continuous.operator.cluster import Cluster, ClusterFailed
from reconciler.continuous.operator.documents import (
    Documents,
    Objects,
    find_address,
    list_secrets,
    make_documents,
    mark_secret,
    name_own_secret,
)
from reconciler.continuous.operator.last_state import find_base, find_tests
from reconciler.continuous.operator.objects import KINDS, SHARD, Object
from reconciler.continuous.source import Desired
from reconciler.core.errors import ReconcilerError
from reconciler.core.model.schedule import Schedule
from reconciler.manifests import (
    InputFiles,
    PolicyChoice,
    Request,
    SecretLookup,
    TenantChoice,
    load,
)
from reconciler.manifests.secret_sources import FetchCache
from reconciler.providers import registry

_AT_ONCE: Final = 10  # requests
Secrets = dict[tuple[str, str], str | None]


class NotUsable(ReconcilerError):
    """The objects may not be used now: nothing is written."""

    kind = "cluster"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClusterSettings:
    """`namespace` is the operator's own, where ClusterTenants have their Secrets. `holds` says
    whether this replica runs the Tenants of a namespace, by their shard label and its name.
    """

    namespace: str
    lookup: SecretLookup
    holds: Callable[[str | None, str], bool] = field(default=lambda _label, _namespace: True)


class ClusterSource:
    """The Tenants of the cache. `cluster_uid` is known once the operator started."""

    def __init__(self, cache: Cache, cluster: Cluster, settings: ClusterSettings) -> None:
        self._cache, self._cluster, self._settings = cache, cluster, settings
        self._schedules: dict[tuple[str, int, str], Schedule] = {}
        self._addresses: dict[tuple[str, int, str], str] = {}  # by uid, generation and namespace
        self._last_secrets: dict[tuple[str, str], Mapping[str, str]] = {}
        self._finalized: set[str] = set()  # uids of objects that got our finalizer
        self.cluster_uid = ""
        self.leaving: set[str] = set()  # uids of Tenants that are deleted without their namespace
        self.runs: dict[str, tuple[Objects, Documents]] = {}

    @property
    def revision(self) -> str:
        """As `Source` says: each Tenant has its own."""
        return ""

    @property
    def tenants(self) -> Mapping[str, Schedule]:
        """The schedule of each item that this replica runs."""
        return {
            key: self._find_schedule(item)
            for namespace in self._cache.list_namespaces()
            if self.holds(namespace)
            for key, item in self.list_items(namespace)
        }

    def holds(self, namespace: str) -> bool:
        """Whether this replica runs the Tenants of the namespace, and takes care of its objects."""
        items = (item for _, item in self.list_items(namespace))
        label = next((item.labels[SHARD] for item in items if SHARD in item.labels), None)
        return self._settings.holds(label, namespace)

    def list_items(self, namespace: str) -> Iterator[tuple[str, Object]]:
        """Key and Tenant of each item of a namespace: `namespace/name`, and for a ClusterTenant
        `namespace/name@cluster` in each namespace with Webhooks that it allows. A Tenant that is
        being deleted is one until it is known that its namespace stays.
        """
        for item in self._cache.list_objects(namespace, "Tenant"):
            if item.uid not in self.leaving:
                yield f"{namespace}/{item.name}", item
        if self._cache.has_kind(namespace, "Webhook"):
            for item in self._cache.list_objects("", "ClusterTenant"):
                if not item.is_deleting and _allows(item, namespace):
                    yield f"{namespace}/{item.name}@cluster", item

    def find_affected(self, item: Object) -> list[str]:
        """The keys of the items that an object belongs to. If a Tenant goes or comes, all of its
        namespace are.
        """
        if item.namespace:
            return [key for key, _ in self.list_items(item.namespace)]
        return [
            key
            for namespace in self._cache.list_namespaces()
            for key, each in self.list_items(namespace)
            if each.key == item.key
        ]

    def forget(self, item: Object) -> None:
        """An object is gone."""
        self._finalized.discard(item.uid)
        self.leaving.discard(item.uid)
        if item.kind in {"Tenant", "ClusterTenant"}:
            self._schedules = {k: v for k, v in self._schedules.items() if k[0] != item.uid}
            self._addresses = {k: v for k, v in self._addresses.items() if k[0] != item.uid}

    def _find_schedule(self, item: Object) -> Schedule:
        """The schedule of a Tenant; the usual one if it cannot be read: its run says why."""
        known = (item.uid, item.generation, str(sorted(item.annotations.items())))
        if known not in self._schedules:
            objects = Objects(item.namespace or "-", item, (), "")
            documents = make_documents(objects)
            request = self._make_request(documents, item.name, {})
            try:
                [spec] = load(replace(request, only_tenants=True)).tenants
                self._schedules[known] = spec.schedule
            except ReconcilerError:
                self._schedules[known] = Schedule()
        return self._schedules[known]

    async def read(self, key: str) -> Desired:
        """What the objects declare. Raises NotUsable while the cluster is in no state to be
        trusted.
        """
        try:
            objects = self._take_objects(key)
            self._refuse_twins(key, objects.tenant)
            objects = await self._check_deletions(objects)
            documents = make_documents(objects)
            self.runs[key] = objects, documents
            if objects.tenant.spec.get("mode") != "report":
                await self._add_finalizers(objects)
            secrets = await self._read_secrets(objects)
        except ClusterFailed as error:
            raise NotUsable(str(error)) from None
        request = self._make_request(documents, objects.tenant.name, secrets)
        manifests = await asyncio.to_thread(load, request)
        base, tests = find_base(objects, manifests), find_tests(objects)
        return Desired(manifests, objects.make_revision(), base, tests)

    def _take_objects(self, key: str) -> Objects:
        """The objects of a run as they are known now."""
        namespace = key.partition("/")[0]
        items = dict(self.list_items(namespace))
        tenant = items.get(key)
        if tenant is None:
            raise NotUsable(f"{key}: there is no such Tenant any more")
        others = [
            item for kind in KINDS for item in self._cache.list_objects(namespace, kind)
            if kind not in {"Tenant", "ClusterTenant"}
        ]  # fmt: skip
        tenants = tuple(items.values())
        objects = Objects(namespace, tenant, tuple(others), self.cluster_uid, tenants=tenants)
        self.runs[key] = objects, make_documents(objects)
        return objects

    async def _check_deletions(self, objects: Objects) -> Objects:
        """Whether deletions are meant, is asked after the objects were taken: of a namespace or a
        definition that goes with everything in it, the mark is older than those of its objects.
        """
        if not any(item.is_deleting for item in (objects.tenant, *objects.others)):
            return objects
        if gone := await self._cluster.find_terminating_kinds():
            raise NotUsable(
                f"the CustomResourceDefinition of {', '.join(sorted(gone))} is missing or being "
                "deleted: nothing is written; `reconciler operator release` removes the finalizers"
            )
        is_terminating = await self._cluster.is_terminating(objects.namespace)
        if objects.tenant.is_deleting and not is_terminating:
            raise NotUsable("the Tenant is being deleted: its webhooks stay as they are")
        return replace(objects, is_terminating=is_terminating)

    def _refuse_twins(self, key: str, tenant: Object) -> None:
        """Raises NotUsable if another Tenant manages the same webhooks."""
        address = self._find_address(tenant, key.partition("/")[0])
        twins = [
            other
            for namespace in self._cache.list_namespaces()
            for other, each in self.list_items(namespace)
            if other != key and self._find_address(each, namespace) == address
        ]
        if twins:
            raise NotUsable(
                f"{', '.join(twins)} has the same address, target and owner: nothing is written "
                "for either; give each its own owner"
            )

    def _find_address(self, item: Object, namespace: str) -> str:
        known = (item.uid, item.generation, namespace)
        if known not in self._addresses:
            self._addresses[known] = find_address(item, namespace)
        return self._addresses[known]

    async def _add_finalizers(self, objects: Objects) -> None:
        """Our finalizer on everything whose deletion has to be seen, before anything is created."""
        missing = [
            item
            for item in (objects.tenant, *objects.others)
            if KINDS[item.kind].has_finalizer
            and not (item.is_deleting or item.has_finalizer or item.uid in self._finalized)
        ]
        room = asyncio.Semaphore(_AT_ONCE)

        async def add(item: Object) -> None:
            async with room:
                is_there = await self._cluster.set_finalizer(item, present=True)
            if not is_there:
                raise NotUsable(f"{item.kind} {item.name} was deleted before it was applied")
            self._finalized.add(item.uid)

        await asyncio.gather(*map(add, missing))

    async def _read_secrets(self, objects: Objects) -> Secrets:
        """The values of every Secret that is referenced. Those of a namespace that is being deleted
        are gone before its webhooks: then the last ones that were read are used.
        """
        is_shared = objects.tenant.kind == "ClusterTenant"
        home = self._settings.namespace if is_shared else objects.namespace
        found: Secrets = {}
        wanted = [(home, name, key, is_shared) for name, key in list_secrets(objects.tenant.spec)]
        for item in objects.others:
            if objects.is_declared(item):
                wanted += [(objects.namespace, *ref, False) for ref in list_secrets(item.spec)]
        names = {(namespace, name) for namespace, name, _, _ in wanted}
        room = asyncio.Semaphore(_AT_ONCE)

        async def read(name: tuple[str, str]) -> Mapping[str, str]:
            async with room:
                return await self._read_secret(*name, objects)

        texts = dict(zip(names, await asyncio.gather(*map(read, names)), strict=True))
        for namespace, name, key, is_marked in wanted:
            value = texts[namespace, name].get(key) or None
            found[mark_secret(name) if is_marked else name_own_secret(name), key] = value
        return found

    async def _read_secret(self, namespace: str, name: str, objects: Objects) -> Mapping[str, str]:
        values = await self._cluster.read_secret(namespace, name)
        if values is not None:
            self._last_secrets[namespace, name] = values
            return values
        if objects.is_terminating:
            return self._last_secrets.get((namespace, name), {})
        self._last_secrets.pop((namespace, name), None)
        return {}

    def _make_request(self, documents: Documents, tenant: str, secrets: Secrets) -> Request:
        return Request(
            find=registry.capabilities,
            files=InputFiles(documents.paths, tree=documents.tree),
            env={},
            tenant=TenantChoice(tenant, option="the name of a Tenant"),
            secrets=replace(self._settings.lookup, cluster=secrets, once=FetchCache()),
            policies=PolicyChoice("read" if documents.policies else "ignore", documents.policies),
        )

    def note_applied(self, key: str, revision: str) -> None:
        """The status of the objects says it."""


def _allows(tenant: Object, namespace: str) -> bool:
    allowed = tenant.spec.get("allowedNamespaces") or ()
    return "*" in allowed or namespace in allowed
