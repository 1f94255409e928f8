"""The JSON Schemas as texts and dicts, the kinds of manifests, and the names of their fields. It
imports no validator.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

API: Final = "webhooks.reconciler/v1"
KINDS: Final = {
    "Webhook": "webhook",
    "EventSubscription": "event-subscription",
    "Tenant": "tenant",
    "ClusterTenant": "cluster-tenant",
    "Policy": "policy",
    "Product": "product",
}
_PACKAGE: Final = Path(__file__).resolve().parents[1]


def read_schema_text(name: str) -> str:
    """The text of a schema such as `webhook` or `plan`, from the package or the checkout around it;
    raises KeyError.
    """
    for folder in (_PACKAGE / "schemas", _PACKAGE.parent / "schemas"):
        file = folder / f"{name}.schema.json"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise KeyError(name)


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The decoded schema."""
    document: dict[str, Any] = json.loads(read_schema_text(name))
    return document


@cache
def all_field_names() -> frozenset[str]:
    """The name of every field of a manifest: a message may quote these, wherever they stand."""
    names: set[str] = set()
    pending: list[Any] = [load_schema("manifest")]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            fields = item.get("properties")
            names.update(fields if isinstance(fields, dict) else ())
        pending.extend(
            item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        )
    return frozenset(names)
