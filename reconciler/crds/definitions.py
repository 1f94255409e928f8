"""The CustomResourceDefinitions of the project, as values and as YAML."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import yaml

from reconciler.crds.kinds import KINDS, Kind
from reconciler.crds.status import make_status
from reconciler.crds.structural import Place, Schema, convert

GROUP: Final = "webhooks.reconciler"
VERSION: Final = "v1"
_HEADER: Final = "# Made by `reconciler schema crds`; needs Kubernetes 1.25, for its rules.\n"

Load = Callable[[str], Schema]


def make_definitions(load: Load) -> list[Schema]:
    """The definition of each kind. `load` returns the JSON Schema of a name."""
    return [_make_definition(kind, load(kind.schema)) for kind in KINDS]


def print_definitions(load: Load) -> str:
    """The definitions as YAML, one document each."""
    documents = [
        # JSON has no anchors: each definition is written in full
        json.loads(json.dumps(definition))
        for definition in make_definitions(load)
    ]
    text = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)
    return _HEADER + text


class _Dumper(yaml.SafeDumper):
    """Without anchors, and with lists indented below their name."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  its signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT002  its signature
        super().increase_indent(flow, indentless=False)


def _make_definition(kind: Kind, schema: Schema) -> Schema:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": kind.scope,
            "names": dict(kind.make_names()),
            "versions": [_make_version(kind, schema)],
        },
    }


def _make_version(kind: Kind, schema: Schema) -> Schema:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": name, "type": of_type, "jsonPath": path}
            for name, of_type, path in kind.columns
        ],
        "selectableFields": [{"jsonPath": path} for path in kind.selectable],
        "schema": {"openAPIV3Schema": _make_schema(kind, schema)},
    }


def _make_schema(kind: Kind, schema: Schema) -> Schema:
    """`metadata` needs no rule: an API server takes no name that is not a DNS name, which is what a
    key in Git may be at most, and its labels are stricter too.
    """
    place = Place(("spec",), schema["$defs"], kind.left_out)
    return {
        "description": schema["description"],
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": "The version of the format.", "type": "string"},
            "kind": {"description": "The kind.", "type": "string"},
            "metadata": {"type": "object"},
            "spec": convert(schema["properties"]["spec"], place),
            "status": make_status(kind.name),
        },
    }
