"""Policies: where they are read from, and for whom they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.manifests.schema_texts import load_schema
from tests.manifests.judging import list_problems, names, policy, read, tenant, webhook, write


def test_the_folder_is_the_one_beside_the_tenant_else_the_one_here_else_none(here: Path) -> None:
    write(here, {"a/tenant.yaml": tenant("a"), "a/webhook.yaml": webhook("one")})
    assert read("a").rules == ()
    write(here, {"policies/here.yaml": policy("here")})
    assert names(read("a")) == ["here"]
    write(here, {"a/policies/beside.yaml": policy("beside")})
    assert names(read("a")) == ["beside"]
    assert names(read("a", by_manifest=False)) == ["here"]
    write(here, {"../base/policies/base.yaml": policy("base")})
    assert names(read("a", policies_dir="../base/policies")) == ["base"]


def test_policies_are_read_once_whether_or_not_their_folder_is_among_the_paths(here: Path) -> None:
    write(
        here,
        {
            "webhooks/one.yaml": webhook("one"),
            "policies/two.yaml": f"{policy('a')}\n---\n{policy('b')}",
        },
    )
    for paths in ((".",), ("webhooks",), ("webhooks", "policies"), ("webhooks/one.yaml",)):
        found = read(*paths)
        assert (names(found), found.documents, len(found.declared)) == (["a", "b"], 3, 1)


def test_without_judging_the_policies_among_the_paths_are_checked_and_apply_to_no_webhook(
    here: Path,
) -> None:
    write(
        here,
        {
            "one.yaml": webhook("one", url="http://hooks.example.com"),
            "policies/a.yaml": policy("a"),
        },
    )
    found = read(policies="ignore")
    assert (found.rules, found.documents) == ((), 2)
    write(here, {"policies/a.yaml": policy("a", {"patern": "x"})})
    assert [problem.rule for problem in list_problems(policies="ignore")] == [
        "url/plain-http",
        "policies/schema",
    ]


def test_the_folder_of_another_branch_may_hold_the_same_names_and_whatever_else(here: Path) -> None:
    write(here, {"one.yaml": webhook("one"), "policies/a.yaml": policy("a", {"type": "object"})})
    base = {
        "a.yaml": policy("a"),
        "b.yaml": webhook("not-ours"),
        "c.yaml": "kind: ConfigMap",
        "d/e.yaml": policy("e"),
    }
    write(here.parent / "base", base)
    found = read(policies_dir="../base")
    assert (names(found), [item.key for item in found.declared], found.problems) == (
        ["a", "e"],
        ["one"],
        (),
    )
    assert all(rule.origin.file.startswith("../base/") for rule in found.rules)


def test_a_broken_file_in_the_folder_is_a_problem_and_so_is_a_kind_of_ours_that_is_misspelt(
    here: Path,
) -> None:
    misspelt = policy("a").replace('"Policy"', '"Polcy"')
    write(
        here,
        {
            "webhooks/one.yaml": webhook("one"),
            "policies/a.yaml": "a: [",
            "policies/b.yaml": misspelt,
        },
    )
    assert [(p.origin.file, p.rule) for p in list_problems("webhooks")] == [
        ("policies/a.yaml", "yaml/syntax"),
        ("policies/b.yaml", "document/kind"),
    ]


def test_a_named_folder_that_is_missing_or_holds_no_policy_is_an_error(here: Path) -> None:
    write(here, {"one.yaml": webhook("one"), "other/a.yaml": webhook("two")})
    assert [
        (p.origin.file, p.rule, p.severity)
        for p in list_problems("one.yaml", policies_dir="policies")
    ] == [("policies", "path/missing", "error")]
    assert [
        (p.origin.file, p.rule, p.severity) for p in list_problems("one.yaml", policies_dir="other")
    ] == [("other", "policies/none", "error")]


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
    assert [problem.rule for problem in list_problems()] == ["document/api-version"]


def test_a_policy_outside_of_the_folder_is_reported_as_unused_unless_another_folder_is_named(
    here: Path,
) -> None:
    write(here, {"one.yaml": webhook("one"), "a.yaml": policy("a"), "policies/b.yaml": policy("b")})
    write(here.parent / "base", {"c.yaml": policy("c")})
    assert [(p.origin.file, p.rule, p.severity) for p in list_problems()] == [
        ("a.yaml", "policies/unused", "warning")
    ]
    assert list_problems(policies_dir="../base") == ()


def test_a_selector_that_matches_nothing_is_a_warning_where_more_than_single_files_are_read(
    here: Path,
) -> None:
    match = {"matchLabels": {"team": "payments"}}
    write(
        here,
        {
            "webhooks/one.yaml": webhook("one", {"team": "platform"}),
            "policies/a.yaml": policy("a", match=match),
        },
    )
    [problem] = list_problems("webhooks")
    assert (problem.rule, problem.severity, problem.pointer) == (
        "policies/no-match",
        "warning",
        "/spec/match/matchLabels",
    )
    assert [problem.severity for problem in list_problems("webhooks", strict=True)] == ["error"]
    assert list_problems("webhooks/one.yaml") == list_problems("policies") == ()
    write(here, {"webhooks/two.yaml": webhook("two", {"team": "payments"})})
    assert list_problems("webhooks") == ()


def test_the_webhooks_that_a_tenant_leaves_to_others_count_as_matched(here: Path) -> None:
    body = json.loads(tenant("staging"))
    body["spec"]["select"] = {"matchLabels": {"environment": "staging"}}
    match = {"matchLabels": {"environment": "production"}}
    write(here, {"tenant.yaml": json.dumps(body), "policies/a.yaml": policy("a", match=match)})
    write(here, {"one.yaml": webhook("one", {"environment": "production"})})
    assert (list_problems(), read().declared) == ((), ())


@pytest.mark.parametrize(
    ("body", "name", "hint"),
    [
        ({"properties": {"urll": {}}}, "urll", "did you mean url?"),
        ({"required": ["team"]}, "team", None),
        ({"properties": {"auth": {"properties": {"typ": {}}}}}, "typ", "did you mean type?"),
        ({"if": {"properties": {"label": {}}}}, "label", "did you mean labels?"),
        (
            {"properties": {"events": {"items": {"anyOf": [{}, {"required": ["level"]}]}}}},
            "level",
            None,
        ),
    ],
)
def test_a_field_that_no_planned_webhook_has_is_a_warning(
    here: Path, body: Any, name: str, hint: str | None
) -> None:
    write(here, {"policies/a.yaml": policy("a", body)})
    [problem] = list_problems("policies")
    assert (problem.rule, problem.severity, problem.hint) == (
        "policies/unknown-field",
        "warning",
        hint,
    )
    assert repr(name) in problem.message
    whole = (here / "policies/a.yaml").read_text()
    assert whole[problem.origin.column - 1 :].startswith(f'"{name}"')


def test_every_field_of_a_planned_webhook_and_any_label_may_be_spoken_of(here: Path) -> None:
    fields = {name: {} for name in load_schema("planned-webhook")["properties"]}
    body = {
        "properties": {
            **fields,
            "labels": {"required": ["whatever"], "properties": {"team": {"minLength": 1}}},
        }
    }
    write(here, {"policies/a.yaml": policy("a", body)})
    assert list_problems("policies") == ()
