"""fromAwsSecretsManager through boto3, against AWS Secrets Manager as moto serves it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.sources.asking import ask, write
from tests.support.connect_proxy import ConnectProxy
from tests.support.processes import environment, run
from tests.support.servers import Moto, answering, free_port, serve
from tests.support.tls import Authority, TlsReceiver

VALUE = "av-31c7de90ab"
ASKED: dict[str, Any] = {"fromAwsSecretsManager": {"name": "payments/oncall", "field": "token"}}
KEYS = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "hunter2",
}


@pytest.fixture
def aws(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Moto:
    """The environment as boto3 reads it: the process's own."""
    aws_environment(monkeypatch, moto.env)
    return moto


def aws_environment(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    from reconciler.manifests.secret_sources.aws import _open_client  # noqa: PLC0415  it keeps what one run needs; this is another run

    _open_client.cache_clear()
    for name, text in {"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent", **env}.items():
        monkeypatch.setenv(name, text)


def test_the_text_of_a_secret_and_a_field_of_it_resolve(aws: Moto, repo: Path) -> None:
    aws.put("payments/text", SecretString=VALUE)
    aws.put("payments/json", SecretString=json.dumps({"token": VALUE}))
    assert ask(repo, {"fromAwsSecretsManager": {"name": "payments/text"}}, aws.env).token == VALUE
    assert (
        ask(
            repo, {"fromAwsSecretsManager": {"name": "payments/json", "field": "token"}}, aws.env
        ).token
        == VALUE
    )


@pytest.mark.parametrize(
    ("name", "value", "field", "said"),
    [
        ("none", None, None, "there is no such secret, or it has no value"),
        ("bytes", {"SecretBinary": b"hunter2"}, None, "the secret holds no text"),
        (
            "text",
            {"SecretString": "hunter2"},
            "token",
            "its text is no JSON object, so it has no fields",
        ),
        (
            "list",
            {"SecretString": '["hunter2"]'},
            "token",
            "its text is no JSON object, so it has no fields",
        ),
        (
            "deep",
            {"SecretString": "[" * 50_000},
            "token",
            "its text is no JSON object, so it has no fields",
        ),
        ("without", {"SecretString": '{"other": "hunter2"}'}, "token", 'there is no "token" in it'),
        ("number", {"SecretString": '{"token": 12}'}, "token", '"token" is not text there'),
    ],
)
def test_a_missing_secret_is_reported_with_its_reference_and_the_fix(
    aws: Moto, repo: Path, name: str, value: dict[str, Any] | None, field: str | None, said: str
) -> None:
    if value is not None:
        aws.put(f"payments/bad-{name}", **value)
    reference = {"name": f"payments/bad-{name}", **({"field": field} if field else {})}
    problem = ask(repo, {"fromAwsSecretsManager": reference}, aws.env).problem
    assert problem.rule == "secret/unresolved"
    assert problem.message.startswith(f'fromAwsSecretsManager: {{name: "payments/bad-{name}"')
    assert problem.message.endswith(f"does not resolve: {said}")
    assert problem.hint
    assert "hunter2" not in repr(problem)


def refusing(code: str, status: int = 400) -> type[Any]:
    body = json.dumps({"__type": code, "message": "hunter2"}).encode()
    return answering(status, body, ("Content-Type", "application/x-amz-json-1.1"))


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (refusing("AccessDeniedException"), "AWS refuses it"),
        (refusing("DecryptionFailure"), "AWS cannot decrypt it with its KMS key"),
        (refusing("ExpiredTokenException"), "AWS answered no secret (ExpiredTokenException)"),
        (refusing("<b>hunter2</b>"), "AWS answered no secret"),
        (refusing("InternalServiceError", 500), "AWS answered no secret (InternalServiceError)"),
        (answering(200, b"<html>hunter2</html>"), "the server is not AWS Secrets Manager"),
        (answering(500, b"<html>hunter2</html>"), "AWS answered no secret"),
    ],
)
def test_a_refusal_of_aws_is_reported_and_not_quoted(
    repo: Path, monkeypatch: pytest.MonkeyPatch, handler: type[Any], said: str
) -> None:
    with serve(handler) as url:
        aws_environment(monkeypatch, {**KEYS, "AWS_ENDPOINT_URL": url})
        problem = ask(repo, ASKED, KEYS).problem
    assert problem.message.partition("does not resolve: ")[2].startswith(said)
    assert problem.hint
    assert "hunter2" not in repr(problem)


