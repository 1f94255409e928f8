"""The status of each kind, as a structural schema. The operator writes it, so it has no rules."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

_NAMES: Final = 1000  # of one list of a status; a count beside it is the whole number
_COUNTS: Final = ("create", "update", "delete", "keep", "unmanaged")


def _text(about: str, length: int = 255) -> Schema:
    return {"description": about, "type": "string", "maxLength": length}


def _time(about: str) -> Schema:
    return {"description": about, "type": "string", "format": "date-time", "maxLength": 64}


def _count(about: str) -> Schema:
    return {"description": about, "type": "integer", "format": "int64", "minimum": 0}


def _truth(about: str) -> Schema:
    return {"description": about, "type": "string", "enum": ["True", "False", "Unknown"]}


def _names(about: str) -> Schema:
    return {
        "description": about,
        "type": "array",
        "maxItems": _NAMES,
        "items": {"type": "string", "maxLength": 255},
        "x-kubernetes-list-type": "atomic",
    }


def _map_list(about: str, keys: list[str], required: list[str], fields: Schema) -> Schema:
    return {
        "description": about,
        "type": "array",
        "maxItems": _NAMES,
        "items": {"type": "object", "required": required, "properties": fields},
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": keys,
    }


_GENERATION: Final = _count("The metadata.generation that this status is about.")
_CONDITIONS: Final = _map_list(
    "What is known of the object, as kstatus reads it.",
    ["type"],
    ["type", "status", "reason", "lastTransitionTime"],
    {
        "type": _text(
            "Ready, Reconciling, Stalled, Drifted, Synced, SourceVerified or TestPassed.", 316
        ),
        "status": _truth("Whether it is so."),
        "reason": _text("Why, as one word for programs.", 1024),
        "message": _text("Why, in words.", 32768),
        "lastTransitionTime": _time("When the status changed last."),
        "observedGeneration": _GENERATION,
    },
)
_TENANT: Final = {
    "host": _text("The host of the tenant's API."),
    "revision": _text("The revision of the desired state of the last run.", 1024),
    "planDigest": _text("The digest of the last plan; spec.accept takes it."),
    "counts": {
        "description": "The webhooks of the last plan.",
        "type": "object",
        "properties": {name: _count(f"Webhooks to {name}.") for name in _COUNTS[:3]}
        | {
            "keep": _count("Webhooks that stay as they are."),
            "unmanaged": _count("Webhooks of other owners."),
        },
    },
    "lastRun": _time("When the last run ended."),
    "nextRun": _time("When the next run begins, unless something changes before."),
}
_TENANT_OF_WEBHOOK: Final = {
    "kind": {
        "description": "The kind of the Tenant.",
        "type": "string",
        "enum": ["Tenant", "ClusterTenant"],
        "default": "Tenant",  # a key of the list has to be there
    },
    "name": _text("The metadata.name of the Tenant.", 253),
    "id": _text("The webhook's id at the product.", 1024),
    "ready": _truth("Whether it is there as declared."),
    "fields": _names("The fields that differ at the tenant."),
}
_WEBHOOK: Final = {
    "host": _text("The host of the url, also if the url is a secret."),
    "events": _count("How many events it receives, with those of EventSubscriptions."),
    "lastTest": _text("The value of the annotation webhooks.reconciler/test at the last test."),
    "tenants": _map_list(
        "The webhook at each tenant.", ["kind", "name"], ["name", "ready"], _TENANT_OF_WEBHOOK
    ),
}
_WEBHOOKS: Final = {
    "webhooks": _names("The metadata.name of the Webhooks that it applies to, at most 1,000."),
    "webhookCount": _count("How many Webhooks it applies to."),
}
_FIELDS: Final = {
    "Webhook": _WEBHOOK,
    "EventSubscription": _WEBHOOKS | {"events": _count("How many events it adds.")},
    "Tenant": _TENANT,
    "ClusterTenant": _TENANT,
    "Policy": _WEBHOOKS,
}


def make_status(kind: str) -> Schema:
    """The schema of the status of a kind."""
    return {
        "description": "What the operator last observed.",
        "type": "object",
        "properties": {
            "observedGeneration": _GENERATION,
            "conditions": _CONDITIONS,
            **_FIELDS[kind],
        },
    }
