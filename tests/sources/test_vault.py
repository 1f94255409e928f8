"""fromVault against a real OpenBao, and against what only a broken Vault does."""

from __future__ import annotations

import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.sources.asking import ask, write
from tests.support.processes import run
from tests.support.servers import Bao, answering, free_port, serve

VALUE = "vt-5c11e0f7a2"
REFERENCE = {"fromVault": {"path": "secret/payments/oncall", "field": "token"}}


def make_reference(path: str, field: str = "token") -> dict[str, Any]:
    return {"fromVault": {"path": path, "field": field}}


def test_a_field_of_a_secret_resolves(bao: Bao, repo: Path) -> None:
    bao.put("payments/oncall", token=VALUE, other="x")
    found = ask(repo, REFERENCE, bao.env)
    assert found.problems == ()
    assert found.token == VALUE


def test_openbaos_own_variables_come_before_vaults(bao: Bao, repo: Path) -> None:
    bao.put("payments/oncall", token=VALUE)
    env = {
        "BAO_ADDR": bao.url,
        "BAO_TOKEN": bao.TOKEN,
        "VAULT_ADDR": "http://127.0.0.1:9",
        "VAULT_TOKEN": "x",
    }
    assert ask(repo, REFERENCE, env).token == VALUE


def test_an_engine_may_be_mounted_several_folders_deep(bao: Bao, repo: Path) -> None:
    bao.call("POST", "sys/mounts/team/kv", {"type": "kv", "options": {"version": "2"}})
    bao.call("POST", "team/kv/data/a+b/c%25", {"data": {"token": VALUE}})
    assert (
        ask(repo, make_reference("team/kv/a+b/c%"), bao.env, lists={"vault": ["team/*"]}).token
        == VALUE
    )


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (make_reference("secret/payments/none"), "the Vault has no such secret"),
        (make_reference("secret/data/payments/oncall"), "the Vault has no such secret"),
        (make_reference("secret/payments/gone"), "the Vault has no such secret"),
        (make_reference("nowhere/payments/oncall"), "the Vault refuses it (403)"),
        (make_reference("old/payments/oncall"), "the Vault has no such secret"),
        (make_reference("cubbyhole/payments/oncall"), "it is in no key-value engine"),
        (make_reference("secret/payments/oncall", "pin"), '"pin" is not text there'),
        (make_reference("secret/payments/oncall", "empty"), '"empty" is empty there'),
        (make_reference("secret/payments/oncall", "none"), 'there is no "none" in it'),
    ],
)
def test_a_missing_secret_is_reported_with_its_reference_and_the_fix(
    bao: Bao, repo: Path, reference: Any, said: str
) -> None:
    bao.put("payments/oncall", token=VALUE, pin=1234, empty="")
    bao.put("payments/gone", token=VALUE)
    bao.call("DELETE", "secret/data/payments/gone")
    if "old/" not in bao.call("GET", "sys/mounts")["data"]:
        bao.call("POST", "sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
    problem = ask(repo, reference, bao.env, lists={"vault": ["*"]}).problem
    assert (problem.rule, problem.pointer, problem.origin.line) == (
        "secret/unresolved",
        "/spec/auth/token",
        6,
    )
    assert problem.message.startswith(
        f'fromVault: {{path: "{reference["fromVault"]["path"]}", field: '
    )
    assert problem.message.endswith(f"does not resolve: {said}")
    assert problem.hint
    assert VALUE not in repr(problem)


def test_a_token_without_the_right_to_read_is_reported(bao: Bao, repo: Path) -> None:
    bao.put("payments/oncall", token=VALUE)
    weak = bao.call("POST", "auth/token/create", {"policies": ["default"]})["auth"]["client_token"]
    for token in (weak, "s.expired"):
        problem = ask(repo, REFERENCE, {**bao.env, "VAULT_TOKEN": token}).problem
        assert "the Vault refuses it (403)" in problem.message
        assert token not in repr(problem)


def test_a_sealed_vault_is_reported_with_the_hint_to_unseal_it(tmp_path: Path, repo: Path) -> None:
    with Bao(tmp_path) as bao:
        bao.put("payments/oncall", token=VALUE)
        bao.call("PUT", "sys/seal")
        problem = ask(repo, REFERENCE, bao.env).problem
    assert "the Vault is sealed" in problem.message
    assert problem.hint == "unseal it, then run again"


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (
            answering(200, b"<html>hunter2</html>", ("Content-Type", "text/html")),
            "is not a Vault: it sent no JSON object",
        ),
        (answering(503, b"<html>hunter2</html>"), "is not a Vault: it sent no JSON object"),
        (answering(200, b'["hunter2"]'), "is not a Vault: it sent no JSON object"),
        (answering(200, b"[" * 100_000), "is not a Vault: it sent no JSON object"),
        (
            answering(200, b'{"data": {"path": "hunter2/"}}'),
            "did not return the mount of its engine",
        ),
        (answering(200, b'{"data": "hunter2"}'), "the Vault answered 200, and no secret"),
        (
            answering(302, b"", ("Location", "http://hunter2.example.com/")),
            "redirects (302), which is not followed",
        ),
        (answering(501, b'{"errors": ["hunter2"]}'), "not initialized"),
        (answering(500, b'{"errors": ["hunter2"]}'), "the Vault failed (500)"),
        (answering(400, b'{"errors": ["hunter2"]}'), "the Vault answered 400"),
    ],
)
def test_a_server_that_is_no_vault_is_reported_and_not_quoted(
    repo: Path, handler: Any, said: str
) -> None:
    with serve(handler) as url:
        problem = ask(repo, REFERENCE, {"VAULT_ADDR": url, "VAULT_TOKEN": VALUE}).problem
    assert said in problem.message
    assert problem.hint
    assert "hunter2" not in repr(problem)
    assert VALUE not in repr(problem)


