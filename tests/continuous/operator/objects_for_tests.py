"""Objects, results and an API server in memory, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from reconciler.continuous.operator.cluster import ClusterFailed, Lease
from reconciler.continuous.operator.objects import FINALIZER, Object
from reconciler.continuous.results import Result, State

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENT = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": ["info"]}


def make(kind: str, name: str, namespace: str = "payments", **fields: Any) -> Object:
    """An object; `spec` and others by keyword."""
    given = {"uid": f"uid-{namespace}-{kind}-{name}", "version": "1", "generation": 1} | fields
    return Object(kind, namespace, name, **given)


def make_tenant(name: str = "production", namespace: str = "payments", **spec: Any) -> Object:
    token = {"fromSecret": {"name": "tenant", "key": "token"}}
    base = {"provider": "tenant", "url": "https://t.example.com/v1", "token": token, "owner": "pay"}
    kind = "Tenant" if namespace else "ClusterTenant"
    return make(kind, name, namespace, spec=base | spec)


def make_webhook(name: str, namespace: str = "payments", **fields: Any) -> Object:
    spec = {"url": f"https://hooks.example.com/{name}", "events": [EVENT]} | fields.pop("spec", {})
    return make("Webhook", name, namespace, spec=spec, **fields)


def make_result(state: State, **fields: Any) -> Result:
    return Result("run", "payments/production", "objects-1", state, NOW, 0.1, "apply", **fields)


@dataclass
class MemoryCluster:
    """An API server with what the operator asks of it; it behaves as a real one was seen to."""

    secrets: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    terminating: set[str] = field(default_factory=set)
    kinds_gone: frozenset[str] = frozenset()
    objects: dict[str, Object] = field(default_factory=dict)  # by uid
    leases: dict[str, Lease] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    is_away: bool = False
    version: int = 0

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.is_away:
            raise ClusterFailed("the API server does not answer")

    async def list_kind(self, kind: str, namespaces: tuple[str, ...] = ()) -> list[Object]:
        self._note(f"list {kind}")
        return [
            each
            for each in self.objects.values()
            if each.kind == kind and (not namespaces or each.namespace in namespaces)
        ]

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        self._note(f"secret {namespace}/{name}")
        return self.secrets.get((namespace, name))

    async def is_terminating(self, namespace: str) -> bool:
        self._note(f"namespace {namespace}")
        return namespace in self.terminating

    async def find_terminating_kinds(self) -> frozenset[str]:
        self._note("definitions")
        return self.kinds_gone

    async def read_uid(self) -> str:
        self._note("uid")
        return "cluster-uid"

    async def set_finalizer(self, item: Object, *, present: bool) -> bool:
        self._note(f"finalizer {item.name} {present}")
        if item.uid not in self.objects:
            return False
        finalizers = (FINALIZER,) if present else ()
        self.objects[item.uid] = replace(self.objects[item.uid], finalizers=finalizers)
        return True

    async def apply_status(self, item: Object, status: Mapping[str, Any]) -> bool:
        self._note(f"status {item.name}")
        if item.uid not in self.objects:
            return False
        self.objects[item.uid] = replace(self.objects[item.uid], status=status)
        return True

    async def emit(self, item: Object, reason: str, message: str, *, is_warning: bool) -> None:
        self._note(f"event {item.name} {reason} {is_warning} {message}")

    async def read_lease(self, namespace: str, name: str) -> Lease | None:
        self._note(f"lease {namespace}/{name}")
        return self.leases.get(name)

    async def write_lease(self, namespace: str, lease: Lease) -> Lease | None:
        self._note(f"write {namespace}/{lease.name} {lease.holder}")
        old = self.leases.get(lease.name)
        if (old.version if old else "") != lease.version:
            return None
        self.version += 1
        self.leases[lease.name] = written = replace(lease, version=str(self.version))
        return written
