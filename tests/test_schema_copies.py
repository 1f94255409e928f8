"""Schemas that are made of others. RECONCILER_UPDATE_GOLDENS=1 writes them; read the diff."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.manifests.schema_texts import KINDS, load_schema
from reconciler.tenant.api.openapi import DOCUMENT

SCHEMAS = Path(__file__).parents[1] / "schemas"
OWN = {"$schema", "$id", "$defs"}


ALLOWED_NAMESPACES = {
    "description": "The namespaces whose Webhooks, EventSubscriptions and Policies it takes; `*` is all of them.",
    "type": "array",
    "minItems": 1,
    "maxItems": 1000,
    "items": {
        "title": "Namespace",
        "description": "The name of a namespace, or `*`.",
        "type": "string",
        "maxLength": 63,
        "pattern": r"^(?:\*|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?!\n)$",
    },
    "examples": [["payments", "search"], ["*"]],
}


def make_cluster_tenant_schema() -> dict[str, Any]:
    """A Tenant, and the namespaces that it is for."""
    schema = copy.deepcopy(load_schema("tenant"))
    about = "A Tenant for several namespaces of a cluster; only the operator uses it."
    schema |= {
        "$id": schema["$id"].replace("tenant", "cluster-tenant"),
        "title": "ClusterTenant",
        "description": about,
    }
    schema["properties"]["kind"] = {"description": about, "const": "ClusterTenant"}
    spec = schema["properties"]["spec"]
    spec["title"] = "ClusterTenant spec"
    spec["required"].append("allowedNamespaces")
    spec["properties"]["allowedNamespaces"] = ALLOWED_NAMESPACES
    return schema


def make_manifest_schema() -> dict[str, Any]:
    """The schema of any kind of manifest, for editors, which load one file only."""
    definitions: dict[str, Any] = {}
    for name in KINDS.values():
        schema = load_schema(name)
        definitions |= schema["$defs"]
        definitions[name] = {key: value for key, value in schema.items() if key not in OWN}
    return {**load_schema("manifest"), "$defs": definitions}


@pytest.mark.parametrize(
    ("file", "make"),
    [
        ("cluster-tenant.schema.json", make_cluster_tenant_schema),
        ("manifest.schema.json", make_manifest_schema),
        ("openapi.json", lambda: DOCUMENT),
    ],
    ids=["cluster-tenant", "manifest", "openapi"],
)
def test_a_schema_that_is_made_of_others_is_up_to_date(
    file: str, make: Callable[[], dict[str, Any]]
) -> None:
    document = make()
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("RECONCILER_UPDATE_GOLDENS") == "1":
        (SCHEMAS / file).write_text(text, encoding="utf-8")
        load_schema.cache_clear()
    current = (SCHEMAS / file).read_text(encoding="utf-8")
    assert json.loads(current) == document, f"{file}: RECONCILER_UPDATE_GOLDENS=1 rewrites it"


def test_definitions_of_one_name_are_equal_in_every_kind() -> None:
    definitions = load_schema("manifest")["$defs"]
    for name in KINDS.values():
        assert load_schema(name)["$defs"].items() <= definitions.items()
