"""Checks the JSON Schema of a Policy: known keywords only, no reference to the outside, no pattern
that takes too long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs

from reconciler.core.model.webhook import Steps
from reconciler.manifests.schemas.suggestions import suggest

NODES: Final = 1_000  # schemas, each `$ref` counted as its target: the cost of one webhook
DEPTH: Final = 100  # steps to a schema, each `$ref` counted as its target
PATTERN: Final = 1024 * 1024  # bytes of a compiled pattern
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_MAX_FAULTS: Final = 20  # faults that are reported per schema
_MAX_QUOTED: Final = 200  # characters of a validator's message, which may quote the schema
_SUBJECT: Final = "the value"

_SINGLE_SCHEMA: Final = (
    "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not",
    "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
_LIST: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAP: Final = ("$defs", "dependentSchemas", "patternProperties", "properties")
_PLAIN: Final = (
    "$comment", "$id", "$ref", "$schema", "const", "contentEncoding", "contentMediaType", "default",
    "dependentRequired",
    "deprecated", "description", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum",
    "format", "maxContains", "maxItems",
    "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength",
    "minProperties", "minimum", "multipleOf",
    "pattern", "readOnly", "required", "title", "type", "uniqueItems", "writeOnly",
)  # fmt: skip
KEYWORDS: Final = frozenset((*_SINGLE_SCHEMA, *_LIST, *_MAP, *_PLAIN))
Fault = tuple[Steps, str, str | None]  # where in the schema, what is wrong, how to fix it


def compile_schema(
    schema: dict[str, Any],
) -> Callable[[dict[str, Any]], Iterable[tuple[Steps, str]]] | list[Fault]:
    """A function that returns a document's faults, as paths and words that quote no value; or the
    faults of the schema.
    """
    faults = [
        fault for path, part in _walk_schemas(schema) for fault in _find_unsupported(path, part)
    ]
    faults += [
        _refused_fault(error)
        for error in islice(_make_meta_validator().iter_errors(schema), _MAX_FAULTS)
    ]
    if faults or (faults := _check_size(schema)):
        return faults
    try:
        validator = jsonschema_rs.Draft202012Validator(
            schema,
            mask=_SUBJECT,
            offline=True,
            validate_formats=True,
            ignore_unknown_formats=False,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=PATTERN, dfa_size_limit=PATTERN),
        )
    except jsonschema_rs.ValidationError as error:
        return [_refused_fault(error)]

    def faults_of(document: dict[str, Any]) -> Iterator[tuple[Steps, str]]:
        if not validator.is_valid(
            document
        ):  # nearly all are valid, and this check is much faster than a search for errors
            yield from (
                (tuple(error.instance_path), _shorten(error.message))
                for error in validator.iter_errors(document)
            )

    return faults_of


@cache
def _make_meta_validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": DRAFT}, mask=_SUBJECT, offline=True)


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…"


def _refused_fault(error: jsonschema_rs.ValidationError) -> Fault:
    """The fault that the meta-schema or the pattern compiler found."""
    path = tuple(error.instance_path)
    if path and (path[-1] == "pattern" or path[-2:-1] == ("patternProperties",)):
        fix = (
            "use syntax that takes linear time: no look-around, no back-references; `not` "
            "with a pattern excludes"
        )
        return path, "a pattern that cannot be used, or is too large", fix
    if path[-1:] == ("format",):
        return path, "not a format that JSON Schema has", None
    return path, f"not a JSON Schema: {_shorten(error.message)}", None


def _walk_schemas(schema: Any, path: Steps = ()) -> Iterator[tuple[Steps, dict[str, Any]]]:
    """The schema and every schema in it, with its path. The meta-schema checks what is no
    schema.
    """
    if not isinstance(schema, dict):
        return
    yield path, schema
    for step, part in _child_schemas(schema):
        yield from _walk_schemas(part, (*path, *step))


def _child_schemas(schema: dict[str, Any]) -> Iterator[tuple[Steps, Any]]:
    for word, value in schema.items():
        if word in _SINGLE_SCHEMA:
            yield (word,), value
        elif word in _LIST and isinstance(value, list):
            yield from (((word, number), item) for number, item in enumerate(value))
        elif word in _MAP and isinstance(value, dict):
            yield from (((word, name), item) for name, item in value.items())


def _find_unsupported(path: Steps, schema: dict[str, Any]) -> Iterator[Fault]:
    """Keywords without meaning, which would refuse nothing, and references to the outside of the
    schema.
    """
    for word, value in schema.items():
        keyword_path = (*path, word)
        if word not in KEYWORDS and not word.startswith("x-"):
            yield keyword_path, f"unknown keyword {word[:60]!r}", suggest(word, KEYWORDS)
        elif word == "$schema" and value != DRAFT:
            yield keyword_path, "the draft is not 2020-12", "leave it out"
        elif word == "$id" and path:
            yield keyword_path, "$id inside of a schema", "leave it out"
        elif (
            word == "$ref"
            and isinstance(value, str)
            and value != "#"
            and not value.startswith("#/")
        ):
            yield (
                keyword_path,
                "$ref to a target outside of this schema",
                "put it under $defs: #/$defs/NAME",
            )


def _check_size(schema: dict[str, Any]) -> list[Fault]:
    """The fault of a `$ref` to nothing or to itself, or of so many schemas that one webhook would
    cost too much.
    """
    sizes: dict[int, int] = {}  # by id of a schema, 0 while it is being counted
    faults: list[Fault] = []

    def size(part: Any, path: Steps) -> int:
        if not isinstance(part, dict):
            return 1
        known_size = sizes.get(id(part))
        if known_size == 0:
            faults.append(
                (
                    path,
                    "$ref leads back to itself",
                    "a planned webhook is not nested: write the rule without it",
                )
            )
        if known_size is not None or len(path) > DEPTH or faults:
            return known_size or NODES + 1
        sizes[id(part)] = 0
        total = 1 + sum(
            size(item, (*path, *step)) for step, item in _child_schemas(part) if step[0] != "$defs"
        )
        ref = part.get("$ref")
        if isinstance(ref, str):
            target = _find_target(schema, ref)
            if target is None:
                faults.append(((*path, "$ref"), "$ref leads to nothing", None))
            total += size(target, (*path, "$ref"))
        sizes[id(part)] = total
        return total

    if size(schema, ()) > NODES and not faults:
        faults.append(
            (
                (),
                f"over {NODES:,} schemas or {DEPTH} levels, each $ref counted as its target",
                None,
            )
        )
    return faults[:1]


def _find_target(schema: Any, ref: str) -> Any:
    """The target of a `$ref`, None if there is none."""
    target = schema
    for step in unquote(ref.removeprefix("#")).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(target, list):
            target = target[int(name)] if name.isdecimal() and int(name) < len(target) else None
        else:
            target = target.get(name) if isinstance(target, dict) else None
    return target
