"""Policies: what they see of a webhook, and where what they refuse points."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model.webhook import Origin
from reconciler.core.safety.planned_document import make_planned_document
from reconciler.core.safety.rules import Rule, find_breaches
from reconciler.manifests import load
from reconciler.manifests.policies.policy_schema import compile_schema
from reconciler.manifests.schema_texts import load_schema
from tests.manifests.judging import EVENT, HTTPS, list_problems, policy, read, webhook, write
from tests.support.requests import make_request

MANIFEST = """\
apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata:
  name: one
  labels:
    team: payments
spec:
  name: One
  url: http://hooks.example.com/x
  description: about
  enabled: true
  auth:
    type: basic
    username: somebody
    password: {fromEnv: PASSWORD}
    version: "7"
  protected: false
  events:
    - {type: "elastio:recovery-point:create:started", version: v0, severity: info}
"""
SUBSCRIPTION = """\
apiVersion: webhooks.reconciler/v1
kind: EventSubscription
metadata: {name: more}
spec:
  webhook: one
  events:

    - {type: "elastio:recovery-point:iscan:unhealthy", version: v0, severity: critical}
"""
NEVER = {"not": {}}


@pytest.mark.parametrize(
    ("refusal", "file", "line", "pointer"),
    [
        ({"properties": {"key": NEVER}}, "one.yaml", 4, "/metadata/name"),
        ({"properties": {"name": NEVER}}, "one.yaml", 8, "/spec/name"),
        ({"properties": {"url": NEVER}}, "one.yaml", 9, "/spec/url"),
        ({"properties": {"host": NEVER}}, "one.yaml", 9, "/spec/url"),
        ({"properties": {"description": NEVER}}, "one.yaml", 10, "/spec/description"),
        ({"properties": {"enabled": NEVER}}, "one.yaml", 11, "/spec/enabled"),
        ({"properties": {"protected": NEVER}}, "one.yaml", 17, "/spec/protected"),
        (
            {"properties": {"labels": {"required": ["cost-centre"]}}},
            "one.yaml",
            6,
            "/metadata/labels",
        ),
        (
            {"properties": {"labels": {"properties": {"team": NEVER}}}},
            "one.yaml",
            6,
            "/metadata/labels/team",
        ),
        (
            {"properties": {"auth": {"properties": {"type": NEVER}}}},
            "one.yaml",
            13,
            "/spec/auth/type",
        ),
        (
            {"properties": {"auth": {"properties": {"username": NEVER}}}},
            "one.yaml",
            14,
            "/spec/auth/username",
        ),
        (
            {"properties": {"auth": {"properties": {"version": NEVER}}}},
            "one.yaml",
            16,
            "/spec/auth/version",
        ),
        ({"properties": {"events": {"prefixItems": [NEVER]}}}, "one.yaml", 19, "/spec/events/0"),
        (
            {"properties": {"events": {"items": {"properties": {"severity": {"const": "info"}}}}}},
            "more.yaml",
            8,
            "/spec/events/1",
        ),
        ({"required": ["nothing-like-it"]}, "one.yaml", 1, ""),
    ],
)
def test_a_refusal_points_to_the_line_of_the_field(
    here: Path, refusal: Any, file: str, line: int, pointer: str
) -> None:
    write(
        here,
        {"one.yaml": MANIFEST, "more.yaml": SUBSCRIPTION, "policies/a.yaml": policy("a", refusal)},
    )
    [problem] = [found for found in list_problems(policies="judge") if found.rule == "policy/a"]
    assert (problem.origin.file, problem.origin.line, problem.severity) == (file, line, "error")
    assert problem.pointer.startswith(pointer)
    assert problem.hint == "the policy is in policies/a.yaml:1:1"


def test_a_field_that_a_manifest_omits_is_reported_at_the_webhook_and_judged_as_it_would_be_created(
    here: Path,
) -> None:
    wanted = {
        "properties": {
            "protected": {"const": True},
            "enabled": {"const": True},
            "auth": {"properties": {"type": NEVER}},
        }
    }
    write(
        here,
        {
            "one.yaml": "\n\n" + webhook("one"),
            "policies/a.yaml": policy("a", wanted, enforce="warn"),
        },
    )
    assert [(p.origin.line, p.severity, p.pointer) for p in list_problems(policies="judge")] == [
        (3, "warning", "/spec/auth/type"),
        (3, "warning", "/spec/protected"),
    ]


def test_a_url_behind_a_reference_is_seen_as_scheme_and_host_and_not_at_all_where_it_does_not_resolve(
    here: Path,
) -> None:
    own = {
        "properties": {
            "url": {"const": "https://hooks.example.org/…"},
            "host": {"const": "hooks.example.org"},
        }
    }
    write(
        here,
        {"one.yaml": webhook("one", url={"fromEnv": "URL"}), "policies/a.yaml": policy("a", own)},
    )

    def list_rules(**env: str) -> list[str]:
        return [
            problem.rule for problem in list_problems(policies="judge", secrets="warn", env=env)
        ]

    assert list_rules() == ["secret/unresolved"]
    assert list_rules(URL="https://hooks.example.org/s3cret") == []
    assert list_rules(URL="https://hooks.example.com/s3cret") == ["policy/a", "policy/a"]


def test_a_webhook_that_breaks_a_policy_in_hundreds_of_places_is_reported_ten_times(
    here: Path,
) -> None:
    events = [{**EVENT, "type": f"made:up:{number}"} for number in range(300)]
    write(
        here,
        {
            "one.yaml": webhook("one", events=events),
            "policies/a.yaml": policy("a", {"properties": {"events": {"items": NEVER}}}),
        },
    )
    assert sum(problem.rule == "policy/a" for problem in list_problems(policies="judge")) == 10


TEXT = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8)
HIDDEN = st.from_regex(r"[A-Za-z0-9]{16,24}", fullmatch=True)
ASKING: list[Any] = [
    NEVER,
    {"const": 1},
    {"enum": ["x"]},
    {"pattern": "^$"},
    {"type": "null"},
    {"maxLength": 0},
    {"format": "email"},
    {"maxProperties": 0},
    {"propertyNames": NEVER},
    {"additionalProperties": NEVER},
    {"unevaluatedProperties": False},
    {"uniqueItems": True, "maxItems": 0},
    {"contains": NEVER},
    {"items": NEVER},
    {"unevaluatedItems": False},
    {"required": ["x"]},
    {"dependentRequired": {"url": ["x"], "type": ["x"]}},
    {"anyOf": [NEVER, {"const": 2}]},
    {"oneOf": [{}, {}]},
    {"not": {"not": {"const": 3}}},
    {"if": {}, "then": {"const": 4}},
]
AUTH: dict[str, dict[str, Any]] = {
    "bearer": {"token": {"fromEnv": "SECRET"}},
    "basic": {"username": {"fromEnv": "SECRET"}, "password": {"fromEnv": "SECRET"}},
    "apiKey": {"header": "X-Key", "value": {"fromEnv": "SECRET"}},
}


@settings(max_examples=60, deadline=None)
@given(
    HIDDEN,
    st.sampled_from(list(AUTH)),
    st.lists(st.sampled_from(ASKING), min_size=1, max_size=4),
    TEXT,
)
def test_no_secret_is_in_what_a_policy_sees_or_says(
    secret: str, auth: str, asking: list[Any], text: str
) -> None:
    url = {"fromEnv": "URL"}
    body = webhook(
        "one", {"team": "x"}, name=f"a{text}b", url=url, auth={"type": auth, **AUTH[auth]}
    )
    env = {"SECRET": secret, "URL": f"https://hooks.example.com/{secret}?key={secret}"}
    [declared] = load(
        make_request(paths=("-",), stdin=body.encode(), env=env, secrets="warn")
    ).declared
    seen = make_planned_document(declared, frozenset())
    assert seen["url"] == "https://hooks.example.com/…"
    jsonschema.Draft202012Validator(load_schema("planned-webhook")).validate(seen)

    everywhere = {
        "allOf": asking,
        "additionalProperties": {"allOf": asking, "additionalProperties": {"allOf": asking}},
    }
    faults = compile_schema(everywhere)
    assert callable(faults)
    rule = Rule("a", "no", "deny", {}, Origin("a", 1), faults)
    said = [breach.message for breach in find_breaches([rule], declared, frozenset())]
    assert said
    assert secret not in repr([seen, said])


def test_holding_thousands_of_webhooks_against_five_policies_costs_a_part_of_reading_them(
    here: Path,
) -> None:
    write(
        here,
        {
            "many.yaml": "\n---\n".join(
                webhook(f"hook-{number}", {"team": "x"}, name=f"Hook {number}")
                for number in range(2_000)
            )
        },
    )
    bodies = [
        HTTPS,
        {"properties": {"name": {"pattern": "^(H+)+ook"}}},
        {"properties": {"labels": {"required": ["team"]}}},
    ]
    write(
        here,
        {
            f"policies/{number}.yaml": policy(f"p{number}", body)
            for number, body in enumerate([*bodies, *bodies[:2]])
        },
    )
    start = time.process_time()
    found = read(secrets="warn")
    middle = time.process_time()
    assert [
        list(find_breaches(found.rules, item, found.literal_urls)) for item in found.declared
    ] == [[]] * 2_000
    assert len(found.rules) == 5
    assert time.process_time() - middle < 0.6 * (middle - start)
