"""A JSON Schema of a manifest -> the structural schema of a CustomResourceDefinition.

- `$ref` is inlined, `const` becomes an `enum` of one word, conditions become CEL rules.
- `additionalProperties: false` is dropped: an API server removes unknown fields, and refuses them
  if the client asks for strict validation, as kubectl does.
- Each list, text and map has an upper limit, which bounds the estimated cost of the rules.
- A value of two types has one here. Text or a reference is two fields, `url` and `urlFrom`; one
  text or a list of them is a list.
- Defaults are in the descriptions only: a default of a definition would be written into each
  object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.crds.conditions import Rule, Scope, list_rules
from reconciler.crds.messages import MESSAGES
from reconciler.crds.patterns import Tests, make_tests

Schema = dict[str, Any]

# Of one list. Each is compared with each other: an API server stops a rule at a cost of a million.
MAX_EVENTS: Final = 256
_MAX_ITEMS: Final = 100
_MAX_FIELDS: Final = 100  # of a map
_MAX_LENGTH: Final = 1024
_ONLY_SOURCE: Final = "fromSecret"
_COPIED: Final = (
    "description", "type", "enum", "minLength", "maxLength", "minItems", "maxItems",
    "minProperties", "maxProperties", "minimum", "maximum",
)  # fmt: skip
# What descriptions say of values and fields that are not here.
_NOT_SAID: Final = (
    ", or a secret reference",
    ", or a reference",
    " Needed unless local is given.",
    "; a secret reference where the product holds a secret",
)
# The rest of what `merge` and `convert` read; another keyword is an error, so that none is lost.
_READ: Final = frozenset(
    {
        "$ref", "$comment", "title", "examples", "default", "const", "pattern", "required",
        "properties", "additionalProperties", "propertyNames", "items", "allOf", "if", "then",
        "else", "not", "oneOf",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a schema stands: its path in the manifest, the definitions that it may refer to, and
    the paths that are left out. A list may hold many texts: they have patterns instead of rules.
    """

    path: tuple[str, ...]
    definitions: Schema
    left_out: frozenset[str]
    is_in_list: bool = False

    def below(self, name: str, *, is_in_list: bool = False) -> Place:
        """The place of a field, or of the items of a list."""
        in_list = self.is_in_list or is_in_list
        return replace(self, path=(*self.path, name), is_in_list=in_list)

    def is_left_out(self, name: str) -> bool:
        """Whether a field is left out."""
        return ".".join((*self.path, name)) in self.left_out


def convert(schema: Schema, place: Place) -> Schema:
    """The structural schema of a value; raises ValueError for a keyword that it does not know."""
    schema = _inline(schema, place)
    if unknown := set(schema) - _READ - set(_COPIED):
        raise ValueError(f"{'.'.join(place.path)}: unknown keywords {sorted(unknown)}")
    kinds = schema.get("type", "string")
    if isinstance(kinds, list):
        kinds = "array" if set(kinds) == {"string", "array"} else None
    made: Schema = {name: schema[name] for name in _COPIED if name in schema}
    made["type"] = kinds
    for words in _NOT_SAID if "description" in made else ():
        made["description"] = made["description"].replace(words, "")
    if "const" in schema:
        made["enum"] = [schema["const"]]
    if "default" in schema:
        made["description"] = f"{made['description']} Default: {_print(schema['default'])}."
    return _CONVERSIONS[kinds](schema, made, place)


def _convert_text(schema: Schema, made: Schema, place: Place) -> Schema:
    if "enum" in made:
        return made
    parts = [part for part in schema.get("allOf", ()) if "pattern" in part]
    lengths = [part["maxLength"] for part in (schema, *parts) if "maxLength" in part]
    made["maxLength"] = min(lengths, default=_MAX_LENGTH)
    validations: list[Schema] = []
    if "pattern" in schema:
        validations += make_tests(schema["pattern"]).as_validations()
    rules: list[Schema] = []
    for part in parts:
        tests = make_tests(part["pattern"])
        if place.is_in_list:
            validations += tests.as_validations()
        else:
            rules.append(_make_text_rule(part, tests, place))
    if len(validations) == 1 and "pattern" in validations[0]:
        made |= validations[0]
    elif validations:
        made["allOf"] = validations
    return _with_rules(made, rules)


def _make_text_rule(part: Schema, tests: Tests, place: Place) -> Schema:
    rule = part["$comment"].removeprefix("Reported as ").removesuffix(".").split(" or ")[-1]
    return {"rule": tests.as_rule(), "message": f"{place.path[-1]} {MESSAGES[rule]}"}


def _convert_list(schema: Schema, made: Schema, place: Place) -> Schema:
    """Without the keywords of a single text, if the value may be one too."""
    for name in ("minLength", "maxLength"):
        made.pop(name, None)
    made.setdefault("maxItems", MAX_EVENTS if place.path[-1] == "events" else _MAX_ITEMS)
    made["items"] = convert(schema["items"], place.below("[]", is_in_list=True))
    if any(part.get("uniqueItems") for part in schema.get("allOf", ())):
        return _make_unique(made, place)
    return made


