"""JSON Schema of the manifests: jsonschema-rs accepts; what it refuses is explained by `explain.py`.

Called by `load.py` for each document, and by `cli` for the text of any schema. Which kinds there are stands here.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from reconciler.core.problem import Problem
from reconciler.manifests.places import Document

API: Final = "webhooks.reconciler/v1"
KINDS: Final = {"Webhook": "webhook", "EventSubscription": "event-subscription", "Tenant": "tenant", "Policy": "policy"}
_PACKAGE: Final = Path(__file__).resolve().parent.parent


def schema_text(name: str) -> str:
    """The text of a schema such as `webhook` or `plan`: from the package, or the checkout around it; raises KeyError."""
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
def structure(name: str) -> Any:
    """The schema that documents are read with: without the parts that rules of `decode.py` and `events.py` report in their words.

    Those parts are for editors and other validators. Each is an entry of an `allOf` whose `$comment` names its rule.
    """
    return _without_rules(schema(name))


def _without_rules(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_rules(item) for item in part if not (isinstance(item, dict) and "$comment" in item)]
    if not isinstance(part, dict):
        return part
    kept = {key: _without_rules(item) for key, item in part.items()}
    return {key: item for key, item in kept.items() if (key, item) != ("allOf", [])}


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
        todo.extend(item.values() if isinstance(item, dict) else item if isinstance(item, list) else ())
    return frozenset(names)


@cache
def _accepts(kind: str) -> Any:
    return jsonschema_rs.Draft202012Validator(structure(KINDS[kind])).is_valid


def is_valid(kind: str, value: Any) -> bool:
    """Whether a document of that kind keeps its schema."""
    try:
        return bool(_accepts(kind)(value))
    except (ValueError, OverflowError, TypeError):  # a number that JSON does not have
        return False


def check(kind: str, document: Document, most: int) -> list[Problem]:
    """What the schema of that kind refuses, at most `most` problems; empty when it accepts."""
    if is_valid(kind, document.value):
        return []
    from reconciler.manifests.explain import explain  # noqa: PLC0415  jsonschema costs as much as the rest of a run

    return explain(KINDS[kind], document, most)
