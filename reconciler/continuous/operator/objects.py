"""Objects of our kinds as the API server returns them, and the table of the kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

GROUP: Final = "webhooks.reconciler"
VERSION: Final = "v1"
FINALIZER: Final = f"{GROUP}/tenant"
ACCEPT: Final = f"{GROUP}/accept"  # annotation: the digest of a plan that may pass
TEST: Final = f"{GROUP}/test"  # annotation of a Webhook: any new value asks for a test delivery
REQUEST: Final = f"{GROUP}/request"  # annotation: any new value asks for a run
SHARD: Final = f"sharding.{GROUP}/key"  # label: the shard of a Tenant
_READ: Final = (ACCEPT, REQUEST, TEST)


@dataclass(frozen=True, slots=True)
class Kind:
    """One of our kinds. `has_finalizer`: its deletion has to be seen before it is gone."""

    name: str
    plural: str
    is_namespaced: bool = True
    has_finalizer: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("Webhook", "webhooks", has_finalizer=True),
        Kind("EventSubscription", "eventsubscriptions", has_finalizer=True),
        Kind("Tenant", "tenants", has_finalizer=True),
        Kind("ClusterTenant", "clustertenants", is_namespaced=False),
        Kind("Policy", "policies"),
    )
}
Key = tuple[str, str, str]  # kind, namespace ("" for cluster scope), name


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """One object. `version` is its resourceVersion; `annotations` holds those that we read."""

    kind: str
    namespace: str
    name: str
    uid: str
    version: str
    generation: int = 0
    is_deleting: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict, repr=False)
    status: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> Key:
        """Kind, namespace and name."""
        return self.kind, self.namespace, self.name

    @property
    def has_finalizer(self) -> bool:
        """Whether our finalizer is on it."""
        return FINALIZER in self.finalizers

    def is_same(self, other: Object) -> bool:
        """Whether a run would see no difference between them: status and finalizers aside."""
        return (
            self.uid == other.uid
            and self.is_deleting == other.is_deleting
            and self.labels == other.labels
            and self.annotations == other.annotations
            and self.spec == other.spec
        )

    @property
    def deletion_policy(self) -> str:
        """What becomes of the webhook at the tenant when this object is deleted."""
        return str(self.spec.get("deletionPolicy", "Delete"))


def decode_object(body: Mapping[str, Any]) -> Object | None:
    """An object out of its JSON form; None for one of another kind or without name and uid."""
    meta = body.get("metadata") or {}
    name, uid, kind = meta.get("name"), meta.get("uid"), body.get("kind")
    if not (isinstance(kind, str) and isinstance(name, str) and isinstance(uid, str)):
        return None
    if kind not in KINDS:
        return None
    annotations = meta.get("annotations") or {}
    return Object(
        kind=kind,
        namespace=str(meta.get("namespace") or ""),
        name=name,
        uid=uid,
        version=str(meta.get("resourceVersion") or ""),
        generation=int(meta.get("generation") or 0),
        is_deleting=bool(meta.get("deletionTimestamp")),
        labels=dict(meta.get("labels") or {}),
        annotations={key: str(annotations[key]) for key in _READ if key in annotations},
        finalizers=tuple(meta.get("finalizers") or ()),
        spec=dict(body.get("spec") or {}),
        status=dict(body.get("status") or {}),
    )
