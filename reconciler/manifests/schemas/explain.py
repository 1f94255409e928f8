"""Messages for a document that a schema refuses, with the position of each fault.

No message quotes a value: it may be a credential.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from reconciler.core.model.credential_shape import is_issued
from reconciler.core.model.problem import Problem
from reconciler.manifests.schema_texts import all_field_names
from reconciler.manifests.schemas.faults import find_faults
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.secret_sources import SOURCES
from reconciler.manifests.yaml.document import Document, Path

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
_TITLED_PATTERNS: Final = {  # of definitions that several fields have
    "Path": ("one / and more, without .. and without a host", "such as /api/hooks/{id}"),
    "Pointer": ("names, each behind a /", "a JSON pointer, such as /config/url"),
    "Ignored field": ("/spec/ and the name of a field", "a JSON pointer, such as /spec/enabled"),
    "Secret key": ("letters, digits and - . _", "a key in the data of the Secret"),
    "Duration": ("whole numbers with h, m and s", "such as 30s, 5m or 1h30m"),
    "Namespace": ("a-z 0-9 - with a letter or digit at both ends", "* is all namespaces"),
    "Digest": ("sha256: and 64 hex digits", "the digest that `reconciler plan` prints"),
}
_REFERENCE: Final = "Secret reference"
_USE_REFERENCE: Final = (
    f"use {{fromEnv: NAME}} or {{fromFile: PATH}}, or one of {', '.join(list(SOURCES)[2:])}"
)


def explain_faults(name: str, document: Document, max_problems: int) -> list[Problem]:
    """Every fault under the schema of that name, at most `max_problems`, at least one: the schema
    refused the document.
    """
    problems = (
        problem
        for error in find_faults(name, document.value)
        for problem in _explain_fault(error, document)
    )
    return list(islice(problems, max_problems)) or [
        document.make_problem((), "schema/type", "not a document that JSON can hold")
    ]


def _is_json_number(value: Any) -> bool:
    """Whether JSON has that number; true for other types."""
    return math.isfinite(value) and abs(value) < 2**63 if isinstance(value, int | float) else True


def _explain_fault(error: Any, document: Document) -> Iterator[Problem]:
    owner, path, rule = error.schema, tuple(error.absolute_path), f"schema/{error.validator}"
    if error.validator == "additionalProperties":
        yield from _unknown_fields(error, owner, document, path)
    elif error.validator == "required":
        yield _missing_field(error, owner, document, path)
    elif not _is_json_number(error.instance):
        yield document.make_problem(path, "schema/type", "not a number that JSON can hold")
    else:
        message, hint = _describe_fault(error, owner, path)
        yield document.make_problem(path, rule, message, hint)


def _unknown_fields(
    error: Any, owner: dict[str, Any], document: Document, path: Path
) -> Iterator[Problem]:
    rule, fields = "schema/additionalProperties", owner.get("properties", {})
    if owner.get("title") == _REFERENCE:  # {s3cret} is a mapping too: the name is not quoted
        yield document.make_problem(
            path, rule, "a secret reference has an unknown field", _USE_REFERENCE
        )
        return
    free_names = [name for name in fields if name not in error.instance]
    for name in error.instance:
        if name not in fields:
            hint = suggest(name, fields) or (
                f"known here: {', '.join(free_names)}" if free_names else None
            )
            message = f"unknown field {name[:60]!r}" if _may_quote(name, path) else "unknown field"
            name_path = (*path, name) if _may_quote(name, path) else path
            yield document.make_problem(
                name_path, rule, message, hint, key=True, place_path=(*path, name)
            )


def _may_quote(name: str, path: Path) -> bool:
    """Whether a message may quote the field's name. Near a credential only the name of a known
    field: {s3cret} is a mapping too.
    """
    return name in all_field_names() or not (
        {"auth", *SOURCES}.intersection(path[-1:]) or is_issued(name)
    )


def _missing_field(error: Any, owner: dict[str, Any], document: Document, path: Path) -> Problem:
    """One error of jsonschema for each missing field. Which field it is, only the start of its
    message says.
    """
    missing_names = [name for name in error.validator_value if name not in error.instance]
    name = next(
        (name for name in missing_names if error.message.startswith(repr(name))), missing_names[0]
    )
    known_names = owner.get("properties", all_field_names())
    unknown_names = [item for item in error.instance if item not in known_names]
    is_renamed = (
        len(unknown_names) == 1
        and suggest(unknown_names[0], [name])
        and _may_quote(unknown_names[0], path)
    )
    title = str(owner.get("title"))
    hint = f"add {title if ' or ' in title else name}" + (
        f", or rename {unknown_names[0][:60]!r} to it" if is_renamed else ""
    )
    prefix = f"{path[-1]} lacks" if path and isinstance(path[-1], str) else "lacks"
    return document.make_problem(
        path, "schema/required", f"{prefix} the field {name!r}", hint, place_path=(*path, name)
    )


def _describe_fault(error: Any, owner: dict[str, Any], path: Path) -> tuple[str, str | None]:
    """The message for a fault in one value, and how to fix it."""
    subject = path[-1] if path else "document"
    field = f"item {subject + 1}" if isinstance(subject, int) else str(subject)[:60]
    expected, title = error.validator_value, owner.get("title")
    if title == _REFERENCE and error.validator == "type":
        return f"{field} must be a secret reference; a literal is not accepted", _USE_REFERENCE
    if title == _REFERENCE:
        return f"{field} must have exactly one of {', '.join(SOURCES)}", _USE_REFERENCE
    if error.validator == "type":
        return _describe_type_fault(field, expected, error.instance)
    if error.validator == "enum":
        return f"{field} must be one of {', '.join(expected)}", suggest(error.instance, expected)
    if error.validator == "not":
        return f"{field}: {str(title)[:1].lower()}{str(title)[1:]}, not both", "remove one of them"
    hint = None
    if error.validator == "pattern":
        patterns = {field: _KEY, **_PATTERNS}
        expected, hint = _TITLED_PATTERNS.get(str(title)) or patterns[field]
    text = _LIMITS.get(error.validator, "does not match the schema's {rule}")
    return f"{field} {text.format(wanted=expected, rule=error.validator)}", hint


def _describe_type_fault(
    field: str, expected: str | list[str], value: Any
) -> tuple[str, str | None]:
    kinds = [expected] if isinstance(expected, str) else expected
    hint = "quote it" if "string" in kinds and isinstance(value, bool | int | float) else None
    if kinds == ["boolean"] and isinstance(value, str):
        hint = "in YAML 1.2 yes, no, on and off are text"
    if kinds == ["string", "object"]:
        return f"{field} must be text or a secret reference", hint
    return f"{field} must be {' or '.join(_TYPES.get(kind, kind) for kind in kinds)}", hint
