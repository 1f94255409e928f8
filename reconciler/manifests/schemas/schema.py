"""JSON Schema of the manifests: jsonschema-rs accepts documents; `explain.py` explains the refused
ones.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from reconciler.core.model.problem import Problem
from reconciler.manifests.schema_texts import KINDS, load_schema
from reconciler.manifests.yaml.document import Document


@cache
def load_structure(name: str) -> Any:
    """The schema that documents are checked against.

    It has no parts for which `webhooks.py` and `events.py` report problems in their own words.
    Those parts are for editors and other validators: each is an entry of an `allOf` whose
    `$comment` names the rule.
    """
    return _without_rules(load_schema(name))


def _without_rules(part: Any) -> Any:
    if isinstance(part, list):
        return [
            _without_rules(item)
            for item in part
            if not (isinstance(item, dict) and "$comment" in item)
        ]
    if not isinstance(part, dict):
        return part
    fields = {key: _without_rules(item) for key, item in part.items()}
    return {key: item for key, item in fields.items() if (key, item) != ("allOf", [])}


@cache
def _make_validator(kind: str) -> Any:
    return jsonschema_rs.Draft202012Validator(load_structure(KINDS[kind])).is_valid


def is_valid(kind: str, value: Any) -> bool:
    """Whether a document of that kind matches its schema."""
    try:
        return bool(_make_validator(kind)(value))
    except (ValueError, OverflowError, TypeError):  # a number that JSON does not have
        return False


def check_schema(kind: str, document: Document, max_problems: int) -> list[Problem]:
    """The problems that the schema of that kind reports, at most `max_problems`; empty if it
    accepts the document.
    """
    if is_valid(kind, document.value):
        return []
    from reconciler.manifests.schemas.explain import explain_faults  # noqa: PLC0415  jsonschema costs as much as the rest of a run

    return explain_faults(KINDS[kind], document, max_problems)
