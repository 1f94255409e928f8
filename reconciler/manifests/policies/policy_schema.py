"""The JSON Schema of a Policy, held to what a rule may be: known keywords, no way out of itself, no
pattern that explodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs

from reconciler.core.model.webhook import Steps
from reconciler.manifests.schemas.near import near

NODES: Final = 1_000  # schemas, each `$ref` counted as what it leads to: what one webhook may cost
DEPTH: Final = 100  # steps to one, likewise
PATTERN: Final = 1024 * 1024  # bytes of a compiled pattern
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_MOST: Final = 20  # faults that are told of one schema
_TOLD: Final = 200  # characters of what a schema says; it may quote itself at length
_SUBJECT: Final = "the value"

_ONE: Final = (
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
KEYWORDS: Final = frozenset((*_ONE, *_LIST, *_MAP, *_PLAIN))
Fault = tuple[Steps, str, str | None]  # where in the schema, what is wrong, how to mend it


def compiled(
    schema: dict[str, Any],
) -> Callable[[dict[str, Any]], Iterable[tuple[Steps, str]]] | list[Fault]:
    """What the schema says of a document, as places and words that quote no value of it; or what is
    wrong with the schema.
    """
    faults = [fault for path, part in _schemas(schema) for fault in _strange(path, part)]
    faults += [_refused(error) for error in islice(_meta().iter_errors(schema), _MOST)]
    if faults or (faults := _endless(schema)):
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
        return [_refused(error)]

    def faults_of(document: dict[str, Any]) -> Iterator[tuple[Steps, str]]:
        if not validator.is_valid(
            document
        ):  # nearly all are, and it is much faster than looking for errors
            yield from (
                (tuple(error.instance_path), _short(error.message))
                for error in validator.iter_errors(document)
            )

    return faults_of


@cache
def _meta() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": DRAFT}, mask=_SUBJECT, offline=True)


def _short(text: str) -> str:
    return text if len(text) <= _TOLD else f"{text[:_TOLD]}…"


def _refused(error: jsonschema_rs.ValidationError) -> Fault:
    """What the meta-schema or the compiler of patterns refuses."""
    path = tuple(error.instance_path)
    if path and (path[-1] == "pattern" or path[-2:-1] == ("patternProperties",)):
        mend = (
            "use syntax that takes linear time: no look-around, no back-references; `not` "
            "with a pattern excludes"
        )
        return path, "a pattern that cannot be used, or is too large", mend
    if path[-1:] == ("format",):
        return path, "not a format that JSON Schema has", None
    return path, f"not a JSON Schema: {_short(error.message)}", None


def _schemas(schema: Any, path: Steps = ()) -> Iterator[tuple[Steps, dict[str, Any]]]:
    """The schema and every schema in it, with its path; what is no schema is left to the
    meta-schema.
    """
    if not isinstance(schema, dict):
        return
    yield path, schema
    for step, part in _below(schema):
        yield from _schemas(part, (*path, *step))


def _below(schema: dict[str, Any]) -> Iterator[tuple[Steps, Any]]:
    for word, value in schema.items():
        if word in _ONE:
            yield (word,), value
        elif word in _LIST and isinstance(value, list):
            yield from (((word, number), item) for number, item in enumerate(value))
        elif word in _MAP and isinstance(value, dict):
            yield from (((word, name), item) for name, item in value.items())


def _strange(path: Steps, schema: dict[str, Any]) -> Iterator[Fault]:
    """Words that say nothing, so that a rule would refuse nothing, and what leads out of the
    schema.
    """
    for word, value in schema.items():
        here = (*path, word)
        if word not in KEYWORDS and not word.startswith("x-"):
            yield here, f"unknown keyword {word[:60]!r}", near(word, KEYWORDS)
        elif word == "$schema" and value != DRAFT:
            yield here, "another draft than 2020-12", "leave it out"
        elif word == "$id" and path:
            yield here, "$id inside of a schema", "leave it out"
        elif (
            word == "$ref"
            and isinstance(value, str)
            and value != "#"
            and not value.startswith("#/")
        ):
            yield (
                here,
                "$ref to something outside of this schema",
                "put it under $defs: #/$defs/NAME",
            )


def _endless(schema: dict[str, Any]) -> list[Fault]:
    """A `$ref` that leads nowhere or back to where it stands, or so many that one webhook would
    cost too much.
    """
    sizes: dict[int, int] = {}  # by id of a schema, 0 while it is looked at
    faults: list[Fault] = []

    def size(part: Any, path: Steps) -> int:
        if not isinstance(part, dict):
            return 1
        known = sizes.get(id(part))
        if known == 0:
            faults.append(
                (
                    path,
                    "$ref leads back to itself",
                    "a planned webhook is not nested: say it without",
                )
            )
        if known is not None or len(path) > DEPTH or faults:
            return known or NODES + 1
        sizes[id(part)] = 0
        total = 1 + sum(
            size(item, (*path, *step)) for step, item in _below(part) if step[0] != "$defs"
        )
        ref = part.get("$ref")
        if isinstance(ref, str):
            target = _target(schema, ref)
            if target is None:
                faults.append(((*path, "$ref"), "$ref leads to nothing", None))
            total += size(target, (*path, "$ref"))
        sizes[id(part)] = total
        return total

    if size(schema, ()) > NODES and not faults:
        faults.append(
            (
                (),
                f"over {NODES:,} schemas or {DEPTH} levels, each $ref counted as what it leads to",
                None,
            )
        )
    return faults[:1]


def _target(schema: Any, ref: str) -> Any:
    """What a `$ref` leads to, None for nothing."""
    found = schema
    for step in unquote(ref.removeprefix("#")).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(name)] if name.isdecimal() and int(name) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found
