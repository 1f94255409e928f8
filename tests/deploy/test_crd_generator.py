"""The generator of deploy/base/crds.yaml: patterns, conditions, and documents good and bad."""

from __future__ import annotations

import copy
import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model import limits
from reconciler.crds.conditions import Scope, list_rules
from reconciler.crds.definitions import make_definitions
from reconciler.crds.expressions import FALSE, TRUE, both, either, make_atom, negate
from reconciler.crds.kinds import KINDS
from reconciler.crds.patterns import make_tests
from reconciler.crds.structural import Place, convert
from reconciler.manifests.schema_texts import load_schema
from reconciler.manifests.secret_sources import SOURCES
from tests.manifests.test_schemas_and_reader import CHANGES, SPECS, changed
from tests.support.cluster_manifests import for_cluster
from tests.support.structural_schemas import (
    evaluate,
    matches,
    refusals,
)
from tests.support.structural_schemas import (
    list_rules as list_all_rules,
)

SPEC = load_schema("webhook")["properties"]["spec"]["properties"]
AUTH = load_schema("webhook")["$defs"]["auth"]["allOf"]
HEADER = next(
    part["then"]["properties"]["header"]
    for part in AUTH
    if "header" in part["then"].get("properties", {})
)
TEXTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "name": (
        SPEC["name"],
        ["a", " a", "a ", "", "\u200b", "a\u200bb", "\u00a0a", "a\n", "\n", "é", "😀", "\U0001fffe", "a\ta", "\U000e0001"],
    ),
    "description": (SPEC["description"], ["", "a\nb\t", "a\x01", "\u202e", "a\n", "\ufdd0"]),
    "url": (
        SPEC["url"],
        [
            "https://a", "https://a.b./x?y=1", "HTTP://LOCALHOST:80", "https://1.2.3.4", "https://1.2.3.999",
            "https://1.2.3", "https://a.1", "https://a.1.", "https://1.2.3.4.", "https://1.a", "https://a:1", "https://a:0",
            "https://a:65536", "https://a/1.2", "https://a?1", "https://[::1]:80/1", "https://[::1.2.3.4]", "https://[1::2::3]",
            "https://u@a", "https://a#b", "https://a/b\n", "https://a b", "ftp://a", "https://", "https://-a", "https://a_b",
            "https://" + "a" * 64, "https://" + "a" * 63, "https://é", "https://a/\x00"[:-1], "https://12", "https://a/{b}",
        ],
    ),
    "header": (
        HEADER,
        ["X-Key", "Host", "host", "Hosts", "Content-Type", "content", "TE", "T", "Proxy-Authorization", "a b", "a\n", "", "é"],
    ),
}  # fmt: skip


def pattern_of(field: dict[str, Any]) -> str:
    return str(next(part["pattern"] for part in field["allOf"] if "pattern" in part))


@pytest.mark.parametrize("field", TEXTS)
def test_a_rule_says_of_a_text_what_the_pattern_of_the_schema_says(field: str) -> None:
    schema, texts = TEXTS[field]
    rule = make_tests(pattern_of(schema)).as_rule()
    verdicts = {text: bool(re.search(pattern_of(schema), text)) for text in texts}
    assert {text: evaluate(rule, text) for text in texts} == verdicts
    assert set(verdicts.values()) == {True, False}


@pytest.mark.parametrize("field", ["name", "description", "header"])
def test_a_rule_agrees_on_any_text(field: str) -> None:
    pattern = pattern_of(TEXTS[field][0])
    rule = make_tests(pattern).as_rule()

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=1), max_size=4))
    def agree(text: str) -> None:
        assert evaluate(rule, text) is bool(re.search(pattern, text))

    agree()


def test_value_validations_say_the_same_as_the_rule() -> None:
    tests = make_tests(pattern_of(HEADER))
    schema = {"type": "string", "allOf": tests.as_validations()}
    for text in TEXTS["header"][1]:
        assert (refusals(schema, text) == []) is evaluate(tests.as_rule(), text)


def test_a_look_around_inside_of_a_pattern_is_an_error() -> None:
    with pytest.raises(ValueError, match="look-around"):
        make_tests("^a(?!b)c$")
    with pytest.raises(ValueError, match="implies"):
        make_tests(pattern_of(SPEC["url"])).as_validations()
    with pytest.raises(ValueError, match="not closed"):
        make_tests("^(?=[)]a")


def test_patterns_are_ascii_and_classes_with_parentheses_are_read() -> None:
    assert make_tests(r"^(?=[()\u00e9]\)x)é$(?!\n)").must == (r"^(?:[()\x{00e9}]\)x)", r"^\x{e9}$")
    assert matches(r"^\x{e9}$", "é")


A, B, C = make_atom("has(self.a)"), make_atom("has(self.b)"), make_atom('self.c == "x"')


