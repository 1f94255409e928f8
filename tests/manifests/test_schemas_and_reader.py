"""The JSON Schemas and the reader accept the same documents: documents are drawn, good and bad, and two
validators and the reader check each of them.
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
from reconciler.manifests import load
from reconciler.manifests.schema_texts import KINDS, load_schema
from tests.support.requests import make_request

# Rules that a schema says in full, and in part, for editors; the reader reports them in its own
# words.
WHOLE = {
    "url/invalid", "webhook/name", "webhook/description", "subscription/incomplete", "events/type",
    "auth/header",
    "auth/credential", "auth/username-colon", "tenant/plain-http", "tenant/owner",
}  # fmt: skip
PARTS = {"subscription/duplicate", "secret/forbidden", "webhook/ignore"}
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
    st.fixed_dictionaries({"fromSecret": st.fixed_dictionaries({"name": KEY, "key": KEY})}),
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
    st.fixed_dictionaries(
        {"type": st.just("basic"), "usernameFrom": REFERENCE, "password": REFERENCE}
    ),
    st.fixed_dictionaries({"type": st.just("bearer"), "token": REFERENCE}, optional=VERSION),
    st.fixed_dictionaries(
        {"type": st.just("apiKey"), "header": HEADER, "value": REFERENCE}, optional=VERSION
    ),
)
WEBHOOK = st.builds(
    lambda url, rest: {**url, **rest},
    st.fixed_dictionaries({"url": st.just("https://hooks.example.com/x") | REFERENCE})
    | st.fixed_dictionaries({"urlFrom": REFERENCE}),
    st.fixed_dictionaries(
        {},
        optional={
            "name": TEXT,
            "description": TEXT,
            "enabled": st.booleans(),
            "auth": AUTH,
            "previously": st.lists(TEXT, max_size=2),
            "protected": st.booleans(),
            "events": st.lists(EVENT, max_size=3),
            "ignore": st.lists(
                st.sampled_from(
                    [
                        "/spec/enabled",
                        "/spec/events",
                        "/spec/options/a~1b",
                        "/spec/url",
                        "/spec/",
                        "x",
                    ]
                ),
                max_size=2,
            ),
            "suspend": st.booleans(),
            "deletionPolicy": st.sampled_from(["Delete", "Orphan"]),
        },
    ),
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
            "mode": st.sampled_from(["report", "apply"]),
            "suspend": st.booleans(),
            "interval": st.sampled_from(["30s", "1h30m", "5m1h"]),
            "accept": st.lists(st.sampled_from(["sha256:" + "0" * 64, "sha256:0"]), max_size=1),
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
POINTER = st.sampled_from(["/url", "/config/url", "/a~1b", "/x"])
PRODUCT = st.fixed_dictionaries(
    {
        "list": st.just({"get": "/hooks"}),
        "create": st.sampled_from([{"post": "/hooks"}, {"put": "/hooks", "item": "/data"}]),
        "update": st.sampled_from([{"patch": "/hooks/{id}"}, {"put": "/hooks/{id}"}]),
        "delete": st.just({"delete": "/hooks/{id}"}),
        "id": st.just("/id"),
        "mark": POINTER,
        "fields": st.fixed_dictionaries(
            {
                "url": POINTER,
                "events": st.fixed_dictionaries({"at": POINTER}, optional={"all": POINTER}),
            },
            optional={"name": POINTER, "description": POINTER, "enabled": POINTER},
        ),
    },
    optional={"parallelism": st.integers(1, 50), "knownEvents": st.just(["a", "b"])},
)
CLUSTER_TENANT = st.builds(
    lambda tenant, namespaces: {**tenant, "allowedNamespaces": namespaces},
    TENANT,
    st.lists(st.sampled_from(["payments", "*", "a-1"]), min_size=1, max_size=2),
)
SPECS = {
    "Webhook": WEBHOOK,
    "EventSubscription": SUBSCRIPTION,
    "Tenant": TENANT,
    "ClusterTenant": CLUSTER_TENANT,
    "Policy": POLICY,
    "Product": PRODUCT,
}
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
    "urlFrom",
    "username",
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


# A ClusterTenant is only checked by its schema.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ClusterTenant"])
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
    assert min(seen.values()) >= 20, seen  # of what the generator happens to choose


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
