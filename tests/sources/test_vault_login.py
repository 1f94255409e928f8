"""Every login at a real OpenBao: token, saved token, AppRole, a job's JWT, a Kubernetes service
account; key-value 1 and 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sources.asking import Found, ask, write
from tests.support.servers import Bao, answering, serve
from tests.support.vault_auth import Issuer, service_account_claims, token_reviews

VALUE = "vl-07a9f3c1"
REFERENCE = {"fromVault": {"path": "secret/payments/oncall", "field": "token"}}
POLICY = 'path "secret/data/payments/*" { capabilities = ["read"] }\npath "one/payments/*" { capabilities = ["read"] }'
AUDIENCE = "https://vault.example.com"
REVIEWER = "reviewer-token-41"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture(scope="module")
def pods() -> Iterator[tuple[str, dict[str, tuple[str, str]]]]:
    known: dict[str, tuple[str, str]] = {}
    with serve(token_reviews(REVIEWER, known)) as url:
        yield url, known


@pytest.fixture(scope="module")
def vault(bao: Bao, issuer: Issuer, pods: Any) -> Bao:
    """The auth methods, each with a role `webhooks` that may read below payments."""
    bao.put("payments/oncall", token=VALUE)
    bao.call("PUT", "sys/policies/acl/webhooks", {"policy": POLICY})
    bao.call("POST", "sys/mounts/one", {"type": "kv", "options": {"version": "1"}})
    bao.call("POST", "one/payments/oncall", {"token": "of version 1"})
    for mount, kind in (
        ("approle", "approle"),
        ("jwt", "jwt"),
        ("gitlab/jobs", "jwt"),
        ("kubernetes", "kubernetes"),
    ):
        bao.call("POST", f"sys/auth/{mount}", {"type": kind})
    bao.call(
        "POST",
        "auth/approle/role/webhooks",
        {"token_policies": ["webhooks"], "secret_id_num_uses": 1},
    )
    for mount in ("jwt", "gitlab/jobs"):
        bao.call("POST", f"auth/{mount}/config", {"jwt_validation_pubkeys": [issuer.public_pem]})
        role = {
            "role_type": "jwt",
            "user_claim": "sub",
            "bound_audiences": [AUDIENCE],
            "token_policies": ["webhooks"],
        }
        bao.call(
            "POST",
            f"auth/{mount}/role/webhooks",
            {**role, "bound_claims": {"repository": "acme/webhooks"}},
        )
    config = {
        "kubernetes_host": pods[0],
        "token_reviewer_jwt": REVIEWER,
        "disable_local_ca_jwt": True,
    }
    bao.call(
        "POST",
        "auth/kubernetes/config",
        {**config, "disable_iss_validation": True, "kubernetes_ca_cert": issuer.public_pem},
    )
    bound = {
        "bound_service_account_names": ["webhooks"],
        "bound_service_account_namespaces": ["ci"],
    }
    bao.call("POST", "auth/kubernetes/role/webhooks", {**bound, "token_policies": ["webhooks"]})
    return bao


def look(
    vault: Bao,
    repo: Path,
    login: dict[str, Any] | None,
    env: dict[str, str],
    reference: Any = REFERENCE,
) -> Found:
    """With that login in the Tenant manifest, None for none, and no token in the environment."""
    lists: Any = {
        "paths": ["secret/payments/*", "one/payments/*"],
        **({"login": login} if login is not None else {}),
    }
    return ask(repo, reference, {"VAULT_ADDR": vault.url, **env}, lists={"vault": lists})


def secret_id(vault: Bao) -> dict[str, str]:
    role_id = vault.call("GET", "auth/approle/role/webhooks/role-id")["data"]["role_id"]
    return {
        "VAULT_ROLE_ID": role_id,
        "VAULT_SECRET_ID": vault.call("POST", "auth/approle/role/webhooks/secret-id")["data"][
            "secret_id"
        ],
    }


def job_token(issuer: Issuer, **claims: Any) -> str:
    return issuer.token(
        **{"sub": "project:1", "aud": AUDIENCE, "repository": "acme/webhooks", **claims}
    )


def test_a_token_of_the_environment_comes_first(vault: Bao, repo: Path) -> None:
    assert (
        look(vault, repo, {"method": "jwt", "role": "none"}, {"VAULT_TOKEN": vault.TOKEN}).token
        == VALUE
    )


def test_the_token_that_vault_login_saved_is_used(vault: Bao, repo: Path, tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text(vault.TOKEN)
    for login in (None, {"method": "token"}):
        assert look(vault, repo, login, {"HOME": str(tmp_path)}).token == VALUE


def test_a_token_may_be_a_reference_of_the_login(vault: Bao, repo: Path) -> None:
    assert (
        look(
            vault,
            repo,
            {"method": "token", "token": {"fromEnv": "CI_VAULT"}},
            {"CI_VAULT": vault.TOKEN},
        ).token
        == VALUE
    )
    (repo / "token.txt").write_text(f"{vault.TOKEN}\n")
    assert (
        look(vault, repo, {"method": "token", "token": {"fromFile": "token.txt"}}, {}).token
        == VALUE
    )


@pytest.mark.parametrize("login", [None, {"method": "approle"}])
def test_an_approle_logs_in_by_variables_once_a_run(vault: Bao, repo: Path, login: Any) -> None:
    """The secret id can be used once: a second login of the same run would be refused."""
    write(repo, REFERENCE)
    hook = (repo / "hook.yaml").read_text()
    (repo / "more.yaml").write_text(
        hook.replace("name: hook", "name: more").replace("secret/payments", "one/payments")
    )
    assert look(vault, repo, login, secret_id(vault)).token == VALUE


def test_an_approle_logs_in_by_references(vault: Bao, repo: Path) -> None:
    given = secret_id(vault)
    (repo / "secret-id").write_text(given["VAULT_SECRET_ID"] + "\n")
    login = {
        "method": "approle",
        "roleId": {"fromEnv": "MY_ROLE_ID"},
        "secretId": {"fromFile": "secret-id"},
    }
    assert look(vault, repo, login, {"MY_ROLE_ID": given["VAULT_ROLE_ID"]}).token == VALUE


def test_a_wrong_secret_id_is_refused_and_not_quoted(vault: Bao, repo: Path) -> None:
    env = {**secret_id(vault), "VAULT_SECRET_ID": "hunter2-secret-id"}
    problem = look(vault, repo, None, env).problem
    assert "the Vault refused the login at auth/approle (400)" in problem.message
    assert "role id and secret id" in (problem.hint or "")
    assert "hunter2" not in repr(problem)
    assert env["VAULT_ROLE_ID"] not in repr(problem)


@pytest.mark.parametrize("by_variables", [True, False])
def test_a_job_of_gitlab_logs_in_with_its_token(
    vault: Bao, repo: Path, issuer: Issuer, by_variables: bool
) -> None:
    env = {"VAULT_ID_TOKEN": job_token(issuer)}
    if by_variables:
        assert (
            look(
                vault,
                repo,
                None,
                {**env, "VAULT_AUTH_ROLE": "webhooks", "VAULT_AUTH_PATH": "gitlab/jobs"},
            ).token
            == VALUE
        )
    else:
        assert (
            look(
                vault, repo, {"method": "jwt", "mount": "gitlab/jobs", "role": "webhooks"}, env
            ).token
            == VALUE
        )


def test_a_job_of_github_asks_for_its_token_with_the_audience_of_the_login(
    vault: Bao, repo: Path, issuer: Issuer
) -> None:
    paths: list[str] = []
    heads: list[str] = []
    body = json.dumps({"count": 1, "value": job_token(issuer)}).encode()
    with serve(answering(200, body, paths=paths, heads=heads)) as url:
        env = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "runner-right",
        }
        assert (
            look(
                vault, repo, {"method": "jwt", "role": "webhooks", "audience": AUDIENCE}, env
            ).token
            == VALUE
        )
    assert paths == ["/token?api-version=2.0&audience=https%3A%2F%2Fvault.example.com"]
    assert "Authorization: Bearer runner-right" in heads[0]


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"aud": "https://other.example.com"}, "webhooks"),
        ({"repository": "evil/fork"}, "webhooks"),
        ({"lasts": -400}, "webhooks"),
        ({}, "none"),
    ],
)
def test_a_job_that_the_role_does_not_bind_is_refused_and_its_token_not_quoted(
    vault: Bao, repo: Path, issuer: Issuer, claims: Any, role: str
) -> None:
    token = job_token(issuer, **claims)
    problem = look(vault, repo, {"method": "jwt", "role": role}, {"VAULT_ID_TOKEN": token}).problem
    assert "the Vault refused the login at auth/jwt (400)" in problem.message
    assert token not in repr(problem)
    assert token.split(".")[1] not in repr(problem)


def test_a_job_without_a_token_gets_a_hint_how_to_get_one(vault: Bao, repo: Path) -> None:
    problem = look(vault, repo, {"method": "jwt", "role": "webhooks"}, {}).problem
    assert "there is no job token to log in with" in problem.message
    assert "id-token: write" in (problem.hint or "")
    assert "VAULT_ID_TOKEN" in (problem.hint or "")


@pytest.mark.parametrize(
    "handler",
    [
        answering(403, b"hunter2"),
        answering(200, b'{"value": 1}'),
        answering(200, b"hunter2"),
        answering(302, b"", ("Location", "/x")),
    ],
)
def test_what_github_refuses_is_reported_and_not_quoted(
    vault: Bao, repo: Path, handler: Any
) -> None:
    with serve(handler) as url:
        env = {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "hunter3"}
        problem = look(vault, repo, {"method": "jwt", "role": "webhooks"}, env).problem
    assert "GitHub" in problem.message
    assert "hunter" not in repr(problem)


def test_a_service_account_of_kubernetes_logs_in(
    vault: Bao, repo: Path, issuer: Issuer, pods: Any
) -> None:
    token = issuer.token(**service_account_claims("ci", "webhooks"))
    pods[1][token] = ("ci", "webhooks")
    (repo / "sa").write_text(token)
    login = {"method": "kubernetes", "role": "webhooks", "token": {"fromFile": "sa"}}
    assert look(vault, repo, login, {}).token == VALUE


def test_another_service_account_is_refused(
    vault: Bao, repo: Path, issuer: Issuer, pods: Any
) -> None:
    other = issuer.token(**service_account_claims("ci", "other"))
    pods[1][other] = ("ci", "other")
    unknown = issuer.token(**service_account_claims("ci", "webhooks"), jti="revoked")
    for token in (other, unknown):
        (repo / "sa").write_text(token)
        login = {"method": "kubernetes", "role": "webhooks", "token": {"fromFile": "sa"}}
        problem = look(vault, repo, login, {}).problem
        assert "the Vault refused the login at auth/kubernetes (403)" in problem.message
        assert token not in repr(problem)


def test_version_1_of_the_engine_is_read_too(vault: Bao, repo: Path) -> None:
    reference = {"fromVault": {"path": "one/payments/oncall", "field": "token"}}
    assert look(vault, repo, None, {"VAULT_TOKEN": vault.TOKEN}, reference).token == "of version 1"


def test_a_login_that_is_not_there_says_which_there_are(vault: Bao, repo: Path) -> None:
    problem = look(vault, repo, None, {}).problem
    assert "VAULT_TOKEN is not set, and there is no other login" in problem.message
    assert "secrets.vault.login" in (problem.hint or "")


@pytest.mark.parametrize("method", ["approle", "token"])
def test_a_credential_of_the_login_that_does_not_resolve_is_named(
    vault: Bao, repo: Path, method: str
) -> None:
    field = "secretId" if method == "approle" else "token"
    problem = look(
        vault, repo, {"method": method, field: {"fromEnv": "NOT_SET"}}, {"VAULT_ROLE_ID": "x"}
    ).problem
    assert f"{field} of secrets.vault.login (fromEnv: NOT_SET) does not resolve" in problem.message


@pytest.mark.parametrize(
    ("login", "rule"),
    [
        ({}, "schema/required"),
        ({"method": "ldap"}, "schema/enum"),
        ({"method": "jwt", "secretId": {"fromEnv": "X"}}, "schema/additionalProperties"),
        ({"method": "jwt", "token": "hunter2"}, "schema/type"),
        (
            {"method": "approle", "secretId": {"fromVault": {"path": "a/b", "field": "c"}}},
            "schema/additionalProperties",
        ),
        (
            {"method": "approle", "secretId": {"fromCommand": ["hunter2"]}},
            "schema/additionalProperties",
        ),
        ({"method": "approle", "secretId": {"fromEnv": "RECONCILER_X"}}, "secret/forbidden"),
        ({"method": "approle", "secretId": {"fromFile": "/etc/passwd"}}, "secret/forbidden"),
        ({"method": "jwt", "mount": "../sys"}, "schema/pattern"),
    ],
)
def test_a_login_that_is_wrong_is_a_problem_of_the_manifest(
    vault: Bao, repo: Path, login: Any, rule: str
) -> None:
    found = look(vault, repo, login, {"VAULT_TOKEN": vault.TOKEN})
    assert rule in {problem.rule for problem in found.problems}
    assert "hunter2" not in repr(found.problems)


@pytest.mark.parametrize(
    "name",
    [
        "VAULT_SECRET_ID",
        "VAULT_ROLE_ID",
        "VAULT_ID_TOKEN",
        "BAO_SECRET_ID",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "MY_SECRET_ID",
        "HTTPS_PROXY",
        "https_proxy",
    ],
)
def test_no_webhook_may_reference_what_logs_in(vault: Bao, repo: Path, name: str) -> None:
    login = {"method": "approle", "secretId": {"fromEnv": "MY_SECRET_ID"}}
    problem = look(vault, repo, login, {name: "hunter2"}, {"fromEnv": name}).problem
    assert problem.rule == "secret/forbidden"


def test_no_webhook_may_reference_the_saved_token_or_a_file_of_the_login(
    vault: Bao, repo: Path
) -> None:
    (repo / ".vault-token").write_text("hunter2")
    (repo / "secret-id").write_text("hunter2")
    login = {"method": "approle", "secretId": {"fromFile": "secret-id"}}
    for file in (".vault-token", "secret-id"):
        assert (
            look(vault, repo, login, {"HOME": str(repo)}, {"fromFile": file}).problem.rule
            == "secret/forbidden"
        )


def test_a_webhook_cannot_configure_the_login(repo: Path) -> None:
    reference = {
        "fromVault": {
            "path": "secret/payments/oncall",
            "field": "token",
            "login": {"method": "token"},
        }
    }
    assert {problem.rule for problem in ask(repo, reference).problems} == {
        "schema/additionalProperties"
    }


def test_a_login_without_paths_allows_no_webhook_the_vault(repo: Path) -> None:
    problem = ask(
        repo, REFERENCE, lists={"vault": {"login": {"method": "token"}}}, secrets="ignore"
    ).problem
    assert "the Tenant has no secrets.vault that allows it" in problem.message
