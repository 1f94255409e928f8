"""Policies: where they are read from, which webhooks they see and how, and where a problem points."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.errors import InvalidManifests
from reconciler.core.model import Origin
from reconciler.core.planned import planned
from reconciler.core.problem import Problem
from reconciler.core.rules import Rule, breaches
from reconciler.manifests import Manifests, Request, load
from reconciler.manifests.policy_schema import compiled
from reconciler.manifests.schema import schema

HTTPS = {"properties": {"url": {"pattern": "^https://"}}}
EVENT = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}


def policy(name: str, body: Any = None, **spec: Any) -> str:
    spec = {"message": "https only", "schema": HTTPS if body is None else body, **spec}
    return json.dumps({"apiVersion": "webhooks.reconciler/v1", "kind": "Policy", "metadata": {"name": name}, "spec": spec})


def webhook(key: str, labels: dict[str, str] | None = None, **spec: Any) -> str:
    spec = {"url": "https://hooks.example.com/x", "events": [EVENT], **spec}
    body = {"apiVersion": "webhooks.reconciler/v1", "kind": "Webhook", "metadata": {"name": key, "labels": labels or {}}}
    return json.dumps({**body, "spec": spec})


def tenant(name: str) -> str:
    body = {"apiVersion": "webhooks.reconciler/v1", "kind": "Tenant", "metadata": {"name": name}}
    return json.dumps({**body, "spec": {"owner": "us", "local": f"{name}.db"}})


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    return tmp_path / "repository"


def read(*paths: str, **options: Any) -> Manifests:
    return load(Request(paths=paths or (".",), **{"policies": "read", **options}))


def told(*paths: str, **options: Any) -> tuple[Problem, ...]:
    try:
        return read(*paths, **options).problems
    except InvalidManifests as error:
        return error.problems


def names(manifests: Manifests) -> list[str]:
    return sorted(rule.name for rule in manifests.rules)


def test_the_folder_is_the_one_beside_the_tenant_else_the_one_here_else_none(here: Path) -> None:
    write(here, {"a/tenant.yaml": tenant("a"), "a/webhook.yaml": webhook("one")})
    assert read("a").rules == ()
    write(here, {"policies/here.yaml": policy("here")})
    assert names(read("a")) == ["here"]
    write(here, {"a/policies/beside.yaml": policy("beside")})
    assert names(read("a")) == ["beside"]
    assert names(read("a", use_tenant=False)) == ["here"]
    write(here, {"../base/policies/base.yaml": policy("base")})
    assert names(read("a", policies_dir="../base/policies")) == ["base"]


def test_policies_are_read_once_whether_or_not_their_folder_is_among_the_paths(here: Path) -> None:
    write(here, {"webhooks/one.yaml": webhook("one"), "policies/two.yaml": f"{policy('a')}\n---\n{policy('b')}"})
    for paths in ((".",), ("webhooks",), ("webhooks", "policies"), ("webhooks/one.yaml",)):
        found = read(*paths)
        assert (names(found), found.documents, len(found.declared)) == (["a", "b"], 3, 1)


def test_without_the_question_for_policies_those_among_the_paths_are_checked_and_hold_for_nobody(here: Path) -> None:
    write(here, {"one.yaml": webhook("one", url="http://hooks.example.com"), "policies/a.yaml": policy("a")})
    found = read(policies="ignore")
    assert (found.rules, found.documents) == ((), 2)
    write(here, {"policies/a.yaml": policy("a", {"patern": "x"})})
    assert [problem.rule for problem in told(policies="ignore")] == ["url/plain-http", "policies/schema"]


def test_the_folder_of_another_branch_may_hold_the_same_names_and_whatever_else(here: Path) -> None:
    write(here, {"one.yaml": webhook("one"), "policies/a.yaml": policy("a", {"type": "object"})})
    base = {"a.yaml": policy("a"), "b.yaml": webhook("not-ours"), "c.yaml": "kind: ConfigMap", "d/e.yaml": policy("e")}
    write(here.parent / "base", base)
    found = read(policies_dir="../base")
    assert (names(found), [item.key for item in found.declared], found.problems) == (["a", "e"], ["one"], ())
    assert all(rule.origin.file.startswith("../base/") for rule in found.rules)


def test_a_broken_file_in_the_folder_is_a_problem_and_so_is_a_kind_of_ours_that_is_misspelt(here: Path) -> None:
    misspelt = policy("a").replace('"Policy"', '"Polcy"')
    write(here, {"webhooks/one.yaml": webhook("one"), "policies/a.yaml": "a: [", "policies/b.yaml": misspelt})
    assert [(p.origin.file, p.rule) for p in told("webhooks")] == [
        ("policies/a.yaml", "yaml/syntax"),
        ("policies/b.yaml", "document/kind"),
    ]


def test_a_named_folder_that_is_missing_or_holds_no_policy_is_an_error(here: Path) -> None:
    write(here, {"one.yaml": webhook("one"), "other/a.yaml": webhook("two")})
    assert [(p.origin.file, p.rule, p.severity) for p in told("one.yaml", policies_dir="policies")] == [
        ("policies", "path/missing", "error")
    ]
    assert [(p.origin.file, p.rule, p.severity) for p in told("one.yaml", policies_dir="other")] == [
        ("other", "policies/none", "error")
    ]


def test_one_file_may_be_named_and_an_empty_default_folder_is_fine(here: Path) -> None:
    write(here, {"one.yaml": webhook("one"), "rules.yaml": policy("a")})
    (here / "policies").mkdir()
    assert read("one.yaml").rules == ()
    assert names(read("one.yaml", policies_dir="rules.yaml")) == ["a"]


def test_a_policy_of_another_product_is_passed_over_and_a_slip_is_not(here: Path) -> None:
    foreign = "apiVersion: kyverno.io/v1\nkind: Policy\nmetadata: {name: x}\nspec: {}\n"
    write(here, {"one.yaml": webhook("one"), "policies/foreign.yaml": foreign})
    found = read()
    assert (found.rules, found.skipped, found.problems) == ((), 1, ())
    write(here, {"policies/slip.yaml": foreign.replace("kyverno.io/v1", "webhooks.reconciler/v2")})
    assert [problem.rule for problem in told()] == ["document/api-version"]


def test_a_policy_outside_of_the_folder_is_told_to_hold_for_nobody_unless_another_folder_was_named(here: Path) -> None:
    write(here, {"one.yaml": webhook("one"), "a.yaml": policy("a"), "policies/b.yaml": policy("b")})
    write(here.parent / "base", {"c.yaml": policy("c")})
    assert [(p.origin.file, p.rule, p.severity) for p in told()] == [("a.yaml", "policies/unused", "warning")]
    assert told(policies_dir="../base") == ()


def test_a_selector_that_matches_nothing_is_a_warning_where_more_than_single_files_are_read(here: Path) -> None:
    match = {"matchLabels": {"team": "payments"}}
    write(here, {"webhooks/one.yaml": webhook("one", {"team": "platform"}), "policies/a.yaml": policy("a", match=match)})
    [problem] = told("webhooks")
    assert (problem.rule, problem.severity, problem.pointer) == ("policies/no-match", "warning", "/spec/match/matchLabels")
    assert [problem.severity for problem in told("webhooks", strict=True)] == ["error"]
    assert told("webhooks/one.yaml") == told("policies") == ()
    write(here, {"webhooks/two.yaml": webhook("two", {"team": "payments"})})
    assert told("webhooks") == ()


def test_the_webhooks_that_a_tenant_leaves_to_others_count_as_matched(here: Path) -> None:
    body = json.loads(tenant("staging"))
    body["spec"]["select"] = {"matchLabels": {"environment": "staging"}}
    match = {"matchLabels": {"environment": "production"}}
    write(here, {"tenant.yaml": json.dumps(body), "policies/a.yaml": policy("a", match=match)})
    write(here, {"one.yaml": webhook("one", {"environment": "production"})})
    assert (told(), read().declared) == ((), ())


@pytest.mark.parametrize(
    ("body", "name", "hint"),
    [
        ({"properties": {"urll": {}}}, "urll", "did you mean url?"),
        ({"required": ["team"]}, "team", None),
        ({"properties": {"auth": {"properties": {"typ": {}}}}}, "typ", "did you mean type?"),
        ({"if": {"properties": {"label": {}}}}, "label", "did you mean labels?"),
        ({"properties": {"events": {"items": {"anyOf": [{}, {"required": ["level"]}]}}}}, "level", None),
    ],
)
def test_a_field_that_no_planned_webhook_has_is_a_warning(here: Path, body: Any, name: str, hint: str | None) -> None:
    write(here, {"policies/a.yaml": policy("a", body)})
    [problem] = told("policies")
    assert (problem.rule, problem.severity, problem.hint) == ("policies/unknown-field", "warning", hint)
    assert repr(name) in problem.message
    whole = (here / "policies/a.yaml").read_text()
    assert whole[problem.origin.column - 1 :].startswith(f'"{name}"')


def test_every_field_of_a_planned_webhook_and_any_label_may_be_spoken_of(here: Path) -> None:
    fields = {name: {} for name in schema("planned-webhook")["properties"]}
    body = {"properties": {**fields, "labels": {"required": ["whatever"], "properties": {"team": {"minLength": 1}}}}}
    write(here, {"policies/a.yaml": policy("a", body)})
    assert told("policies") == ()


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
        ({"properties": {"labels": {"required": ["cost-centre"]}}}, "one.yaml", 6, "/metadata/labels"),
        ({"properties": {"labels": {"properties": {"team": NEVER}}}}, "one.yaml", 6, "/metadata/labels/team"),
        ({"properties": {"auth": {"properties": {"type": NEVER}}}}, "one.yaml", 13, "/spec/auth/type"),
        ({"properties": {"auth": {"properties": {"username": NEVER}}}}, "one.yaml", 14, "/spec/auth/username"),
        ({"properties": {"auth": {"properties": {"version": NEVER}}}}, "one.yaml", 16, "/spec/auth/version"),
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
def test_a_refusal_points_to_the_line_of_the_field(here: Path, refusal: Any, file: str, line: int, pointer: str) -> None:
    write(here, {"one.yaml": MANIFEST, "more.yaml": SUBSCRIPTION, "policies/a.yaml": policy("a", refusal)})
    [problem] = [found for found in told(policies="judge") if found.rule == "policy/a"]
    assert (problem.origin.file, problem.origin.line, problem.severity) == (file, line, "error")
    assert problem.pointer.startswith(pointer)
    assert problem.hint == "the policy stands in policies/a.yaml:1:1"


def test_what_a_manifest_leaves_out_is_told_at_the_webhook_and_judged_as_it_would_be_created(here: Path) -> None:
    wanted = {"properties": {"protected": {"const": True}, "enabled": {"const": True}, "auth": {"properties": {"type": NEVER}}}}
    write(here, {"one.yaml": "\n\n" + webhook("one"), "policies/a.yaml": policy("a", wanted, enforce="warn")})
    assert [(p.origin.line, p.severity, p.pointer) for p in told(policies="judge")] == [
        (3, "warning", "/spec/auth/type"),
        (3, "warning", "/spec/protected"),
    ]


def test_a_url_behind_a_reference_is_seen_as_scheme_and_host_and_not_at_all_where_it_does_not_resolve(here: Path) -> None:
    own = {"properties": {"url": {"const": "https://hooks.example.org/…"}, "host": {"const": "hooks.example.org"}}}
    write(here, {"one.yaml": webhook("one", url={"fromEnv": "URL"}), "policies/a.yaml": policy("a", own)})

    def rules_told(**env: str) -> list[str]:
        return [problem.rule for problem in told(policies="judge", secrets="warn", env=env)]

    assert rules_told() == ["secret/unresolved"]
    assert rules_told(URL="https://hooks.example.org/s3cret") == []
    assert rules_told(URL="https://hooks.example.com/s3cret") == ["policy/a", "policy/a"]


def test_a_webhook_that_breaks_a_policy_in_hundreds_of_places_is_told_ten_times(here: Path) -> None:
    events = [{**EVENT, "type": f"made:up:{number}"} for number in range(300)]
    write(
        here,
        {"one.yaml": webhook("one", events=events), "policies/a.yaml": policy("a", {"properties": {"events": {"items": NEVER}}})},
    )
    assert sum(problem.rule == "policy/a" for problem in told(policies="judge")) == 10


TEXT = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8)
HIDDEN = st.from_regex(r"[A-Za-z0-9]{16,24}", fullmatch=True)
ASKING: list[Any] = [
    NEVER, {"const": 1}, {"enum": ["x"]}, {"pattern": "^$"}, {"type": "null"}, {"maxLength": 0}, {"format": "email"},
    {"maxProperties": 0}, {"propertyNames": NEVER}, {"additionalProperties": NEVER}, {"unevaluatedProperties": False},
    {"uniqueItems": True, "maxItems": 0}, {"contains": NEVER}, {"items": NEVER}, {"unevaluatedItems": False},
    {"required": ["x"]}, {"dependentRequired": {"url": ["x"], "type": ["x"]}}, {"anyOf": [NEVER, {"const": 2}]},
    {"oneOf": [{}, {}]}, {"not": {"not": {"const": 3}}}, {"if": {}, "then": {"const": 4}},
]  # fmt: skip


AUTH: dict[str, dict[str, Any]] = {
    "bearer": {"token": {"fromEnv": "SECRET"}},
    "basic": {"username": {"fromEnv": "SECRET"}, "password": {"fromEnv": "SECRET"}},
    "apiKey": {"header": "X-Key", "value": {"fromEnv": "SECRET"}},
}


@settings(max_examples=60, deadline=None)
@given(HIDDEN, st.sampled_from(list(AUTH)), st.lists(st.sampled_from(ASKING), min_size=1, max_size=4), TEXT)
def test_no_secret_is_in_what_a_policy_sees_or_says(secret: str, auth: str, asking: list[Any], text: str) -> None:
    url = {"fromEnv": "URL"}
    body = webhook("one", {"team": "x"}, name=f"a{text}b", url=url, auth={"type": auth, **AUTH[auth]})
    env = {"SECRET": secret, "URL": f"https://hooks.example.com/{secret}?key={secret}"}
    [declared] = load(Request(paths=("-",), stdin=body.encode(), env=env, secrets="warn")).declared
    seen = planned(declared, frozenset())
    assert seen["url"] == "https://hooks.example.com/…"
    jsonschema.Draft202012Validator(schema("planned-webhook")).validate(seen)

    everywhere = {"allOf": asking, "additionalProperties": {"allOf": asking, "additionalProperties": {"allOf": asking}}}
    faults = compiled(everywhere)
    assert callable(faults)
    rule = Rule("a", "no", "deny", {}, Origin("a", 1), faults)
    said = [breach.message for breach in breaches([rule], declared, frozenset())]
    assert said
    assert secret not in repr([seen, said])


def test_holding_thousands_of_webhooks_against_five_policies_costs_a_part_of_reading_them(here: Path) -> None:
    write(
        here,
        {"many.yaml": "\n---\n".join(webhook(f"hook-{number}", {"team": "x"}, name=f"Hook {number}") for number in range(2_000))},
    )
    bodies = [HTTPS, {"properties": {"name": {"pattern": "^(H+)+ook"}}}, {"properties": {"labels": {"required": ["team"]}}}]
    write(here, {f"policies/{number}.yaml": policy(f"p{number}", body) for number, body in enumerate([*bodies, *bodies[:2]])})
    start = time.process_time()
    found = read(secrets="warn")
    middle = time.process_time()
    assert [list(breaches(found.rules, item, found.literal_urls)) for item in found.declared] == [[]] * 2_000
    assert len(found.rules) == 5
    assert time.process_time() - middle < 0.6 * (middle - start)