class Quiet(BaseHTTPRequestHandler):
    """Takes a request and sends `said`, a byte now and then, until the other side has enough of
    it.
    """

    said = b""

    def do_GET(self) -> None:
        with suppress(OSError):
            while True:
                self.wfile.write(self.said)
                time.sleep(0.1)


class Dripping(Quiet):
    said = b"H"


@pytest.mark.parametrize("handler", [Quiet, Dripping])
def test_a_slow_vault_costs_one_timeout_however_many_references_there_are(
    repo: Path, handler: Any
) -> None:
    with serve(handler) as url:
        ask(repo, REFERENCE)
        hook = (repo / "hook.yaml").read_text()
        (repo / "more.yaml").write_text(
            "---\n".join(
                hook.replace("name: hook", f"name: h{n}").replace("oncall", f"n{n}")
                for n in range(20)
            )
        )
        before = time.monotonic()
        found = ask(repo, REFERENCE, {"VAULT_ADDR": url, "VAULT_TOKEN": "t"}, timeout=0.5)
    assert time.monotonic() - before < 5
    assert (
        len(
            [
                problem
                for problem in found.problems
                if "did not answer within 0.5 s" in problem.message
            ]
        )
        == 21
    )


def test_an_unreachable_vault_is_reported(repo: Path) -> None:
    problem = ask(
        repo, REFERENCE, {"VAULT_ADDR": f"http://127.0.0.1:{free_port()}", "VAULT_TOKEN": "t"}
    ).problem
    assert "the Vault cannot be reached" in problem.message


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "VAULT_ADDR is not set"),
        ({"VAULT_ADDR": "hunter2"}, "the url in VAULT_ADDR"),
        (
            {"VAULT_ADDR": "http://vault.example.com", "VAULT_TOKEN": "hunter2"},
            "would send the token in clear",
        ),
        ({"VAULT_ADDR": "https://vault.example.com"}, "VAULT_TOKEN is not set"),
        (
            {"VAULT_ADDR": "https://vault.example.com", "VAULT_TOKEN": "hunter2\nX: y"},
            "VAULT_TOKEN is not set, or no token",
        ),
        (
            {
                "VAULT_ADDR": "https://127.0.0.1:9",
                "VAULT_TOKEN": "hunter2",
                "VAULT_CACERT": "/nowhere",
            },
            "certificates of VAULT_CACERT cannot be read",
        ),
    ],
)
def test_an_environment_without_a_vault_is_reported_without_a_request(
    repo: Path, env: dict[str, str], said: str
) -> None:
    problem = ask(repo, REFERENCE, env).problem
    assert said in problem.message
    assert "hunter2" not in repr(problem)


def test_each_secret_is_asked_for_once_a_run(repo: Path) -> None:
    seen: list[str] = []
    body = (
        b'{"data": {"path": "secret/", "options": {"version": "2"}, "data": {"token": "a-token"}}}'
    )
    with serve(answering(200, body, paths=seen)) as url:
        ask(repo, REFERENCE)
        more = (repo / "hook.yaml").read_text()
        (repo / "more.yaml").write_text(
            "---\n".join(more.replace("name: hook", f"name: h{n}") for n in range(20))
        )
        assert ask(repo, REFERENCE, {"VAULT_ADDR": url, "VAULT_TOKEN": "t"}).token == "a-token"
    assert sorted(seen) == [
        "/v1/secret/data/payments/oncall",
        "/v1/sys/internal/ui/mounts/secret/payments/oncall",
    ]


def test_validate_and_plan_work_without_a_vault(repo: Path) -> None:
    write(repo, REFERENCE)
    assert run("validate", ".", cwd=repo).out.endswith("0 errors, 0 warnings.\n")
    plan = run("plan", ".", "-o", "json", cwd=repo)
    assert plan.code == 0, plan.err
    [warning] = plan.json["warnings"]
    assert warning.endswith(
        "VAULT_ADDR is not set [secret/unresolved]; set VAULT_ADDR and VAULT_TOKEN, then run again"
    )
    refused = run("reconcile", ".", "--yes", "-o", "json", cwd=repo)
    assert refused.code == 1
    assert [problem["hint"] for problem in refused.json["problems"]] == [
        "set VAULT_ADDR and VAULT_TOKEN, then run again"
    ]
