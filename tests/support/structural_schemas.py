"""What an API server asks of a structural schema, and what it says of an object under one.

Rules and patterns are evaluated by Google's CEL, whose regular expressions are RE2, as those of an
API server are. Unknown fields are faults: kubectl asks for strict validation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from cel_expr_python import cel

Schema = dict[str, Any]

VALUE_VALIDATIONS: Final = frozenset(
    {"pattern", "minLength", "maxLength", "minItems", "maxItems", "enum", "minimum", "maximum", "not", "allOf"}
)  # fmt: skip
KEYWORDS: Final = VALUE_VALIDATIONS | {
    "type", "description", "default", "format", "required", "properties", "additionalProperties", "items",
    "minProperties", "maxProperties", "x-kubernetes-validations", "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys", "x-kubernetes-map-type", "x-kubernetes-preserve-unknown-fields",
}  # fmt: skip
# What an API server asks of metadata by itself, as far as manifests have it.
_MAP: Final = {"type": "object", "maxProperties": 1000}
METADATA: Final = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {
            "type": "string",
            "maxLength": 253,
            "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        },
        "labels": _MAP
        | {
            "additionalProperties": {
                "type": "string",
                "maxLength": 63,
                "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
            }
        },
        "annotations": _MAP | {"additionalProperties": {"type": "string", "maxLength": 262_144}},
    },
}
_FREE: Final = "x-kubernetes-preserve-unknown-fields"
_ENVIRONMENT: Final = cel.NewEnv(variables={"self": cel.Type.DYN})


def find_faults(schema: Schema, path: str = "") -> Iterator[str]:
    """Why an API server would refuse a schema, or could not bound the cost of its rules."""
    if unknown := set(schema) - KEYWORDS:
        yield f"{path}: {sorted(unknown)}"
    if "type" not in schema and not schema.get(_FREE):
        yield f"{path}: no type"
    if "properties" in schema and "additionalProperties" in schema:
        yield f"{path}: fields and a map"
    if schema.get("x-kubernetes-list-type") == "set" and schema["items"]["type"] in {
        "object",
        "array",
    }:
        yield f"{path}: a set of objects, which server-side apply refuses"
    yield from _find_missing_limits(schema, path)
    for part in _list_validations(schema):
        if unknown := set(part) - VALUE_VALIDATIONS:
            yield f"{path}: {sorted(unknown)} in a value validation"
    for keys in [schema.get("x-kubernetes-list-map-keys", ())]:
        fields = schema["items"]["properties"] if keys else {}
        needed = schema["items"].get("required", ()) if keys else ()
        yield from (
            f"{path}: the key {key} may be absent"
            for key in keys
            if key not in needed and "default" not in fields[key]
        )
    for name, child in _list_children(schema):
        yield from find_faults(child, f"{path}.{name}")


def _find_missing_limits(schema: Schema, path: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind == "string" and not {"maxLength", "enum"} & set(schema):
        yield f"{path}: a text without a limit"
    if kind == "array" and "maxItems" not in schema:
        yield f"{path}: a list without a limit"
    if "additionalProperties" in schema and "maxProperties" not in schema:
        yield f"{path}: a map without a limit"


def _list_children(schema: Schema) -> Iterator[tuple[str, Schema]]:
    yield from schema.get("properties", {}).items()
    for name in ("items", "additionalProperties"):
        if name in schema:
            yield name, schema[name]


def _list_validations(schema: Schema) -> Iterator[Schema]:
    parts = [*schema.get("allOf", ()), *([schema["not"]] if "not" in schema else [])]
    for part in parts:
        yield part
        yield from _list_validations(part)


def list_rules(schema: Schema) -> Iterator[tuple[str, str]]:
    """Each rule with its message."""
    for rule in schema.get("x-kubernetes-validations", ()):
        yield rule["rule"], rule["message"]
    for _name, child in _list_children(schema):
        yield from list_rules(child)


def list_patterns(schema: Schema) -> Iterator[str]:
    """Each pattern."""
    for part in (schema, *_list_validations(schema)):
        if "pattern" in part:
            yield part["pattern"]
    for _name, child in _list_children(schema):
        yield from list_patterns(child)


@cache
def _compile(rule: str) -> Any:
    return _ENVIRONMENT.compile(rule)


def evaluate(rule: str, value: Any) -> bool:
    """Whether a value keeps a CEL rule; a rule that fails is an error of the test."""
    result = _compile(rule).eval(data={"self": value}).value()
    assert isinstance(result, bool), result
    return result


def matches(pattern: str, text: str) -> bool:
    """Whether RE2 finds a pattern in a text."""
    return evaluate(f"self.matches({json.dumps(pattern)})", text)


def refusals(schema: Schema, value: Any) -> list[str]:
    """What an API server says of a value. Rules are evaluated only if all else is fine."""
    value = _drop_nulls(schema, value)
    return list(_check(schema, value, "")) or list(_check_rules(schema, value, ""))


def _drop_nulls(schema: Schema, value: Any) -> Any:
    """The value without the fields that are null, which an API server drops first."""
    if schema.get(_FREE):
        return value
    if isinstance(value, list):
        return [_drop_nulls(schema.get("items", {}), item) for item in value]
    if not isinstance(value, dict):
        return value
    fields, other = schema.get("properties", {}), schema.get("additionalProperties", {})
    return {
        name: _drop_nulls(fields.get(name, other), item)
        for name, item in value.items()
        if item is not None or fields.get(name, other).get(_FREE)
    }


def _check(schema: Schema, value: Any, path: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind is not None and not _is_of(kind, value):
        yield f"{path}: no {kind}"
        return
    yield from (f"{path}: {keyword}" for keyword in _list_broken(schema, value))
    if isinstance(value, dict):
        yield from _check_object(schema, value, path)
    elif isinstance(value, list) and "items" in schema:
        yield from _check_unique(schema, value, path)
        for number, item in enumerate(value):
            yield from _check(schema["items"], item, f"{path}[{number}]")


def _check_object(schema: Schema, value: dict[str, Any], path: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}.{name}: required"
    fields = schema.get("properties", {})
    for name, item in value.items():
        if name in fields:
            yield from _check(fields[name], item, f"{path}.{name}")
        elif "additionalProperties" in schema:
            yield from _check(schema["additionalProperties"], item, f"{path}.{name}")
        elif not schema.get(_FREE):
            yield f"{path}.{name}: unknown field"


def _check_unique(schema: Schema, value: list[Any], path: str) -> Iterator[str]:
    kind = schema.get("x-kubernetes-list-type", "atomic")
    if kind == "atomic":
        return
    keys = schema.get("x-kubernetes-list-map-keys")
    items = [[item.get(key) for key in keys] if keys else item for item in value]
    texts = [json.dumps(item, sort_keys=True) for item in items]
    if len(set(texts)) < len(texts):
        yield f"{path}: duplicate"


def _check_rules(schema: Schema, value: Any, path: str) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        if not evaluate(rule["rule"], value):
            yield f"{path}: {rule['message']}"
    for name, child in schema.get("properties", {}).items():
        if name in value:
            yield from _check_rules(child, value[name], f"{path}.{name}")
    if "items" in schema:
        for number, item in enumerate(value):
            yield from _check_rules(schema["items"], item, f"{path}[{number}]")


def _is_of(kind: str, value: Any) -> bool:
    if kind in {"number", "integer"}:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and (kind == "number" or float(value).is_integer())
    types: dict[str, type] = {"string": str, "boolean": bool, "array": list, "object": dict}
    return isinstance(value, types[kind])


def _list_broken(schema: Schema, value: Any) -> Iterator[str]:
    """The keywords that a value breaks."""
    if "enum" in schema and value not in schema["enum"]:
        yield "enum"
    if isinstance(value, str):
        yield from _list_broken_sizes(schema, len(value), "Length")
        if "pattern" in schema and not matches(schema["pattern"], value):
            yield "pattern"
    elif isinstance(value, list | dict):
        yield from _list_broken_sizes(
            schema, len(value), "Items" if isinstance(value, list) else "Properties"
        )
    elif isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        if not low <= value <= high:
            yield "range"
    for part in schema.get("allOf", ()):
        yield from _list_broken(part, value)
    if "not" in schema and not list(_list_broken(schema["not"], value)):
        yield "not"


def _list_broken_sizes(schema: Schema, size: int, unit: str) -> Iterator[str]:
    if size < schema.get(f"min{unit}", 0):
        yield f"min{unit}"
    if size > schema.get(f"max{unit}", size):
        yield f"max{unit}"
