"""Holds a real answer, and the request it is for, to the OpenAPI document. The harness does so with
every answer.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
from jsonschema import Draft202012Validator

from reconciler.tenant.api.openapi import DOCUMENT

BASE = DOCUMENT["servers"][0]["url"]


@cache
def _paths() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Literal paths first, as the server has them."""
    ordered = sorted(DOCUMENT["paths"].items(), key=lambda item: "{" in item[0])
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operations) for path, operations in ordered
    ]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    """The operation of a request; None where the document has none."""
    for pattern, operations in _paths():
        if pattern.fullmatch(path):
            found: dict[str, Any] | None = operations.get(method.lower())
            return found
    return None


@cache
def _accepts(schema: str) -> jsonschema_rs.Draft202012Validator:
    """A quick validator of a schema of the document, given as JSON."""
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(whole)


def faults(schema: Any, value: Any) -> list[str]:
    """The faults of a value by a schema of the document; found quickly, then explained."""
    if _accepts(json.dumps(schema)).is_valid(value):
        return []
    whole = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message}" for error in whole.iter_errors(value)] or ["?"]


def check(answer: httpx.Response, sent: bytes | None) -> None:
    """Status, media type, headers and body are documented; what was accepted is what the document
    lets one send.
    """
    path = answer.request.url.path.removeprefix(BASE)
    operation = _operation(answer.request.method, path)
    shown = f"{answer.request.method} {path}: {answer.status_code} {answer.text[:300]}"
    if operation is None:
        assert answer.status_code in {404, 405}, shown
        assert faults({"$ref": "#/components/schemas/Problem"}, answer.json()) == [], shown
        return
    said = operation["responses"].get(str(answer.status_code))
    assert said is not None, f"not documented: {shown}"
    assert [name for name in said.get("headers", {}) if name not in answer.headers] == [], shown
    for media, content in said.get("content", {}).items():
        given, _, parameters = answer.headers["Content-Type"].partition(";")
        assert (given, bool(parameters)) == (media, media == "text/plain"), shown
        assert (
            faults(content["schema"], answer.text if media == "text/plain" else answer.json()) == []
        ), shown
        if media == "application/problem+json":
            assert answer.json()["type"] != "defect", shown
            assert answer.json()["type"] in re.findall("`([a-z0-9-]+)`", said["description"]), (
                f"not documented: {shown}"
            )
    if "content" not in said:
        assert answer.content == b"", shown
    if sent and answer.is_success:
        (body,) = operation["requestBody"]["content"].values()
        assert faults(body["schema"], json.loads(sent)) == [], shown
