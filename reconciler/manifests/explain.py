"""Why a schema refuses a document, in words, with the place of each fault.

Called by `schema.py` only for what jsonschema-rs refused. No message quotes a value: it may be a credential.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import jsonschema
import jsonschema_rs

from reconciler.core.problem import Problem
from reconciler.manifests.near import near
from reconciler.manifests.places import Document, Path

_MOST: Final = 50  # problems a document
_LARGE: Final = 2_000  # nodes; jsonschema takes about 50 µs a node
_TYPES: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
}
_LIMITS: Final = {
    "const": "must be {wanted}",
    "pattern": "must be made of {wanted}",
    "minLength": "must not be empty",
    "minItems": "must not be empty",
    "minProperties": "must not be empty",
    "maxLength": "has over {wanted} characters",
    "minimum": "must be at least {wanted}",
    "maximum": "must be at most {wanted}",
}
_REFERENCE: Final = "Secret reference"
_USE_REFERENCE: Final = "use {fromEnv: NAME} or {fromFile: PATH}"


def explain(schema: dict[str, Any], document: Document) -> list[Problem]:
    """Every fault, at most 50; at least one, since the schema refused the document."""
    if _size(document.value, _LARGE) >= _LARGE:
        return _briefly(schema, document)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(document.value)
    problems = list(islice((problem for error in errors for problem in _problems(error, document)), _MOST))
    return problems or _numbers(document) or [document.problem((), "schema/type", "not a document that JSON can hold")]


def _size(value: Any, most: int) -> int:
    """Number of nodes, counted no further than `most`."""
    todo, count = [value], 0
    while todo and count < most:
        item = todo.pop()
        count += 1
        if isinstance(item, dict | list):
            todo.extend(islice(item.values() if isinstance(item, dict) else item, most))
    return count


def _briefly(schema: dict[str, Any], document: Document) -> list[Problem]:
    """The same from jsonschema-rs, for documents on which jsonschema would take seconds: place and rule, few words."""
    problems = []
    try:
        for error in islice(jsonschema_rs.Draft202012Validator(schema).iter_errors(document.value), _MOST):
            rule = next((str(step) for step in reversed(error.schema_path) if isinstance(step, str)), "type")
            problems.append(document.problem(tuple(error.instance_path), f"schema/{rule}", f"does not keep the schema's {rule}"))
    except (ValueError, OverflowError, TypeError):
        return _numbers(document)
    return problems


def _numbers(document: Document) -> list[Problem]:
    """Numbers that JSON does not have, or too large for any field."""
    todo: list[tuple[Path, Any]] = [((), document.value)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            todo.extend(((*path, step), item) for step, item in items)
        elif (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) >= 2**63):
            return [document.problem(path, "schema/type", "not a number that JSON can hold")]
    return [document.problem((), "schema/type", "not a document that JSON can hold")]


def _problems(error: Any, document: Document) -> Iterator[Problem]:
    path: Path = tuple(error.absolute_path)
    rule = f"schema/{error.validator}"
    if error.validator == "additionalProperties":
        yield from _unknown(error, document, path, rule)
    elif error.validator == "required":
        yield from _missing(error, document, path, rule)
    else:
        message, hint = _say(error)
        yield document.problem(path, rule, message, hint)


def _unknown(error: Any, document: Document, path: Path, rule: str) -> Iterator[Problem]:
    known = [name for name in error.schema.get("properties", {}) if name not in error.instance]
    if error.schema.get("title") == _REFERENCE:  # {s3cret} is a mapping too: what stands here is not quoted
        yield document.problem(path, rule, "a secret reference has a field that it does not know", _USE_REFERENCE)
        return
    for name in error.instance:
        if name not in error.schema.get("properties", {}):
            hint = near(name, error.schema.get("properties", {})) or (f"known here: {', '.join(known)}" if known else None)
            yield document.problem((*path, name), rule, f"unknown field {name[:60]!r}", hint, key=True)


def _missing(error: Any, document: Document, path: Path, rule: str) -> Iterator[Problem]:
    """One error of jsonschema for each missing field; which one stands only in the order of its message."""
    absent = [name for name in error.validator_value if name not in error.instance]
    name = next((name for name in absent if error.message.startswith(repr(name))), absent[0])
    extra = [item for item in error.instance if item not in error.schema.get("properties", {name: None})]
    hint = f"add {name}" + (f", or rename {extra[0][:60]!r} to it" if len(extra) == 1 and near(extra[0], [name]) else "")
    where = f"{path[-1]} lacks" if path and isinstance(path[-1], str) else "lacks"
    yield document.problem(path, rule, f"{where} the field {name!r}", hint)


def _say(error: Any) -> tuple[str, str | None]:
    """The message for a fault in one value, and how to mend it."""
    what = error.absolute_path[-1] if error.absolute_path else "document"
    field = f"item {what + 1}" if isinstance(what, int) else str(what)[:60]
    wanted, title = error.validator_value, error.schema.get("title")
    if title == _REFERENCE:
        if error.validator == "type":
            return f"{field} must be a secret reference; a literal is not accepted", _USE_REFERENCE
        return f"{field} must have exactly one of fromEnv and fromFile", _USE_REFERENCE
    if error.validator == "type":
        return _say_type(field, wanted, error.instance)
    if error.validator == "enum":
        return f"{field} must be one of {', '.join(wanted)}", near(error.instance, wanted)
    if error.validator == "not":
        return f"{field}: {str(title).lower()}, not both", "remove one of them"
    if error.validator == "pattern":
        wanted = "a-z 0-9 - . with a letter or digit at both ends" if title == "Key" else "letters, digits and _"
    text = _LIMITS.get(error.validator, "does not keep the schema's {rule}")
    return f"{field} {text.format(wanted=wanted, rule=error.validator)}", None


def _say_type(field: str, wanted: str | list[str], value: Any) -> tuple[str, str | None]:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    hint = "quote it" if "string" in kinds and isinstance(value, bool | int | float) else None
    if kinds == ["boolean"] and isinstance(value, str):
        hint = "in YAML 1.2 yes, no, on and off are text"
    if kinds == ["string", "object"]:
        return f"{field} must be text or a secret reference", hint
    return f"{field} must be {' or '.join(_TYPES.get(kind, kind) for kind in kinds)}", hint
