"""A part of an OpenAPI description: some paths, and every component that they refer to.

GitHub's description has 13 MB, of which its webhooks need one hundredth. JSON in, JSON out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")


def cut_description(description: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The description of `paths` alone. A field that a request's body may not have is an error
    there: by itself a schema allows any.
    """
    kept = {path: deepcopy(description["paths"][path]) for path in paths}
    cut = {**{name: description[name] for name in ("openapi", "info", "servers")}, "paths": kept}
    components: dict[str, dict[str, Any]] = {}
    waiting = set(list_references(kept))
    while waiting:
        kind, name = waiting.pop().removeprefix("#/components/").split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = description["components"][kind][name]
            waiting |= set(list_references(components[kind][name]))
    for operation in list_operations(kept):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            media["schema"] = close_objects(media["schema"])
    return {**cut, "components": components}


def list_references(value: Any) -> Iterator[str]:
    """Every `$ref` in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from list_references(item)
    elif isinstance(value, list):
        for item in value:
            yield from list_references(item)


def list_operations(paths: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in paths.values():
        yield from (item[method] for method in METHODS if method in item)


def close_objects(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose objects have no other field than its `properties`."""
    if "properties" not in schema:
        return schema
    properties = {name: close_objects(item) for name, item in schema["properties"].items()}
    return {"additionalProperties": False, **schema, "properties": properties}


def find_query_names(description: dict[str, Any], method: str, path: str) -> set[str]:
    """The query parameters that an operation has; none for a path that is not described."""
    for template, item in description["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            parameters = item.get(method.lower(), {}).get("parameters", [])
            found = (find_component(description, parameter) for parameter in parameters)
            return {parameter["name"] for parameter in found if parameter["in"] == "query"}
    return set()


def find_component(description: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """What a reference refers to, or the value itself."""
    if "$ref" not in value:
        return value
    kind, name = value["$ref"].removeprefix("#/components/").split("/")
    found: dict[str, Any] = description["components"][kind][name]
    return found
