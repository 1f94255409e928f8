"""The JSON Schemas by themselves, as an editor or another validator sees them: two validators
agree, literals are refused.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.catalogue import CATALOGUE, SEVERITIES
from reconciler.manifests import load
from reconciler.manifests.schema_texts import KINDS, load_schema
from reconciler.tenant.api import openapi_patterns
from tests.support.requests import make_request

# Rules that a schema says in full, and in part, for editors; the reader reports them in its own
# words.
WHOLE = {
    "url/invalid", "webhook/name", "webhook/description", "subscription/incomplete", "events/type",
    "auth/header",
    "auth/credential", "auth/username-colon", "tenant/plain-http", "tenant/owner",
}  # fmt: skip
PARTS = {"subscription/duplicate", "secret/forbidden"}
EVENT_A = {"type": "a", "version": "v0", "severity": "b"}
REF = {"fromEnv": "A"}
KEY = st.from_regex(r"[a-z0-9](?:[a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
ASCII = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"),
    min_size=1,
    max_size=8,
)
HEADER = st.from_regex(r"X-[A-Za-z0-9]{1,8}", fullmatch=True)
LABELS = st.dictionaries(TEXT, TEXT, max_size=2)
VAULT_PATH = st.from_regex(r"[a-z.%é]{1,3}(/[a-z.%é]{1,3}){1,3}", fullmatch=True)
REFERENCE = st.one_of(
    st.fixed_dictionaries({"fromEnv": st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True)}),
    st.fixed_dictionaries({"fromFile": TEXT}),
    st.fixed_dictionaries(
        {"fromVault": st.fixed_dictionaries({"path": VAULT_PATH, "field": TEXT})}
    ),
    st.fixed_dictionaries(
        {"fromAwsSecretsManager": st.fixed_dictionaries({"name": TEXT}, optional={"field": TEXT})}
    ),
    st.fixed_dictionaries({"fromSops": st.fixed_dictionaries({"file": TEXT, "key": TEXT})}),
    st.fixed_dictionaries({"fromCommand": st.lists(TEXT, min_size=1, max_size=3)}),
)
EVENT = st.fixed_dictionaries(
    {"type": TEXT, "version": TEXT, "severity": TEXT | st.lists(TEXT, min_size=1, max_size=2)}
)
VERSION = {"version": TEXT}
AUTH = st.one_of(
    st.just({"type": "none"}),
    st.fixed_dictionaries(
        {"type": st.just("basic"), "username": ASCII | REFERENCE, "password": REFERENCE},
        optional=VERSION,
    ),
    st.fixed_dictionaries({"type": st.just("bearer"), "token": REFERENCE}, optional=VERSION),
    st.fixed_dictionaries(
        {"type": st.just("apiKey"), "header": HEADER, "value": REFERENCE}, optional=VERSION
    ),
)
WEBHOOK = st.fixed_dictionaries(
    {"url": st.just("https://hooks.example.com/x") | REFERENCE},
    optional={
        "name": TEXT,
        "description": TEXT,
        "enabled": st.booleans(),
        "auth": AUTH,
        "previously": st.lists(TEXT, max_size=2),
        "protected": st.booleans(),
        "events": st.lists(EVENT, max_size=3),
    },
)
EVENTS = st.lists(EVENT, min_size=1, max_size=3)
SELECTOR = st.builds(
    lambda labels: {"matchLabels": labels}, st.dictionaries(TEXT, TEXT, min_size=1, max_size=2)
)
SUBSCRIPTION = st.fixed_dictionaries({"webhook": KEY, "events": EVENTS}) | st.fixed_dictionaries(
    {"selector": SELECTOR, "events": EVENTS}
)
SHARE = st.floats(0, 1)
CREDENTIAL = st.fixed_dictionaries({"fromEnv": st.just("X")}) | st.fixed_dictionaries(
    {"fromFile": TEXT}
)
LOGIN = st.one_of(
    st.fixed_dictionaries({"method": st.just("token")}, optional={"token": CREDENTIAL}),
    st.fixed_dictionaries(
        {"method": st.just("approle")},
        optional={"mount": st.just("a/b"), "roleId": CREDENTIAL, "secretId": CREDENTIAL},
    ),
    st.fixed_dictionaries(
        {"method": st.just("jwt")}, optional={"role": TEXT, "audience": TEXT, "token": CREDENTIAL}
    ),
    st.fixed_dictionaries(
        {"method": st.just("kubernetes")}, optional={"role": TEXT, "token": CREDENTIAL}
    ),
)
PATHS = st.lists(TEXT, max_size=2)
VAULT = PATHS | st.fixed_dictionaries({"login": LOGIN}, optional={"paths": PATHS})
TENANT = st.builds(
    lambda target, rest: {**target, **rest},
    st.fixed_dictionaries({"local": TEXT})
    | st.fixed_dictionaries({"url": st.just("https://t.example.com"), "token": REFERENCE}),
    st.fixed_dictionaries(
        {"owner": TEXT},
        optional={
            "provider": st.just("tenant"),
            "ownership": st.sampled_from(["marked", "all"]),
            "prune": st.booleans(),
            "select": st.fixed_dictionaries({}, optional={"matchLabels": LABELS}),
            "limits": st.fixed_dictionaries(
                {},
                optional={
                    "deletes": st.fixed_dictionaries({}, optional={"share": SHARE}),
                    "updates": st.fixed_dictionaries(
                        {}, optional={"share": SHARE, "from": st.integers(0, 100)}
                    ),
                },
            ),
            "secrets": st.fixed_dictionaries(
                {},
                optional={
                    **{s: st.lists(TEXT, max_size=2) for s in ("env", "aws", "sops")},
                    "vault": VAULT,
                },
            ),
        },
    ),
)
POLICY = st.fixed_dictionaries(
    {
        "schema": st.fixed_dictionaries(
            {}, optional={"properties": st.just({"name": {"type": "string"}})}
        ),
        "message": TEXT,
    },
    optional={
        "match": st.fixed_dictionaries({}, optional={"matchLabels": LABELS}),
        "enforce": st.sampled_from(["warn", "deny"]),
    },
)
SPECS = {"Webhook": WEBHOOK, "EventSubscription": SUBSCRIPTION, "Tenant": TENANT, "Policy": POLICY}
METADATA = st.fixed_dictionaries(
    {"name": KEY}, optional={"labels": LABELS, "annotations": st.just({"any": [1, {"x": None}]})}
)
JUNK = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        2**40,
        "",
        "a\n",
        "A",
        "x" * 256,
        "x" * 1025,
        [],
        [None],
        {},
        {"x": 1},
        "none",
    ]
)
NAMES = [
    "url",
    "token",
    "type",
    "auth",
    "events",
    "fromEnv",
    "fromVault",
    "path",
    "field",
    "fromCommand",
    "webhook",
    "selector",
    "local",
    "name",
    "apiVersion",
    "x",
    "",
]
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 10**6), st.sampled_from(["put", "drop", "add"]), st.sampled_from(NAMES), JUNK
    ),
    max_size=3,
)


def documents(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "apiVersion": st.just("webhooks.reconciler/v1"),
            "kind": st.just(kind),
            "metadata": METADATA,
            "spec": SPECS[kind],
        }
    )


def containers(value: Any) -> list[Any]:
    if not isinstance(value, dict | list):
        return []
    return [
        value,
        *(
            found
            for item in (value.values() if isinstance(value, dict) else value)
            for found in containers(item)
        ),
    ]


def changed(document: dict[str, Any], changes: list[tuple[int, str, str, Any]]) -> dict[str, Any]:
    """The document with other values, missing fields and added ones at places that the numbers
    choose.
    """
    document = copy.deepcopy(document)
    for number, what, name, drawn in changes:
        found, junk = containers(document), copy.deepcopy(drawn)
        spot = found[number % len(found)]
        keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        if what == "add" or not keys:
            spot.append(junk) if isinstance(spot, list) else spot.update({name: junk})
        elif what == "put":
            spot[keys[number % len(keys)]] = junk
        else:
            del spot[keys[number % len(keys)]]
    return document


@pytest.mark.parametrize("kind", KINDS)
def test_both_validators_agree_on_documents_good_and_bad_of_every_kind(kind: str) -> None:
    seen = {True: 0, False: 0}
    slow = [
        jsonschema.Draft202012Validator(load_schema(name)) for name in (KINDS[kind], "manifest")
    ]
    fast = [
        jsonschema_rs.Draft202012Validator(load_schema(name)) for name in (KINDS[kind], "manifest")
    ]

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(documents(kind), CHANGES)
    def agree(document: dict[str, Any], changes: list[tuple[int, str, str, Any]]) -> None:
        body = changed(document, changes)
        said = (
            {validator.is_valid(body) for validator in (*slow, *fast)}
            if body.get("kind") == kind
            else {False}
        )
        assert len(said) == 1
        seen[said.pop()] += 1

    agree()
    assert min(seen.values()) >= 50, seen


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_schema_accepts_the_reader_reads_without_a_schema_problem_and_the_other_way_round(
    kind: str,
) -> None:
    seen = {True: 0, False: 0}
    validator = jsonschema.Draft202012Validator(load_schema(KINDS[kind]))

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(documents(kind), CHANGES)
    def agree(document: dict[str, Any], changes: list[tuple[int, str, str, Any]]) -> None:
        body = changed(document, changes)
        if (body.get("apiVersion"), body.get("kind")) != ("webhooks.reconciler/v1", kind):
            return
        try:
            problems = load(
                make_request(paths=("-",), stdin=json.dumps(body).encode(), lenient=True)
            ).problems
        except InvalidManifests as error:
            problems = error.problems
        fine = validator.is_valid(body)
        rules = {problem.rule for problem in problems if problem.severity == "error"}
        said = {rule for rule in rules if rule.startswith("schema/")} | (
            rules & (WHOLE if fine else WHOLE | PARTS)
        )
        assert fine == (not said), (rules, body)
        seen[fine] += 1

    agree()
    assert min(seen.values()) >= 30, seen


def comments(value: Any) -> list[str]:
    """The rules that parts of a schema name in `$comment`."""
    if not isinstance(value, dict | list):
        return []
    own = (
        [value["$comment"]]
        if isinstance(value, dict) and isinstance(value.get("$comment"), str)
        else []
    )
    parts = value.values() if isinstance(value, dict) else value
    return [*own, *(found for part in parts for found in comments(part))]


def test_every_part_for_editors_names_the_rule_that_the_reader_reports() -> None:
    named = {
        rule
        for kind in KINDS.values()
        for text in comments(load_schema(kind))
        for rule in re.findall(r"[a-z]+/[a-z-]+", text)
    }
    assert named == WHOLE | PARTS


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