def _make_unique(made: Schema, place: Place) -> Schema:
    """A list without duplicates. A list of objects is atomic: server-side apply knows no set of
    objects, and events are no `map` by type and version, because a version may be absent, and one
    type and version may be there twice with different severities.
    """
    if made["items"]["type"] != "object":
        return made | {"x-kubernetes-list-type": "set"}
    rule = "self.all(item, self.exists_one(other, other == item))"
    message = f"{place.path[-1]}: the same subscription twice"
    made["x-kubernetes-list-type"] = "atomic"
    return _with_rules(made, [{"rule": rule, "message": message}])


def _convert_object(schema: Schema, made: Schema, place: Place) -> Schema:
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        # The names of a map have no pattern here: no keyword of a structural schema has one, and
        # rules do not see a map whose values may be anything. The operator checks them.
        made.setdefault("maxProperties", _MAX_FIELDS)
        return made | {"additionalProperties": convert(others, place.below("{}", is_in_list=True))}
    fields = _merge_fields(schema, place)
    if not fields:
        return made | {"x-kubernetes-preserve-unknown-fields": True}
    if "fromEnv" in fields:
        return _make_reference(made, fields, place)
    made["properties"] = {
        name: convert(_without_reference(field), place.below(name))
        for name, field in fields.items()
        if not place.is_left_out(name)
    }
    return _with_conditions(schema, made, place)


def _with_conditions(schema: Schema, made: Schema, place: Place) -> Schema:
    """With the required fields and the rules between fields."""
    properties = made["properties"]
    scope = Scope(_name(place), list(properties))
    required = [name for name in schema.get("required", ()) if name in properties]
    rules: list[Rule] = []
    for rule in list_rules(schema, scope):
        if (name := rule.find_required()) is None:
            rules.append(rule)
        elif name not in required:
            required.append(name)
    if required:
        made["required"] = required
    return _with_rules(made, [rule.as_validation() for rule in rules])


def _make_reference(made: Schema, fields: Schema, place: Place) -> Schema:
    """The reference to a Secret: other sources would read the operator's files and variables."""
    source = fields[_ONLY_SOURCE]
    properties = {_ONLY_SOURCE: convert(source, place.below(_ONLY_SOURCE))}
    return {
        "description": made["description"],
        "type": "object",
        "required": [_ONLY_SOURCE],
        "properties": properties,
    }


def _convert_any(schema: Schema, made: Schema, place: Place) -> Schema:  # noqa: ARG001  one signature for all
    """A value of any type, such as an option of a product; the operator checks it."""
    return {
        "description": made["description"],
        "x-kubernetes-preserve-unknown-fields": True,
    }


def _keep(schema: Schema, made: Schema, place: Place) -> Schema:  # noqa: ARG001  one signature for all
    return made


_CONVERSIONS: Final = {
    "string": _convert_text,
    "array": _convert_list,
    "object": _convert_object,
    "boolean": _keep,
    "number": _keep,
    "integer": _keep,
    None: _convert_any,
}


def _inline(schema: Schema, place: Place) -> Schema:
    """The schema with what it refers to; its own keywords win, and fields are merged."""
    if "$ref" not in schema:
        return schema
    base = _inline(place.definitions[schema["$ref"].rpartition("/")[2]], place)
    return _merge(base, {name: part for name, part in schema.items() if name != "$ref"})


def _merge(base: Schema, schema: Schema) -> Schema:
    both = {**base, **schema}
    if "properties" in base and "properties" in schema:
        fields = dict(base["properties"])
        for name, field in schema["properties"].items():
            fields[name] = {**fields.get(name, {}), **field}
        both["properties"] = fields
    return both


def _merge_fields(schema: Schema, place: Place) -> Schema:
    """The fields of an object, also those that it has under a condition only."""
    fields: Schema = {}
    for part in _walk_branches(schema):
        for name, field in part.get("properties", {}).items():
            if field is True:
                continue
            known = fields.setdefault(name, field)
            if known != field:
                raise ValueError(f"{'.'.join(place.path)}: {name} has two schemas")
    return fields


def _walk_branches(schema: Schema) -> Iterator[Schema]:
    yield schema
    for part in (schema.get("then"), schema.get("else"), *schema.get("allOf", ())):
        if isinstance(part, dict) and "$comment" not in part:
            yield from _walk_branches(part)


def _without_reference(field: Schema) -> Schema:
    """A text, if the value may be a text or a reference: the reference has a field of its own."""
    kinds = field.get("type")
    if not isinstance(kinds, list) or set(kinds) != {"string", "object"}:
        return field
    kept = {name: part for name, part in field.items() if name not in {"if", "then"}}
    return kept | {"type": "string"}


def _with_rules(made: Schema, rules: list[Schema]) -> Schema:
    return made | {"x-kubernetes-validations": rules} if rules else made


def _name(place: Place) -> str:
    """How a message names an object: its field, or that of the list that it is in."""
    return next((part for part in reversed(place.path) if part.isalpha()), "object")


def _print(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
