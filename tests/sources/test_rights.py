"""A reference is not a right (docs/security.md): the Tenant's lists, and what opens the other
sources.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sources.asking import ask, write
from tests.support.processes import run, webhook
from tests.support.servers import Bao

VALUE = "rv-e90ab31c7d"


def vault(path: str, field: str = "token") -> dict[str, Any]:
    return {"fromVault": {"path": path, "field": field}}


CASES = [
    ("vault", vault("secret/payments/oncall")),
    ("aws", {"fromAwsSecretsManager": {"name": "payments/oncall"}}),
    ("sops", {"fromSops": {"file": "payments.enc.yaml", "key": "token"}}),
]


@pytest.mark.parametrize(
    ("name", "reference"), CASES, ids=lambda case: case if isinstance(case, str) else ""
)
@pytest.mark.parametrize("lists", [None, {}, {"env": ["*"]}])
def test_a_source_that_the_tenant_does_not_list_is_refused(
    repo: Path, name: str, reference: Any, lists: dict[str, list[str]] | None
) -> None:
    problem = ask(repo, reference, lists=lists, secrets="ignore").problem
    assert problem.rule == "secret/forbidden"
    assert problem.message.endswith(
        f"may not be referenced: the Tenant has no secrets.{name} that allows it"
    )


@pytest.mark.parametrize(
    ("name", "reference"), CASES, ids=lambda case: case if isinstance(case, str) else ""
)
def test_what_no_pattern_of_the_list_matches_is_refused(
    repo: Path, name: str, reference: Any
) -> None:
    problem = ask(
        repo,
        reference,
        lists={name: ["platform/*", "secret/platform/*", "Payments*"]},
        secrets="ignore",
    ).problem
    assert problem.message.endswith(f"it matches no pattern of the Tenant's secrets.{name}")
    assert ask(repo, reference, lists={name: ["*payments*"]}, secrets="ignore").problems == ()


@pytest.mark.parametrize(
    "path", ["secret/payments/../platform/root", "secret/payments/./x", "secret/.."]
)
def test_a_vault_path_cannot_climb_out_of_a_pattern(repo: Path, path: str) -> None:
    assert ask(repo, vault(path), lists={"vault": ["*"]}).problem.rule == "secret/forbidden"


@pytest.mark.parametrize(
    "path", ["secret", "/secret/x", "secret//x", "secret/x/", "secret/x y", "secret/x\n", ""]
)
def test_what_is_no_path_of_a_vault_is_refused_by_the_schema(repo: Path, path: str) -> None:
    problems = ask(repo, vault(path)).problems
    assert {problem.pointer for problem in problems} == {"/spec/auth/token/fromVault/path"}
    assert {problem.rule for problem in problems} <= {"schema/pattern", "schema/minLength"}


def test_an_invalid_reference_is_reported_and_not_quoted(repo: Path) -> None:
    for reference in (
        {"fromVault": {"path": "secret/a", "field": "b", "hunter2": None}},
        {"fromVault": "hunter2"},
        {"fromCommand": "hunter2"},
        {"fromCommand": []},
        {"fromSops": {"file": "hunter2"}},
        {"fromEnv": "A", "fromFile": "hunter2"},
    ):
        problems = ask(repo, reference).problems
        assert problems
        assert all(problem.rule.startswith("schema/") for problem in problems)
        assert "hunter2" not in repr(problems)


LITERALS = [
    {"fromEnv": "sk_live_s3cretXYZ"},
    {"fromEnv": "RECONCILER_sk_live_s3cretXYZ"},
    {"fromEnv": "s3cretXYZ0a8f5f167f44f4964e6c998dee827110c"},
    {"fromFile": "Bearer s3cretXYZ"},
    {"fromFile": "../sk-live-s3cretXYZ"},
    {"fromFile": "https://hooks.example.com/s3cretXYZ"},
    {"fromVault": {"path": "secret/sk-live-s3cretXYZ", "field": "token"}},
    {"fromVault": {"path": "secret/a", "field": "sk-live-s3cretXYZ"}},
    {"fromAwsSecretsManager": {"name": "sk-live-s3cretXYZ"}},
    {"fromSops": {"file": "x.enc.yaml", "key": "sk-live-s3cretXYZ"}},
    {"fromCommand": ["sk-live-s3cretXYZ"]},
]


@pytest.mark.parametrize("reference", LITERALS, ids=lambda reference: next(iter(reference)))
@pytest.mark.parametrize("field", ["token", "url"])
def test_a_credential_where_a_name_belongs_is_an_error_that_no_output_quotes(
    repo: Path, reference: Any, field: str
) -> None:
    write(repo, reference if field == "token" else {"fromEnv": "A"})
    if field == "url":
        (repo / "hook.yaml").write_text(
            webhook("hook").replace("url: ", f"url: {json.dumps(reference)} #")
        )
    for command in (
        ["validate", "."],
        ["validate", ".", "--secrets"],
        ["plan", "."],
        ["test", "."],
        ["reconcile", ".", "--yes"],
    ):
        for form in ("text", "json"):
            done = run(*command, "-o", form, cwd=repo)
            assert done.code == 1
            assert "s3cretXYZ" not in done.out + done.err
            assert "secret/literal" in done.out + done.err


@pytest.mark.parametrize(
    "literal", ["sk-live-s3cretXYZ", "eKtCt72DNP2ZK4LuG1NVXsx-gRT2FBE-mfy3J_--6TY"]
)
def test_a_token_given_as_the_name_of_its_file_is_not_quoted(repo: Path, literal: str) -> None:
    write(repo, {"fromEnv": "A"})
    at = ["--tenant-url", "https://t.example.com/public-api/v1", "--owner", "o"]
    done = run("plan", ".", *at, "--tenant-token-file", literal, cwd=repo)
    assert done.code == 64
    assert literal not in done.out + done.err
    assert "looks like a token" in done.err


@pytest.mark.parametrize(
    "name",
    ["VAULT_TOKEN", "BAO_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "SOPS_AGE_KEY"],
)
def test_the_keys_of_the_other_sources_may_not_be_referenced(repo: Path, name: str) -> None:
    problem = ask(repo, {"fromEnv": name}, {name: VALUE}).problem
    assert problem.rule == "secret/forbidden"
    assert VALUE not in repr(problem)


def test_without_a_tenant_manifest_nothing_is_read_and_a_plan_still_works(
    bao: Bao, repo: Path
) -> None:
    bao.put("payments/oncall", token=VALUE)
    (repo / "hook.yaml").write_text(
        webhook(
            "hook",
            auth="{type: bearer, token: {fromVault: {path: secret/payments/oncall, field: token}}}",
        )
    )
    assert run("validate", ".", "--strict", cwd=repo).code == 0
    planned = run("plan", ".", "--local", "-o", "json", cwd=repo, **bao.env)
    assert planned.code == 0
    assert "no Tenant manifest of this run allows it" in planned.json["warnings"][0]
    refused = run("reconcile", ".", "--local", "--yes", "-o", "json", cwd=repo, **bao.env)
    assert [problem["hint"] for problem in refused.json["problems"]] == [
        "list it in a Tenant's secrets.vault"
    ]


def test_a_tenants_token_may_come_from_a_vault_and_no_webhook_may_reference_it(
    bao: Bao, repo: Path
) -> None:
    bao.put("payments/tenant", token=VALUE, other="other-value")
    write(repo, vault("secret/payments/tenant"))
    (repo / "tenant.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: main}\nspec:\n"
        "  url: http://127.0.0.1:9/public-api/v1\n  token: {fromVault: {path: "
        "secret/payments/tenant, field: token}}\n"
        "  owner: payments\n  secrets: {vault: ['secret/*']}\n"
    )
    refused = run("validate", ".", "--secrets", "-o", "json", cwd=repo, **bao.env).json
    assert [(problem["rule"], problem["file"]) for problem in refused["problems"]] == [
        ("secret/forbidden", "hook.yaml")
    ]
    (repo / "hook.yaml").write_text(
        (repo / "hook.yaml").read_text().replace('"field": "token"', '"field": "other"')
    )
    assert run("validate", ".", "--secrets", cwd=repo, **bao.env).code == 0


def test_a_webhook_of_another_tenant_is_held_against_that_tenants_list_alone(repo: Path) -> None:
    head = "---\napiVersion: webhooks.reconciler/v1\nkind: Tenant\n"
    (repo / "tenants.yaml").write_text(
        f"{head}metadata: {{name: with}}\nspec: {{local: a.db, owner: p, select: "
        f"{{matchLabels: {{team: test}}}},"
        f" secrets: {{vault: ['secret/*']}}}}\n{head}metadata: {{name: without}}\n"
        "spec: {local: b.db, owner: p, select: {matchLabels: {team: other}}}\n"
    )
    (repo / "hook.yaml").write_text(
        webhook("hook", auth="{type: bearer, token: {fromVault: {path: secret/a, field: b}}}")
    )
    for command in (
        ["validate", "."],
        ["plan", ".", "--tenant", "without"],
        ["plan", ".", "--tenant", "with"],
    ):
        done = run(*command, cwd=repo)
        assert done.code == 0, (command, done.out, done.err)
