"""The JSON Schemas as an editor sees them: literals and wrong values are refused, every field is described."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.catalogue import CATALOGUE, SEVERITIES
from reconciler.manifests import load
from reconciler.manifests.schema_texts import KINDS, load_schema
from reconciler.tenant.api import openapi_patterns
from tests.support.requests import make_request

EVENT_A = {"type": "a", "version": "v0", "severity": "b"}
REF = {"fromEnv": "A"}


PATTERNS = {
    ("webhook", "name"): openapi_patterns.NAME,
    ("webhook", "url"): openapi_patterns.URL,
    ("webhook", "description"): openapi_patterns.DESCRIPTION,
    ("tenant", "url"): openapi_patterns.URL,
    ("tenant", "owner"): openapi_patterns.NAME,
}


@pytest.mark.parametrize(("kind", "field"), PATTERNS)
def test_an_editor_and_the_tenant_check_a_value_by_one_pattern(kind: str, field: str) -> None:
    parts = load_schema(kind)["properties"]["spec"]["properties"][field]["allOf"]
    assert PATTERNS[kind, field] in [part["pattern"] for part in parts]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Webhook", {"url": "https://x.example.com#part"}, "url/invalid"),
    ("Webhook", {"url": "hooks.example.com"}, "url/invalid"),
    ("Webhook", {"url": "https://user@x.example.com"}, "url/invalid"),
    ("Webhook", {"url": "https://x.example.com/" + "x" * 2048}, "url/invalid"),
    ("Webhook", {"url": "https://x.example.com", "name": "\u200b"}, "webhook/name"),
    ("Webhook", {"url": "https://x.example.com", "name": " a"}, "webhook/name"),
    ("Webhook", {"url": "https://x.example.com", "description": "\u202e"}, "webhook/description"),
    (
        "Webhook",
        {"url": "https://x.example.com", "events": [{"type": "a", "severity": "info"}]},
        "subscription/incomplete",
    ),
    (
        "Webhook",
        {"url": "https://x.example.com", "events": [{"type": "a", "version": "v0"}]},
        "subscription/incomplete",
    ),
    (
        "Webhook",
        {"url": "https://x.example.com", "events": [EVENT_A, EVENT_A]},
        "subscription/duplicate",
    ),
    (
        "Webhook",
        {"url": "https://x.example.com", "events": [{**EVENT_A, "severity": ["b", "b"]}]},
        "subscription/duplicate",
    ),
    (
        "Webhook",
        {"url": "https://x.example.com", "events": [{**EVENT_A, "type": "\u00ad"}]},
        "events/type",
    ),
    ("Webhook", {"url": {"fromEnv": "RECONCILER_X"}}, "secret/forbidden"),
    ("Webhook", {"url": {"fromVault": {"path": "a/../b", "field": "c"}}}, "secret/forbidden"),
    (
        "Webhook",
        {
            "url": "https://x.example.com",
            "auth": {"type": "basic", "username": "a:b", "password": REF},
        },
        "auth/username-colon",
    ),
    (
        "Webhook",
        {
            "url": "https://x.example.com",
            "auth": {"type": "basic", "username": "é", "password": REF},
        },
        "auth/credential",
    ),
    (
        "Webhook",
        {
            "url": "https://x.example.com",
            "auth": {"type": "apiKey", "header": "HOST", "value": REF},
        },
        "auth/header",
    ),
    ("EventSubscription", {"webhook": "a", "events": []}, "schema/minItems"),
    ("EventSubscription", {"webhook": "a", "events": [{"type": "a"}]}, "subscription/incomplete"),
    ("EventSubscription", {"webhook": "a"}, "schema/required"),
    ("EventSubscription", {"events": [EVENT_A]}, "schema/required"),
    ("Tenant", {"owner": "me", "url": "http://t.example.com", "token": REF}, "tenant/plain-http"),
    ("Tenant", {"owner": "me", "url": "t.example.com", "token": REF}, "url/invalid"),
    ("Tenant", {"owner": "\u2800", "url": "https://t.example.com", "token": REF}, "tenant/owner"),
]


@pytest.mark.parametrize(("kind", "spec", "rule"), REFUSED)
def test_what_the_reader_refuses_an_editor_refuses_too(
    kind: str, spec: dict[str, Any], rule: str
) -> None:
    body = {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": kind,
        "metadata": {"name": "a"},
        "spec": spec,
    }
    with pytest.raises(InvalidManifests) as error:
        load(make_request(paths=("-",), stdin=json.dumps(body).encode(), lenient=True))
    assert rule in {problem.rule for problem in error.value.problems}
    for name in (KINDS[kind], "manifest"):
        for validator in (jsonschema, jsonschema_rs):
            assert not validator.Draft202012Validator(load_schema(name)).is_valid(body)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080/x",
        "http://127.0.0.1/x",
        "http://[::1]:1",
        "HTTPS://t.example.com",
        "http://127.0.0.1",
    ],
)
def test_an_editor_accepts_a_tenant_on_loopback_without_tls(url: str) -> None:
    spec = {"owner": "me", "url": url, "token": REF}
    body = {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": "Tenant",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    assert jsonschema.Draft202012Validator(load_schema("tenant")).is_valid(body)
    assert (
        load(make_request(paths=("-",), stdin=json.dumps(body).encode(), lenient=True)).problems
        == ()
    )


CREDENTIAL_FIELDSS = [
    (
        "Webhook",
        {
            "url": "https://x.example.com",
            "auth": {"type": "basic", "username": "u", "password": "hunter2"},
        },
    ),
    ("Webhook", {"url": "https://x.example.com", "auth": {"type": "bearer", "token": "hunter2"}}),
    (
        "Webhook",
        {
            "url": "https://x.example.com",
            "auth": {"type": "apiKey", "header": "X-Key", "value": "hunter2"},
        },
    ),
    ("Tenant", {"url": "https://t.example.com", "owner": "me", "token": "hunter2"}),
]


@pytest.mark.parametrize(("kind", "spec"), CREDENTIAL_FIELDSS)
@pytest.mark.parametrize(
    "literal",
    ["hunter2", 5, None, ["hunter2"], {"value": "hunter2"}, {"fromEnv": "A", "fromFile": "b"}],
)
def test_the_schema_alone_refuses_every_literal_credential(
    kind: str, spec: dict[str, Any], literal: Any
) -> None:
    spec = copy.deepcopy(spec)
    holder = spec.get("auth", spec)
    field = next(name for name in ("password", "token", "value") if name in holder)
    body = {
        "apiVersion": "webhooks.reconciler/v1",
        "kind": kind,
        "metadata": {"name": "one"},
        "spec": spec,
    }
    for name in (KINDS[kind], "manifest"):
        validator = jsonschema.Draft202012Validator(load_schema(name))
        holder[field] = {"fromEnv": "A"}
        assert validator.is_valid(body)
        holder[field] = literal
        assert not validator.is_valid(body)


def fields(value: Any, whole: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every field that a schema describes, by path; what only tests a field (`if`) is none."""
    if isinstance(value, list):
        return [
            found
            for number, item in enumerate(value)
            for found in fields(item, whole, f"{path}/{number}")
        ]
    if not isinstance(value, dict):
        return []
    own = [
        (f"{path}/{name}", item)
        for name, item in value.get("properties", {}).items()
        if isinstance(item, dict)
    ]
    below = [
        fields(item, whole, f"{path}/{name}")
        for name, item in value.items()
        if name not in {"if", "not", "examples"}
    ]
    return [*own, *(found for part in below for found in part)]


@pytest.mark.parametrize("name", [*KINDS.values(), "manifest"])
def test_every_field_says_in_the_editor_what_it_is(name: str) -> None:
    whole = load_schema(name)
    for path, field in fields(whole, whole):
        target = whole["$defs"][field["$ref"].rsplit("/", 1)[-1]] if "$ref" in field else {}
        assert field.get("description") or target.get("description"), path


@pytest.mark.parametrize("name", [*KINDS.values(), "manifest"])
def test_the_editor_offers_examples_that_the_schema_takes_and_the_catalogue_knows(
    name: str,
) -> None:
    whole = load_schema(name)
    for path, field in fields(whole, whole):
        for example in [
            *field.get("examples", ()),
            *([field["default"]] if "default" in field else []),
        ]:
            jsonschema.Draft202012Validator({**field, "$defs": whole["$defs"]}).validate(example)
            assert example not in (None, ""), path
    event = whole["$defs"].get("event", {"properties": {"type": {}, "severity": {}}})["properties"]
    assert event["type"].get("examples", [known.type for known in CATALOGUE]) == [
        known.type for known in CATALOGUE
    ]
    assert event["severity"].get("examples", [*SEVERITIES])[: len(SEVERITIES)] == [*SEVERITIES]
