"""How a Vault is reached: TLS, proxies, and the library of the extra."""

from __future__ import annotations

from pathlib import Path

from tests.sources.asking import ask, write
from tests.support.connect_proxy import ConnectProxy
from tests.support.processes import run
from tests.support.servers import Bao, TlsBao
from tests.support.tls import Authority, TlsReceiver

VALUE = "vl-07a9f3c1"
REFERENCE = {"fromVault": {"path": "secret/payments/oncall", "field": "token"}}


def test_tls_errors_say_tls_and_name_the_file_of_authorities(repo: Path, tmp_path: Path) -> None:
    authority = Authority()
    with TlsReceiver(authority, "other.test") as receiver:
        env = {"VAULT_ADDR": receiver.url("", "127.0.0.1"), "VAULT_TOKEN": "t"}
        problem = ask(repo, REFERENCE, env).problem
        assert "the TLS certificate of the Vault is not trusted" in problem.message
        assert "--ca-file FILE or VAULT_CACERT" in (problem.hint or "")
        (tmp_path / "ca.pem").write_bytes(authority.pem())
        for given in ({"ca_file": str(tmp_path / "ca.pem")}, {}):
            cacert = {} if given else {"VAULT_CACERT": str(tmp_path / "ca.pem")}
            problem = ask(repo, REFERENCE, {**env, **cacert}, **given).problem
            assert "the TLS certificate of the Vault is for a different" in problem.message


def test_https_to_a_port_that_speaks_no_tls_says_tls(bao: Bao, repo: Path) -> None:
    problem = ask(
        repo, REFERENCE, {"VAULT_ADDR": bao.url.replace("http:", "https:"), "VAULT_TOKEN": "t"}
    ).problem
    assert "does not speak TLS" in problem.message


def test_a_vault_behind_tls_is_asked_through_the_proxy_and_the_token_not_in_clear(
    repo: Path, tmp_path: Path
) -> None:
    with (
        TlsBao(tmp_path) as bao,
        ConnectProxy({"vault.test": ("127.0.0.1", bao.port)}, credential="bo:hunter2") as proxy,
    ):
        bao.put("payments/oncall", token=VALUE)
        env = {
            "VAULT_ADDR": f"https://vault.test:{bao.port}",
            "VAULT_TOKEN": bao.TOKEN,
            "VAULT_CACERT": bao.ca,
        }
        right = {**env, "https_proxy": proxy.with_credential("bo:hunter2")}
        assert ask(repo, REFERENCE, right).token == VALUE
        assert set(proxy.targets) == {f"vault.test:{bao.port}"}
        assert bao.TOKEN.encode() not in proxy.passed
        problem = ask(
            repo, REFERENCE, {**env, "HTTPS_PROXY": proxy.with_credential("bo:hunter3")}
        ).problem
        assert (
            f"the proxy 127.0.0.1:{proxy.server_port} opened no connection to the Vault"
            in problem.message
        )
        assert "hunter" not in repr(problem)
        direct = {**right, "VAULT_ADDR": f"https://127.0.0.1:{bao.port}", "NO_PROXY": "127.0.0.1"}
        count = len(proxy.targets)
        assert ask(repo, REFERENCE, direct).token == VALUE
        assert len(proxy.targets) == count


def test_a_vault_by_plain_http_gets_no_proxy(bao: Bao, repo: Path) -> None:
    bao.put("payments/oncall", token=VALUE)
    with ConnectProxy() as proxy:
        env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), proxy.url)
        assert ask(repo, REFERENCE, {**bao.env, **env}).token == VALUE
        assert (proxy.targets, proxy.plain) == ([], [])


def test_without_the_extra_the_error_names_it(repo: Path, tmp_path: Path) -> None:
    write(repo, REFERENCE)
    (tmp_path / "hvac.py").write_text(
        "raise ModuleNotFoundError('No module named hvac', name='hvac')\n"
    )
    paths = f"{tmp_path}:{Path(__file__).parents[2]}"
    env = {"VAULT_ADDR": "https://vault.example.com", "VAULT_TOKEN": "t", "PYTHONPATH": paths}
    [problem] = run("validate", ".", "--secrets", "-o", "json", cwd=repo, **env).json["problems"]
    assert problem["message"].endswith("does not resolve: hvac is not installed")
    assert problem["hint"] == 'install the extra: pip install "webhook-reconciler[vault]"'
    assert run("validate", ".", cwd=repo, **env).code == 0
