"""The kinds that a cluster knows: names, scope, printed columns, and the fields that are left out.

A Product is no kind of a cluster: the operator has the built-in product files only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Column = tuple[str, str, str]  # name, type, JSONPath


def _condition(kind: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].status'


READY: Final = ("READY", "string", _condition("Ready"))
SYNCED: Final = ("SYNCED", "string", _condition("Synced"))
DRIFT: Final = ("DRIFT", "string", _condition("Drifted"))
EVENTS: Final = ("EVENTS", "integer", ".status.events")
HOST: Final = ("HOST", "string", ".status.host")
WEBHOOKS: Final = ("WEBHOOKS", "integer", ".status.webhookCount")
AGE: Final = ("AGE", "date", ".metadata.creationTimestamp")

# Each of them would read a file beside the manifest, which a cluster does not have, or is about
# references that a cluster does not take. Overlays of patches are kustomize's job there: nulls,
# which mean "remove", are no values of a structural schema.
_NOT_IN_A_CLUSTER: Final = frozenset({"spec.local", "spec.catalog", "spec.secrets", "spec.patches"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `schema` is the name of its JSON Schema; `selectable` are JSONPaths of fields that
    field selectors may use; `left_out` are paths of fields that a cluster does not have.
    """

    name: str
    schema: str
    plural: str
    short: str
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()
    scope: Literal["Namespaced", "Cluster"] = "Namespaced"
    left_out: frozenset[str] = frozenset()

    def make_names(self) -> Mapping[str, Any]:
        """The names of a CustomResourceDefinition."""
        return {
            "kind": self.name,
            "listKind": f"{self.name}List",
            "plural": self.plural,
            "singular": self.name.lower(),
            "shortNames": [self.short],
            "categories": ["reconciler"],
        }


_TENANT_COLUMNS: Final = (READY, DRIFT, HOST, ("NEXT", "string", ".status.nextRun"), AGE)

KINDS: Final = (
    Kind(
        "Webhook",
        "webhook",
        "webhooks",
        "whk",
        (READY, SYNCED, DRIFT, EVENTS, HOST, AGE),
        (".spec.name", ".spec.url"),
    ),
    Kind(
        "EventSubscription",
        "event-subscription",
        "eventsubscriptions",
        "evsub",
        (READY, ("WEBHOOK", "string", ".spec.webhook"), WEBHOOKS, EVENTS, AGE),
        (".spec.webhook",),
    ),
    Kind(
        "Tenant",
        "tenant",
        "tenants",
        "wht",
        _TENANT_COLUMNS,
        (".spec.owner", ".spec.provider"),
        left_out=_NOT_IN_A_CLUSTER,
    ),
    Kind(
        "ClusterTenant",
        "cluster-tenant",
        "clustertenants",
        "cwht",
        _TENANT_COLUMNS,
        (".spec.owner", ".spec.provider"),
        scope="Cluster",
        left_out=_NOT_IN_A_CLUSTER,
    ),
    Kind(
        "Policy",
        "policy",
        "policies",
        "whpol",
        (READY, ("ENFORCE", "string", ".spec.enforce"), WEBHOOKS, AGE),
        (".spec.enforce",),
    ),
)
