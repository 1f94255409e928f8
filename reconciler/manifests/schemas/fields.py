"""What a field of a manifest means, from the descriptions in the JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.errors import BadRequest
from reconciler.manifests.schema_texts import KINDS, schema
from reconciler.manifests.schemas.near import near

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


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `types` for people, `facts` such as its default, `when` names the variant that it
    belongs to ("" for any).
    """

    path: str
    description: str
    types: tuple[str, ...] = ()
    required: bool = False
    when: str = ""
    facts: tuple[str, ...] = ()
    fields: tuple[Field, ...] = field(default=())


def kinds() -> tuple[Field, ...]:
    """Every kind of manifest."""
    return tuple(Field(kind, _description([schema(name)])) for kind, name in KINDS.items())


def explained(text: str) -> Field:
    """The field at `KIND.FIELD`, such as `Webhook.spec.auth.token`, with those below it.

    `spec.` and `metadata.` may be left out.

    Raises BadRequest, with near names, for what no manifest has.
    """
    kind, *steps = text.split(".")
    found = next(
        (known for known, name in KINDS.items() if kind.lower() in {known.lower(), name}), None
    )
    if found is None:
        hint = near(kind, KINDS) or f"known kinds: {', '.join(KINDS)}"
        raise BadRequest(f"no kind of manifest is called {kind}: {hint}")
    root = schema(KINDS[found])
    path, nodes, required = found, [root], True
    if steps and steps[0] not in (known := _children(root, nodes)):
        steps = next(
            (
                [place, *steps]
                for place in ("spec", "metadata")
                if steps[0] in _children(root, known[place])
            ),
            steps,
        )
    for number, step in enumerate(steps):
        known = _children(root, nodes)
        if step not in known:
            raise BadRequest(_unknown(path, step, known, root if number == 0 else None))
        required = step in _required(root, nodes)
        path, nodes = f"{path}.{step}", known[step]
    return _field(root, path, nodes, required=required, below=True)


def _unknown(path: str, step: str, known: Mapping[str, list[Node]], root: Node | None) -> str:
    names = list(known)
    if root is not None:
        names += [
            *_children(root, known.get("spec", [])),
            *_children(root, known.get("metadata", [])),
        ]
    hint = near(step, names) or (
        f"known: {', '.join(known)}" if known else "it has no fields of its own"
    )
    return f"{path} has no field {step}: {hint}"


def _parts(root: Node, node: Node, when: str = "") -> Iterator[tuple[Node, str]]:
    """A schema and all that it is made of, each with the variant it belongs to."""
    yield node, when
    if "$ref" in node:
        yield from _parts(root, root["$defs"][node["$ref"].rpartition("/")[2]], when)
    if "if" in node and "then" in node:
        then = node["then"]
        yield from _parts(root, then, then.get("title", when) if "properties" in then else when)
    for part in node.get("allOf", ()):
        yield from _parts(root, part, when)
    if isinstance(node.get("items"), dict):
        yield from _parts(root, node["items"], when)


def _children(root: Node, nodes: list[Node]) -> dict[str, list[Node]]:
    """The fields below, each with every schema that speaks of it."""
    found: dict[str, list[Node]] = {}
    for node in nodes:
        for part, when in _parts(root, node):
            for name, child in part.get("properties", {}).items():
                known = found.setdefault(name, [])
                if isinstance(child, dict):
                    known.append({**child, "x-when": when})
    return found


def _required(root: Node, nodes: list[Node]) -> set[str]:
    """The fields that must be there, in whichever variant they stand."""
    parts = (part for node in nodes for part, _ in _parts(root, node) if "properties" in part)
    return {name for part in parts for name in part.get("required", ())}


def _description(nodes: list[Node]) -> str:
    return next((str(node["description"]) for node in nodes if "description" in node), "")


def _field(root: Node, path: str, nodes: list[Node], *, required: bool, below: bool) -> Field:
    every = [part for node in nodes for part, _ in _parts(root, node)]
    own = [
        part
        for node in nodes
        for part, _ in _parts(root, {key: node[key] for key in node if key != "items"})
    ]
    whens = list(dict.fromkeys(node["x-when"] for node in nodes if node.get("x-when")))
    needed = _required(root, nodes) if below else set()
    children = _children(root, nodes) if below else {}
    return Field(
        path,
        _description(every),
        tuple(dict.fromkeys(name for part in own for name in _types(part))),
        required,
        ", ".join(whens),
        tuple(dict.fromkeys(fact for part in own for fact in _facts(part))),
        tuple(
            _field(root, name, child, required=name in needed, below=False)
            for name, child in children.items()
        ),
    )


def _types(part: Node) -> Iterator[str]:
    named = part.get("type", ())
    for name in [named] if isinstance(named, str) else named:
        yield _TYPES.get(name, name)


def _facts(part: Node) -> Iterator[str]:
    if "const" in part:
        yield f"always {part['const']}"
    if "enum" in part:
        yield f"one of {', '.join(map(str, part['enum']))}"
    if "default" in part:
        yield f"default {json.dumps(part['default'])}"
    yield from (words.format(part[name]) for name, words in _LIMITS.items() if name in part)
    yield from (f"such as {json.dumps(example)}" for example in part.get("examples", ())[:2])
