"""Objects of a cluster in YAML, and whether an API server and the project take them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from reconciler.crds.definitions import make_definitions
from reconciler.manifests.schema_texts import KINDS, load_schema
from reconciler.manifests.schemas.schema import load_structure
from tests.support.structural_schemas import METADATA, refusals


def documents_of(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


@cache
def definitions() -> dict[str, Any]:
    return {
        each["spec"]["names"]["kind"]: each["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for each in make_definitions(load_schema)
    }


def assert_valid(documents: Iterable[dict[str, Any]]) -> None:
    """What an API server and the project's own schema say of objects."""
    for value in documents:
        Draft202012Validator(load_structure(KINDS[value["kind"]])).validate(value)
        schema = definitions()[value["kind"]]
        body = {name: part for name, part in value.items() if name != "metadata"}
        assert refusals(schema, {**body, "metadata": {}}) == []
        Draft202012Validator(METADATA).validate(value["metadata"])