def test_an_unreachable_aws_is_reported(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_environment(monkeypatch, {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"})
    assert "AWS Secrets Manager cannot be reached" in ask(repo, ASKED, KEYS).problem.message


def test_an_invalid_endpoint_is_reported(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws_environment(monkeypatch, {**KEYS, "AWS_ENDPOINT_URL": "hunter2"})
    problem = ask(repo, ASKED, KEYS).problem
    assert "AWS Secrets Manager cannot be asked" in problem.message
    assert "hunter2" not in repr(problem)


def test_a_slow_aws_is_not_waited_for_longer_than_a_timeout(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(answering(200, b"{}", pause=30)) as url:
        aws_environment(monkeypatch, {**KEYS, "AWS_ENDPOINT_URL": url})
        before = time.monotonic()
        problem = ask(repo, ASKED, KEYS, timeout=0.5).problem
    assert time.monotonic() - before < 15
    assert "AWS did not answer within 0.5 s" in problem.message


def test_without_credentials_or_region_the_mend_is_named(repo: Path) -> None:
    write(repo, ASKED)
    home = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(repo)}
    for env in (home, {**home, "AWS_REGION": "eu-west-1"}):
        problems = run("validate", ".", "--secrets", "-o", "json", cwd=repo, **env).json["problems"]
        assert [problem["message"].partition("resolve: ")[2] for problem in problems] == [
            "there are no AWS credentials, or no region"
        ]
        assert "AWS_PROFILE" in problems[0]["hint"]


def test_without_the_extra_the_error_names_it(repo: Path) -> None:
    """As installed without it: an interpreter that finds no boto3."""
    write(repo, ASKED)
    code = (
        "import sys; sys.modules['botocore'] = None; sys.modules['boto3'] = None; from "
        "reconciler.__main__ import run; run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "validate", ".", "--secrets"],
        cwd=repo, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "boto3 is not installed" in done.stdout + done.stderr
    assert 'pip install "webhook-reconciler[aws]"' in done.stdout + done.stderr


def test_an_aws_behind_a_proxy_and_a_private_authority(repo: Path, tmp_path: Path) -> None:
    write(repo, ASKED)
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem())

    def messages(*options: str, **env: str) -> str:
        ended = run("validate", ".", "--secrets", "-o", "json", *options, cwd=repo, **KEYS, **env)
        assert "problems" in ended.json, ended
        return " ".join(problem["message"] for problem in ended.json["problems"])

    with (
        TlsReceiver(authority, "aws.test") as receiver,
        ConnectProxy({"aws.test": ("127.0.0.1", receiver.port)}) as proxy,
    ):
        env = {"AWS_ENDPOINT_URL": f"https://aws.test:{receiver.port}", "HTTPS_PROXY": proxy.url}
        assert "the TLS certificate of AWS Secrets Manager is not trusted" in messages(**env)
        assert receiver.requests == ()
        messages("--ca-file", str(tmp_path / "ca.pem"), **env)
        assert receiver.requests
        assert set(proxy.targets) == {f"aws.test:{receiver.port}"}
    with ConnectProxy(refuses=403) as proxy:
        refused = messages(
            AWS_ENDPOINT_URL="https://aws.test", HTTPS_PROXY=proxy.with_credential("bo:hunter3")
        )
        assert "the proxy opened no connection to AWS Secrets Manager" in refused
        assert "hunter" not in refused


def test_an_aws_by_plain_http_gets_no_proxy(moto: Moto, repo: Path) -> None:
    moto.put("payments/plain", SecretString=VALUE)
    write(repo, {"fromAwsSecretsManager": {"name": "payments/plain"}})
    with ConnectProxy() as proxy:
        env = {
            **moto.env,
            "HTTP_PROXY": proxy.url,
            "http_proxy": proxy.url,
            "HTTPS_PROXY": proxy.url,
            "NO_PROXY": "",
        }
        assert run("validate", ".", "--secrets", cwd=repo, **env).code == 0
        assert (proxy.plain, proxy.targets) == ([], [])
