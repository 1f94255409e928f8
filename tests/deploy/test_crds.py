"""deploy/base/crds.yaml: what the generator makes of the schemas, and what an API server would accept.

RECONCILER_UPDATE_GOLDENS=1 writes it, and deploy/install.yaml after it; read the diff.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from reconciler.crds.definitions import make_definitions, print_definitions
from reconciler.crds.kinds import KINDS
from reconciler.manifests.schema_texts import load_schema
from reconciler.manifests.yaml.document import File
from reconciler.manifests.yaml.reader import read_documents
from tests.support import structural_schemas as structural
from tests.support.cluster_manifests import for_cluster
from tests.support.processes import ROOT, run

CRDS = ROOT / "deploy" / "base" / "crds.yaml"
DEFINITIONS = {
    definition["spec"]["names"]["kind"]: definition for definition in make_definitions(load_schema)
}
SCHEMAS = {
    kind: definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for kind, definition in DEFINITIONS.items()
}
WITH_METADATA = {
    kind: {**schema, "properties": {**schema["properties"], "metadata": structural.METADATA}}
    for kind, schema in SCHEMAS.items()
}
INVALID = ROOT / "tests" / "manifests" / "invalid"


def test_the_file_is_what_the_command_prints(tmp_path: Path) -> None:
    text = print_definitions(load_schema)
    if os.environ.get("RECONCILER_UPDATE_GOLDENS") == "1":
        CRDS.write_text(text)
    assert CRDS.read_text() == text
    printed = run("schema", "crds", cwd=tmp_path)
    assert (printed.code, printed.out) == (0, text)


def test_the_yaml_is_the_definitions_and_has_no_anchors() -> None:
    documents = list(yaml.safe_load_all(CRDS.read_text()))
    assert documents == list(DEFINITIONS.values())
    assert not re.search(r"(: |- )[&*][a-z0-9]", CRDS.read_text())


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_structural_and_everything_in_it_has_a_limit(kind: str) -> None:
    fields = SCHEMAS[kind]["properties"]
    assert fields["metadata"] == {"type": "object"}
    assert all(list(fields[name]) == ["description", "type"] for name in ("apiVersion", "kind"))
    for name in ("spec", "status"):
        assert list(structural.find_faults(fields[name], f"{kind}.{name}")) == []


@pytest.mark.parametrize("kind", SCHEMAS)
def test_an_api_server_can_read_every_rule_and_pattern(kind: str) -> None:
    for rule, message in structural.list_rules(SCHEMAS[kind]):
        assert structural._compile(rule) is not None
        assert 0 < len(message) <= 2048
        assert "\n" not in message
    for pattern in structural.list_patterns(SCHEMAS[kind]):
        structural.matches(pattern, "")
        assert pattern.isascii()


def test_names_do_not_clash_and_columns_read_fields_that_are_there() -> None:
    names = [kind.plural for kind in KINDS] + [kind.short for kind in KINDS]
    assert len(set(names)) == len(names)
    for kind in KINDS:
        for _name, of_type, path in kind.columns:
            steps = re.sub(r"\[.*\]", "", path).strip(".").split(".")
            assert has_field(kind.name, steps), path
            assert of_type in {"string", "integer", "date"}
        for path in kind.selectable:
            field = find_field(kind.name, path.strip(".").split("."))
            assert field["type"] in {"string", "boolean", "integer"}


def find_field(kind: str, steps: list[str]) -> dict[str, Any]:
    field: dict[str, Any] = SCHEMAS[kind]
    for step in steps:
        field = (field.get("properties") or field["items"]["properties"])[step]
    return field


def has_field(kind: str, steps: list[str]) -> bool:
    return steps[0] == "metadata" or bool(find_field(kind, steps))


def test_no_definition_is_too_long_for_the_annotation_of_kubectl_apply() -> None:
    assert max(len(json.dumps(definition)) for definition in DEFINITIONS.values()) < 262_144 / 2


# ---- the same documents, by both schemas

REASONS = {
    "incomplete": "only products with versions and severities need both: a matter of the Tenant",
    "metadata": "an API server has rules of its own for annotations: they are texts",
    "null": "an API server drops a null before it looks at the object",
    "NUL": "this CEL cuts a text at its NUL; an API server does not, and refuses it",
}
# The examples of which the two schemas do not say the same.
EXCEPTIONS = {
    "annotations-are-ignored.yaml": "metadata",
    "auth-null.yaml": "null",
    "label-is-null.yaml": "null",
    "subscription-incomplete.yaml": "incomplete",
    "tenant-owner-not-printable.yaml": "NUL",
}


def documents_of(path: Path) -> list[dict[str, Any]]:
    """Its documents of a kind that a cluster has, if it can be read at all."""
    documents, problems = read_documents(File(path.name), path.read_bytes())
    if problems:
        return []
    values = [document.value for document in documents if isinstance(document.value, dict)]
    return [
        value
        for value in values
        if value.get("apiVersion") == "webhooks.reconciler/v1" and value.get("kind") in SCHEMAS
    ]


def make_validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    name = next(item.schema for item in KINDS if item.name == kind)
    return jsonschema_rs.Draft202012Validator(load_schema(name))


VALIDATORS = {kind: make_validator(kind) for kind in SCHEMAS}
CASES = [
    (path.name, number, document)
    for path in sorted(INVALID.iterdir())
    if path.suffix in {".yaml", ".json"}
    for number, document in enumerate(documents_of(path))
]


@pytest.mark.parametrize(
    ("name", "document"),
    [pytest.param(name, document, id=f"{name}-{number}") for name, number, document in CASES],
)
def test_both_schemas_agree_on_each_invalid_example(name: str, document: dict[str, Any]) -> None:
    kind, body = document["kind"], for_cluster(document)
    refused = structural.refusals(WITH_METADATA[kind], body)
    agreed = VALIDATORS[kind].is_valid(body) is (not refused)
    assert agreed is (name not in EXCEPTIONS), refused


def test_every_exception_is_an_example_and_has_a_reason() -> None:
    assert set(EXCEPTIONS) <= {name for name, _number, _document in CASES}
    assert set(EXCEPTIONS.values()) <= set(REASONS)
    assert len(CASES) > 100


EXAMPLES = [
    (path.relative_to(ROOT).as_posix(), number, document)
    for path in sorted((ROOT / "examples").rglob("*.yaml"))
    for number, document in enumerate(documents_of(path))
]


@pytest.mark.parametrize(
    "document",
    [pytest.param(document, id=f"{name}-{number}") for name, number, document in EXAMPLES],
)
def test_every_example_is_valid_in_a_cluster(document: dict[str, Any]) -> None:
    assert structural.refusals(WITH_METADATA[document["kind"]], for_cluster(document)) == []
