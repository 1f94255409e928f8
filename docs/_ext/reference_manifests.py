"""Fields of manifests and of JSON outputs, from the JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from markdown_table import code, plain, table

from reconciler.cli.commands.reference.schema import KINDS
from reconciler.manifests.schema_texts import load_schema
from reconciler.manifests.schemas.fields import Field, explain_field

REFERENCE = "Webhook.spec.auth.token"


def _is_reference(field: Field) -> bool:
    return any(child.path == "fromEnv" for child in field.fields)


def _about(field: Field) -> str:
    types = " or ".join(field.types)
    parts = [
        types,
        "required" if field.required else "",
        f"of {field.variant}" if field.variant else "",
    ]
    return ", ".join(part for part in parts if part)


def _fact(fact: str) -> str:
    words, example = fact.partition("such as ")[::2]
    return f"Such as {code(example)}" if example else plain(words[:1].upper() + words[1:])


def _row(field: Field) -> list[str]:
    meaning = [plain(field.description).rstrip("."), *(_fact(fact) for fact in field.facts)]
    return [
        code(field.path),
        plain(_about(field)),
        ". ".join(part for part in meaning if part) + ".",
    ]


def _sections(path: str) -> Iterator[str]:
    field = explain_field(path)
    if not field.fields:
        return
    rows = [_row(child) for child in field.fields]
    yield f"### `{path}`\n\n{table(['field', 'type', 'meaning'], rows)}"
    for child in field.fields:
        below = explain_field(f"{path}.{child.path}")
        if not _is_reference(below):
            yield from _sections(below.path)


def field_tables(kind: str) -> str:
    """The fields of `spec` of a kind of manifest, a table per mapping; a reference is one line."""
    return "\n\n".join(_sections(f"{kind}.spec"))


def own_field_table(kind: str, base: str) -> str:
    """The fields of `spec` that a kind has beside those of another kind."""
    known = {field.path for field in explain_field(f"{base}.spec").fields}
    rows = [
        _row(field) for field in explain_field(f"{kind}.spec").fields if field.path not in known
    ]
    return f"### `{kind}.spec`\n\n{table(['field', 'type', 'meaning'], rows)}"


def metadata_table() -> str:
    """The fields of `metadata`, which every kind has."""
    rows = [_row(field) for field in explain_field("Webhook.metadata").fields]
    return table(["field of `metadata`", "type", "meaning"], rows)


def reference_table() -> str:
    """The sources of a secret reference, with the fields of each."""
    rows = []
    for source in explain_field(REFERENCE).fields:
        rows.append(_row(source))
        for field in explain_field(f"{REFERENCE}.{source.path}").fields:
            row = _row(field)
            rows.append([code(f"{source.path}.{field.path}"), *row[1:]])
    return table(["field", "type", "meaning"], rows)


def formats() -> dict[str, dict[str, Any]]:
    """The schema of each JSON output, by the name of its format."""
    schemas = {kind: load_schema(kind) for kind in KINDS}
    named = {
        kind: found.get("properties", {}).get("format", {}).get("const")
        for kind, found in schemas.items()
    }
    return {name: schemas[kind] for kind, name in named.items() if name is not None}


def _nodes(root: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A part of a schema, then what it refers to, and what its items are."""
    yield node
    if "$ref" in node:
        yield from _nodes(root, root["$defs"][node["$ref"].rpartition("/")[2]])
    for below in (node.get("items"), *node.get("oneOf", ()), *node.get("anyOf", ())):
        if isinstance(below, dict):
            yield from _nodes(root, below)


def _output_row(root: dict[str, Any], name: str) -> list[str]:
    nodes = list(_nodes(root, root["properties"][name]))
    about = next((str(node["description"]) for node in nodes if "description" in node), "")
    if "const" in nodes[0]:
        about = about or "The name of this format."
    below = dict.fromkeys(key for node in nodes for key in node.get("properties", ()))
    return [
        code(name),
        "always" if name in root.get("required", ()) else "",
        plain(about),
        ", ".join(map(code, below)),
    ]


def json_formats() -> str:
    """Each JSON output: what it is, its fields at the top, and the names of those below."""
    heads = ["field", "there", "meaning", "fields of it, or of its items"]
    parts = []
    for name, root in formats().items():
        rows = [_output_row(root, field) for field in root["properties"]]
        about = plain(str(root.get("description", "")))
        parts.append(f"### `{name}`\n\n{about}\n\n{table(heads, rows)}")
    return "\n\n".join(parts)