def test_expressions_are_simplified_and_keep_their_meaning() -> None:
    assert str(negate(either([A, C]))) == '!has(self.a) && self.c != "x"'
    assert str(either([negate(both([A, B])), C])) == '!has(self.a) || !has(self.b) || self.c == "x"'
    assert str(both([A, either([B, C])])) == 'has(self.a) && (has(self.b) || self.c == "x")'
    assert (both([]), either([])) == (TRUE, FALSE)
    assert (both([A, FALSE]), either([A, TRUE]), negate(negate(A))) == (FALSE, TRUE, A)
    assert both([A, A]) == A


def rules_of(schema: dict[str, Any], *fields: str) -> list[tuple[str, str]]:
    return [
        (str(rule.expression), rule.message) for rule in list_rules(schema, Scope("spec", fields))
    ]


def test_conditions_become_rules_with_the_messages_of_the_command_line() -> None:
    either_of = {
        "if": {"required": ["selector"]},
        "then": {"title": "Either webhook or selector", "not": {"required": ["webhook"]}},
        "else": {"required": ["webhook"]},
    }
    assert rules_of(either_of, "webhook", "selector") == [
        ("!has(self.selector) || !has(self.webhook)", "spec: either webhook or selector, not both"),
        ("has(self.selector) || has(self.webhook)", "spec lacks the field 'webhook'"),
    ]


def test_a_field_that_is_left_out_is_never_there() -> None:
    schema = load_schema("tenant")["properties"]["spec"]
    assert rules_of(schema, "url", "token") == [
        ("has(self.url)", "spec lacks the field 'url'"),
        ("has(self.token)", "spec lacks the field 'token'"),
    ]


def test_exactly_one_of_some_conditions() -> None:
    condition = {
        "if": {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        "then": {"required": ["c"]},
    }
    ((rule, _message),) = rules_of(condition, "a", "b", "c")
    for value in ({}, {"a": 1}, {"a": 1, "b": 1}, {"a": 1, "c": 1}):
        assert evaluate(rule, value) is (("a" in value) == ("b" in value) or "c" in value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "description": "x", "format": "date"},
        {
            "type": "object",
            "properties": {"a": {"type": "boolean"}},
            "if": {"minProperties": 2},
            "then": {"required": ["a"]},
        },
        {
            "type": "object",
            "properties": {"a": {"type": "boolean"}},
            "allOf": [{"then": {"properties": {"a": {"type": "string"}}}}],
        },
    ],
    ids=["keyword", "condition", "two schemas"],
)
def test_what_the_generator_cannot_say_is_an_error(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown keywords|no condition|two schemas"):
        convert(schema, Place(("spec",), {}, frozenset()))


def test_the_messages_of_texts_are_about_the_limits_of_the_project() -> None:
    said = " ".join(
        message
        for definition in make_definitions(load_schema)
        for _rule, message in list_all_rules(
            definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        )
    )
    assert f"{limits.URL_LENGTH:,} ASCII" in said
    assert f"1 to {limits.NAME_LENGTH} printable" in said
    assert "url: " not in said


def without_incomplete(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the rule that depends on the Tenant: events with version and severity."""
    made = copy.deepcopy(schema)
    if "event" in made["$defs"]:
        (rule,) = made["$defs"]["event"].pop("allOf")
        assert rule["$comment"] == "Reported as subscription/incomplete."
    return made


def list_names(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in list_names(item)}
    if isinstance(value, dict):
        return set(value) | {name for item in value.values() for name in list_names(item)}
    return set()


def has_null(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(has_null(part) for part in parts)


@pytest.mark.parametrize("kind", list(KINDS), ids=lambda kind: kind.name)
def test_both_schemas_agree_on_documents_good_and_bad(kind: Any) -> None:
    definition = next(
        item for item in make_definitions(load_schema) if item["spec"]["names"]["kind"] == kind.name
    )
    structural = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][
        "spec"
    ]
    schema = without_incomplete(load_schema(kind.schema))
    validator = jsonschema_rs.Draft202012Validator(schema)
    seen = {True: 0, False: 0}

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(SPECS[kind.name], CHANGES)
    def agree(spec: dict[str, Any], changes: list[tuple[int, str, str, Any]]) -> None:
        head = {
            "apiVersion": "webhooks.reconciler/v1",
            "kind": kind.name,
            "metadata": {"name": "a"},
        }
        first = for_cluster({**head, "spec": spec})
        body = for_cluster({**first, "spec": changed(first["spec"], changes)})
        # a null is dropped by an API server, and other sources are not there
        if has_null(body["spec"]) or list_names(body["spec"]) & (set(SOURCES) - {"fromSecret"}):
            return
        refused = refusals(structural, body["spec"])
        assert validator.is_valid(body) is (not refused), (refused, body)
        seen[not refused] += 1

    agree()
    assert min(seen.values()) >= 15, seen
