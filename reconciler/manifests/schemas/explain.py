"""Why a schema refuses a document, in words, with the place of each fault.

No message quotes a value: it may be a credential.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from reconciler.core.model.credential_shape import is_issued
from reconciler.core.model.problem import Problem
from reconciler.manifests.schema_texts import field_names
from reconciler.manifests.schemas.faults import faults
from reconciler.manifests.schemas.near import near
from reconciler.manifests.secret_sources import SOURCES
from reconciler.manifests.yaml.places import Document, Path

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
    "maxItems": "has over {wanted} items",
    "minimum": "must be at least {wanted}",
    "maximum": "must be at most {wanted}",
}
_KEY: Final = ("a-z 0-9 - . with a letter or digit at both ends", None)
_PATTERNS: Final = {
    "fromEnv": ("letters, digits and _", "give the name of an environment variable, not its value"),
    "path": (
        "two or more names with one / between them",
        "as `vault kv get` takes it, the mount first: secret/payments/oncall",
    ),
}
_REFERENCE: Final = "Secret reference"
_USE_REFERENCE: Final = (
    f"use {{fromEnv: NAME}} or {{fromFile: PATH}}, or one of {', '.join(list(SOURCES)[2:])}"
)


def explain(name: str, document: Document, most: int) -> list[Problem]:
    """Every fault under the schema of that name, at most `most`; at least one, since the schema
    refused the document.
    """
    found = (
        problem for error in faults(name, document.value) for problem in _told(error, document)
    )
    return list(islice(found, most)) or [
        document.problem((), "schema/type", "not a document that JSON can hold")
    ]


def _is_json_number(value: Any) -> bool:
    """Whether JSON has that number; true for what is no number."""
    return math.isfinite(value) and abs(value) < 2**63 if isinstance(value, int | float) else True


def _told(error: Any, document: Document) -> Iterator[Problem]:
    owner, path, rule = error.schema, tuple(error.absolute_path), f"schema/{error.validator}"
    if error.validator == "additionalProperties":
        yield from _unknown(error, owner, document, path)
    elif error.validator == "required":
        yield _missing(error, owner, document, path)
    elif not _is_json_number(error.instance):
        yield document.problem(path, "schema/type", "not a number that JSON can hold")
    else:
        message, hint = _say(error, owner, path)
        yield document.problem(path, rule, message, hint)


def _unknown(
    error: Any, owner: dict[str, Any], document: Document, path: Path
) -> Iterator[Problem]:
    rule, fields = "schema/additionalProperties", owner.get("properties", {})
    if (
        owner.get("title") == _REFERENCE
    ):  # {s3cret} is a mapping too: what stands here is not quoted
        yield document.problem(
            path, rule, "a secret reference has a field that it does not know", _USE_REFERENCE
        )
        return
    known = [name for name in fields if name not in error.instance]
    for name in error.instance:
        if name not in fields:
            hint = near(name, fields) or (f"known here: {', '.join(known)}" if known else None)
            message = f"unknown field {name[:60]!r}" if _is_telling(name, path) else "unknown field"
            at = (*path, name) if _is_telling(name, path) else path
            yield document.problem(at, rule, message, hint, key=True, at=(*path, name))


def _is_telling(name: str, path: Path) -> bool:
    """Whether a field's name may be quoted: near credentials only one that some schema has, since
    {s3cret} is a mapping too.
    """
    return name in field_names() or not (
        {"auth", *SOURCES}.intersection(path[-1:]) or is_issued(name)
    )


def _missing(error: Any, owner: dict[str, Any], document: Document, path: Path) -> Problem:
    """One error of jsonschema for each missing field; which one stands only in the order of its
    message.
    """
    absent = [name for name in error.validator_value if name not in error.instance]
    name = next((name for name in absent if error.message.startswith(repr(name))), absent[0])
    extra = [item for item in error.instance if item not in owner.get("properties", {name: None})]
    renamed = len(extra) == 1 and near(extra[0], [name]) and _is_telling(extra[0], path)
    hint = f"add {name}" + (f", or rename {extra[0][:60]!r} to it" if renamed else "")
    where = f"{path[-1]} lacks" if path and isinstance(path[-1], str) else "lacks"
    return document.problem(
        path, "schema/required", f"{where} the field {name!r}", hint, at=(*path, name)
    )


def _say(error: Any, owner: dict[str, Any], path: Path) -> tuple[str, str | None]:
    """The message for a fault in one value, and how to mend it."""
    what = path[-1] if path else "document"
    field = f"item {what + 1}" if isinstance(what, int) else str(what)[:60]
    wanted, title = error.validator_value, owner.get("title")
    if title == _REFERENCE and error.validator == "type":
        return f"{field} must be a secret reference; a literal is not accepted", _USE_REFERENCE
    if title == _REFERENCE:
        return f"{field} must have exactly one of {', '.join(SOURCES)}", _USE_REFERENCE
    if error.validator == "type":
        return _say_type(field, wanted, error.instance)
    if error.validator == "enum":
        return f"{field} must be one of {', '.join(wanted)}", near(error.instance, wanted)
    if error.validator == "not":
        return f"{field}: {str(title).lower()}, not both", "remove one of them"
    hint = None
    if error.validator == "pattern":
        wanted, hint = _PATTERNS.get(field, _KEY)
    text = _LIMITS.get(error.validator, "does not keep the schema's {rule}")
    return f"{field} {text.format(wanted=wanted, rule=error.validator)}", hint


def _say_type(field: str, wanted: str | list[str], value: Any) -> tuple[str, str | None]:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    hint = "quote it" if "string" in kinds and isinstance(value, bool | int | float) else None
    if kinds == ["boolean"] and isinstance(value, str):
        hint = "in YAML 1.2 yes, no, on and off are text"
    if kinds == ["string", "object"]:
        return f"{field} must be text or a secret reference", hint
    return f"{field} must be {' or '.join(_TYPES.get(kind, kind) for kind in kinds)}", hint
