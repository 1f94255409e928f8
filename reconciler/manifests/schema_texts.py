"""The JSON Schemas as texts and dicts, which kinds of manifests there are, and the names of their
fields. No validator.
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
    "Policy": "policy",
}
_PACKAGE: Final = Path(__file__).resolve().parents[1]


def schema_text(name: str) -> str:
    """The text of a schema such as `webhook` or `plan`: from the package, or the checkout around
    it; raises KeyError.
    """
    for folder in (_PACKAGE / "schemas", _PACKAGE.parent / "schemas"):
        file = folder / f"{name}.schema.json"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise KeyError(name)


@cache
def schema(name: str) -> dict[str, Any]:
    """The same, decoded."""
    decoded: dict[str, Any] = json.loads(schema_text(name))
    return decoded


@cache
def field_names() -> frozenset[str]:
    """Every name that a field of a manifest has: what a message may quote, wherever it stands."""
    names: set[str] = set()
    todo: list[Any] = [schema("manifest")]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            fields = item.get("properties")
            names.update(fields if isinstance(fields, dict) else ())
        todo.extend(
            item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        )
    return frozenset(names)
