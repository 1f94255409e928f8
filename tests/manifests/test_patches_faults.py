"""A Tenant's patches: what is refused, and that it is reported at the patch, with the webhook named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.manifests.patching import EVENT, HOOK, only, problems, tenant

WRONG = (
    ("{url: null}", 14, "schema/required", "lacks the field 'url'"),
    ("{auth: {type: basic}}", 15, "schema/additionalProperties", "unknown field 'token'"),
    ("{auth: {token: {fromFile: x}}}", 23, "schema/maxProperties", "exactly one of"),
    (
        "{url: {fromEnv: BASE_TOKEN, x: 1}}",
        19,
        "schema/additionalProperties",
        "a secret reference has an unknown field",
    ),
    ("{url: 'ftp://hooks.example.com'}", 20, "url/invalid", "http"),
    ("{name: ''}", 15, "schema/minLength", "must not be empty"),
    ("{events: [{type: a:b, version: v0}]}", 24, "subscription/incomplete", "needs a severity"),
    ("{events: [{types: a:b}]}", 24, "schema/additionalProperties", "unknown field 'types'"),
    ("{auth: {token: {fromEnv: RECONCILER_KEY}}}", 35, "secret/forbidden", "may not be referenced"),
    ("{auth: {token: {fromEnv: null, fromFile: ../x}}}", 47, "secret/forbidden", "may not contain"),
    ("{previously: [one]}", 20, "webhook/previously", "which is declared in"),
)


@pytest.mark.parametrize(("patch", "column", "rule", "message"), WRONG)
def test_a_problem_that_a_patch_causes_is_reported_at_the_patch_with_the_name_of_the_webhook(
    tmp_path: Path, patch: str, column: int, rule: str, message: str
) -> None:
    found = [p for p in problems(tmp_path, tenant(patch)) if p.severity == "error"]
    problem = next(p for p in found if p.rule == rule and message in p.message)
    assert problem.message.startswith("webhook one as patched: ")
    assert (problem.origin.file.endswith("tenants/t0.yaml"), problem.origin.line) == (True, 9)
    assert problem.pointer.startswith("/spec/patches/0/patch")
    assert {p.origin.file for p in found} == {problem.origin.file}
    assert problem.origin.column >= column - 1


@pytest.mark.parametrize(
    ("patch", "rule"),
    [
        ("{bogus: 1}", "schema/additionalProperties"),
        ("{}", "schema/minProperties"),
        ("[]", "schema/type"),
        ("{auth: {token: hunter2}}", "schema/type"),
        ("{auth: {hunter2: x}}", "schema/additionalProperties"),
        ("{auth: {token: {hunter2: x}}}", "schema/additionalProperties"),
        ("{url: {hunter2: x}}", "schema/additionalProperties"),
        ("{enabled: 1}", "schema/type"),
        ("{labels: {team: x}}", "schema/additionalProperties"),
    ],
)
def test_a_patch_is_as_strict_as_a_manifest_and_quotes_no_credential(
    tmp_path: Path, patch: str, rule: str
) -> None:
    found = problems(tmp_path, tenant(patch))
    assert rule in [p.rule for p in found if p.severity == "error"]
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "wave: 0",
        "wave: -1",
        "wave: 1.5",
        "wave: '2'",
        "wave: null",
        "patches: {}",
        "patches: [{patch: {name: x}}]",
    ],
)
def test_waves_are_whole_numbers_from_1_and_patches_have_a_match(tmp_path: Path, text: str) -> None:
    assert only(tmp_path, tenant(extra=f"\n  {text}")).rule.startswith("schema/")


@pytest.mark.parametrize(
    "match", ["{}", "{name: ''}", "{labels: {a: b}}", "[one]", "{matchLabels: {a: 1}}"]
)
def test_a_match_says_a_name_or_labels_and_nothing_else(tmp_path: Path, match: str) -> None:
    assert problems(tmp_path, tenant("{name: x}", match=match))[0].rule.startswith("schema/")


def test_a_problem_of_the_manifest_itself_is_reported_in_the_manifest(tmp_path: Path) -> None:
    problem = only(
        tmp_path, tenant("{description: x}"), hook=HOOK.replace("https://hooks", "ftp://hooks")
    )
    assert problem.origin.file.endswith("hooks/one.yaml")
    assert "patched" not in problem.message


def test_a_webhook_that_a_patch_breaks_is_not_missed_by_its_subscriptions(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {name: s}\n"
        f"spec: {{webhook: one, events: [{EVENT}]}}\n"
    )
    assert only(tmp_path, tenant("{url: null}")).rule == "schema/required"


def test_patches_beyond_all_measure_are_a_problem_and_cost_little(tmp_path: Path) -> None:
    short = (
        "apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {{name: w{}}}\nspec: "
        "{{url: 'https://a.example'}}\n"
    )
    hooks = "---\n".join(short.format(number) for number in range(5_000))
    many = tenant(*["{enabled: true}"] * 999, match="{matchLabels: {}}")
    before = time.process_time()
    problem = only(tmp_path, many, hook=hooks)
    assert problem.rule == "patch/limit"
    assert time.process_time() - before < 5
    text = "---\n".join(
        tenant("{url: null}", name=f"t{number}", match="{matchLabels: {}}") for number in range(100)
    )
    each = {"lenient": True, "check_each": True}
    before = time.process_time()
    found = problems(tmp_path, text, hook=hooks, **each)
    assert ("patch/limit", "warning") in [(p.rule, p.severity) for p in found]
    assert len([p for p in found if p.rule == "schema/required"]) == 50
    assert time.process_time() - before < 15
    broken = problems(tmp_path, tenant("{url: null}", match="{matchLabels: {}}"), hook=hooks)
    assert {p.rule for p in broken} == {"schema/required"}
    assert len(broken) <= 50
