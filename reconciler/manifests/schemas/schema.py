"""JSON Schema of the manifests: jsonschema-rs accepts; what it refuses is explained by
`explain.py`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from reconciler.core.model.problem import Problem
from reconciler.manifests.schema_texts import KINDS, schema
from reconciler.manifests.yaml.places import Document


@cache
def structure(name: str) -> Any:
    """The schema that documents are read with.

    Without the parts that rules of `webhooks.py` and `events.py` report in their words.

    Those parts are for editors and other validators. Each is an entry of an `allOf` whose
    `$comment` names its rule.
    """
    return _without_rules(schema(name))


def _without_rules(part: Any) -> Any:
    if isinstance(part, list):
        return [
            _without_rules(item)
            for item in part
            if not (isinstance(item, dict) and "$comment" in item)
        ]
    if not isinstance(part, dict):
        return part
    kept = {key: _without_rules(item) for key, item in part.items()}
    return {key: item for key, item in kept.items() if (key, item) != ("allOf", [])}


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
    from reconciler.manifests.schemas.explain import explain  # noqa: PLC0415  jsonschema costs as much as the rest of a run

    return explain(KINDS[kind], document, most)
