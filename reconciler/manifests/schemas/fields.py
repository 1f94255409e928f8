"""The meaning of each manifest field, from the descriptions in the JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.errors import BadRequest
from reconciler.manifests.schema_texts import KINDS, load_schema
from reconciler.manifests.schemas.suggestions import suggest

Node = dict[str, Any]
_TYPES: Final = {
    "object": "mapping",
    "array": "list",
    "string": "text",
    "boolean": "true or false",
    "integer": "whole number",
}
_LIMITS: Final = {
    "maxLength": "up to {:,} characters",
    "minItems": "at least {:,}",
    "minimum": "from {:,}",
    "maximum": "up to {:,}",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Field:
    """One field. `types` are words for a reader; `facts` are its default and limits; `variant` is
    the variant that it belongs to ("" for any).
    """

    path: str
    description: str
    types: tuple[str, ...] = ()
    required: bool = False
    variant: str = ""
    facts: tuple[str, ...] = ()
    fields: tuple[Field, ...] = field(default=())


def list_kinds() -> tuple[Field, ...]:
    """Every kind of manifest."""
    return tuple(
        Field(kind, _find_description([load_schema(name)])) for kind, name in KINDS.items()
    )


def explain_field(text: str) -> Field:
    """The field at `KIND.FIELD`, such as `Webhook.spec.auth.token`, with its child fields.

    `spec.` and `metadata.` may be left out. Raises BadRequest, with similar names, for an unknown
    field.
    """
    kind, *steps = text.split(".")
    kind_name = next(
        (children for children, name in KINDS.items() if kind.lower() in {children.lower(), name}),
        None,
    )
    if kind_name is None:
        hint = suggest(kind, KINDS) or f"known kinds: {', '.join(KINDS)}"
        raise BadRequest(f"there is no kind of manifest {kind}: {hint}")
    root = load_schema(KINDS[kind_name])
    path, nodes, required = kind_name, [root], True
    if steps and steps[0] not in (children := _find_children(root, nodes)):
        steps = next(
            (
                [place, *steps]
                for place in ("spec", "metadata")
                if steps[0] in _find_children(root, children[place])
            ),
            steps,
        )
    for number, step in enumerate(steps):
        children = _find_children(root, nodes)
        if step not in children:
            raise BadRequest(_unknown_field(path, step, children, root if number == 0 else None))
        required = step in _required_names(root, nodes)
        path, nodes = f"{path}.{step}", children[step]
    return _make_field(root, path, nodes, required=required, with_children=True)


def _unknown_field(
    path: str, step: str, children: Mapping[str, list[Node]], root: Node | None
) -> str:
    names = list(children)
    if root is not None:
        names += [
            *_find_children(root, children.get("spec", [])),
            *_find_children(root, children.get("metadata", [])),
        ]
    hint = suggest(step, names) or (
        f"known: {', '.join(children)}" if children else "it has no fields of its own"
    )
    return f"{path} has no field {step}: {hint}"


def _walk_parts(root: Node, node: Node, variant: str = "") -> Iterator[tuple[Node, str]]:
    """A schema and its parts, each with the variant that it belongs to."""
    yield node, variant
    if "$ref" in node:
        yield from _walk_parts(root, root["$defs"][node["$ref"].rpartition("/")[2]], variant)
    if "if" in node and "then" in node:
        branch = node["then"]
        yield from _walk_parts(
            root, branch, branch.get("title", variant) if "properties" in branch else variant
        )
    for part in node.get("allOf", ()):
        yield from _walk_parts(root, part, variant)
    if isinstance(node.get("items"), dict):
        yield from _walk_parts(root, node["items"], variant)


def _find_children(root: Node, nodes: list[Node]) -> dict[str, list[Node]]:
    """The child fields, each with every schema that describes it."""
    children: dict[str, list[Node]] = {}
    for node in nodes:
        for part, variant in _walk_parts(root, node):
            for name, child in part.get("properties", {}).items():
                schemas = children.setdefault(name, [])
                if isinstance(child, dict):
                    schemas.append({**child, "x-when": variant})
    return children


def _required_names(root: Node, nodes: list[Node]) -> set[str]:
    """The required fields of all variants."""
    parts = (part for node in nodes for part, _ in _walk_parts(root, node) if "properties" in part)
    return {name for part in parts for name in part.get("required", ())}


def _find_description(nodes: list[Node]) -> str:
    return next((str(node["description"]) for node in nodes if "description" in node), "")


def _make_field(
    root: Node, path: str, nodes: list[Node], *, required: bool, with_children: bool
) -> Field:
    all_parts = [part for node in nodes for part, _ in _walk_parts(root, node)]
    own_parts = [
        part
        for node in nodes
        for part, _ in _walk_parts(root, {key: node[key] for key in node if key != "items"})
    ]
    variants = list(dict.fromkeys(node["x-when"] for node in nodes if node.get("x-when")))
    required_names = _required_names(root, nodes) if with_children else set()
    children = _find_children(root, nodes) if with_children else {}
    return Field(
        path,
        _find_description(all_parts),
        tuple(dict.fromkeys(name for part in own_parts for name in _type_names(part))),
        required,
        ", ".join(variants),
        tuple(dict.fromkeys(fact for part in own_parts for fact in _find_facts(part))),
        tuple(
            _make_field(root, name, child, required=name in required_names, with_children=False)
            for name, child in children.items()
        ),
    )


def _type_names(part: Node) -> Iterator[str]:
    types = part.get("type", ())
    for name in [types] if isinstance(types, str) else types:
        yield _TYPES.get(name, name)


def _find_facts(part: Node) -> Iterator[str]:
    if "const" in part:
        yield f"always {part['const']}"
    if "enum" in part:
        yield f"one of {', '.join(map(str, part['enum']))}"
    if "default" in part:
        yield f"default {json.dumps(part['default'])}"
    yield from (words.format(part[name]) for name, words in _LIMITS.items() if name in part)
    yield from (f"such as {json.dumps(example)}" for example in part.get("examples", ())[:2])
