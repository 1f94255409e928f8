"""Proxies and certificate authorities as a user meets them: real commands, a tenant behind TLS, a
real proxy.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.core.results.cause import Cause
from tests.support.connect_proxy import ConnectProxy
from tests.support.processes import Tenant, run, start, webhook
from tests.support.servers import free_port
from tests.support.tls import Authority, TlsReceiver
from tests.support.tls_tenant import Served, serving

LOOPBACK = ("--allow-network", "127.0.0.0/8", "--allow-network", "::1/128")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("tls")) as tenant:
        yield tenant


def test_a_tenant_of_a_private_authority_is_trusted_with_ca_file_alone(served: Served) -> None:
    served.write("127.0.0.1")
    refused = served.run("plan", ".")
    assert refused.code == 1
    assert "its TLS certificate is not trusted" in refused.err
    assert "--ca-file FILE" in refused.err
    for planned in (
        served.run("plan", ".", "--ca-file", served.ca),
        served.run("plan", ".", RECONCILER_CA_FILE=served.ca),
    ):
        assert planned.code == 0, planned.err
        assert "Plan: 1 to create" in planned.out


@pytest.mark.parametrize(
    "command", ["plan", "reconcile", "drift", "test", "validate", "export", "doctor", "adopt"]
)
@pytest.mark.parametrize(
    ("name", "words"),
    [("none.pem", "cannot be read"), ("empty.pem", "holds no certificate"), (".", "")],
)
def test_a_bad_ca_file_is_a_usage_error_that_names_it(
    tmp_path: Path, command: str, name: str, words: str
) -> None:
    (tmp_path / "empty.pem").touch()
    ended = run(command, ".", "--ca-file", name, cwd=tmp_path)
    assert ended.code == 64
    assert f"{name}: {words}" in ended.err
    assert "certificates in PEM" in ended.err
    assert "Traceback" not in ended.err


def test_the_tenants_server_says_so_too(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    ended = run("tenant", "serve", "--port", "0", cwd=tmp_path, RECONCILER_CA_FILE="empty.pem")
    assert ended.code == 64
    assert "'RECONCILER_CA_FILE' (environment)" in ended.err
    assert "empty.pem: holds no certificate" in ended.err


def test_requests_to_an_https_tenant_go_through_the_proxy_and_the_token_not_in_clear(
    served: Served,
) -> None:
    with ConnectProxy({"tenant.test": ("127.0.0.1", served.port)}) as proxy:
        served.write("tenant.test")
        for variable in ("HTTPS_PROXY", "https_proxy"):
            planned = served.run("plan", ".", "--ca-file", served.ca, **{variable: proxy.url})
            assert planned.code == 0, planned.err
        assert set(proxy.targets) == {f"tenant.test:{served.port}"}
        assert served.token.encode() not in proxy.passed
        assert not proxy.plain


def test_no_proxy_is_reached_directly(served: Served) -> None:
    with ConnectProxy(refuses=503) as proxy:
        served.write("127.0.0.1")
        refused = served.run(
            "plan", ".", "--ca-file", served.ca, HTTPS_PROXY=proxy.url, RECONCILER_DEADLINE="3"
        )
        assert refused.code == 1
        assert (
            f"the proxy 127.0.0.1:{proxy.server_port} did not open a connection to it (503)"
            in refused.err
        )
        assert (
            served.run(
                "plan", ".", "--ca-file", served.ca, HTTPS_PROXY=proxy.url, NO_PROXY="127.0.0.0/8"
            ).code
            == 0
        )


def test_a_credential_of_a_proxy_is_used_and_never_printed(served: Served) -> None:
    with ConnectProxy(
        {"tenant.test": ("127.0.0.1", served.port)}, credential="bo:hunter2"
    ) as proxy:
        served.write("tenant.test")
        right, wrong = proxy.with_credential("bo:hunter2"), proxy.with_credential("bo:hunter3")
        assert served.run("plan", ".", "--ca-file", served.ca, "-vvv", HTTPS_PROXY=right).code == 0
        refused = served.run("plan", ".", "--ca-file", served.ca, "-vvv", HTTPS_PROXY=wrong)
    assert refused.code == 1
    assert "wants a user name and password (407)" in refused.err
    assert "hunter" not in refused.err + refused.out


def test_a_proxy_that_is_not_there_is_reported_as_the_proxy(served: Served) -> None:
    served.write("tenant.test")
    port = free_port()
    options = ("--ca-file", served.ca, "--deadline", "1")
    refused = served.run("plan", ".", *options, HTTPS_PROXY=f"http://bo:hunter2@127.0.0.1:{port}")
    assert f"the proxy 127.0.0.1:{port}: it refused the connection" in refused.err
    assert "hunter2" not in refused.err


@pytest.mark.parametrize("command", ["plan", "test", "doctor"])
def test_an_address_that_is_no_proxys_is_an_error_that_does_not_quote_it(
    served: Served, command: str
) -> None:
    served.write("tenant.test")
    ended = served.run(command, ".", HTTPS_PROXY="socks5://bo:hunter2@proxy:1080")
    assert "HTTPS_PROXY names a kind of proxy that is not supported" in ended.err + ended.out
    assert "hunter2" not in ended.err + ended.out
    assert "Traceback" not in ended.err


def test_a_tenant_by_plain_http_gets_no_proxy(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant, ConnectProxy() as proxy:
        (tmp_path / "hook.yaml").write_text(webhook("hook"))
        at = ("--tenant-url", tenant.url, "--owner", "us")
        variables = dict.fromkeys(
            ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), proxy.url
        )
        planned = run(
            "plan",
            "hook.yaml",
            *at,
            cwd=tmp_path,
            RECONCILER_TENANT_TOKEN=tenant.token,
            **variables,
        )
        assert planned.code == 0, planned.err
        assert (proxy.targets, proxy.plain) == ([], [])


def test_a_probe_uses_no_proxy_and_trusts_the_ca_file(tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem())
    with TlsReceiver(authority) as receiver, ConnectProxy() as proxy:
        (tmp_path / "hook.yaml").write_text(webhook("hook", url=receiver.url("/ok")))
        command = (
            "test",
            "hook.yaml",
            "--via",
            "probe",
            *LOOPBACK,
        )
        untrusted = run(*command, cwd=tmp_path, HTTPS_PROXY=proxy.url)
        assert untrusted.code == 8
        assert (
            "hint: if a private authority issued the certificate, name its file: --ca-file FILE"
            in untrusted.out
        )
        trusted = run(*command, "--ca-file", "ca.pem", cwd=tmp_path, HTTPS_PROXY=proxy.url)
        assert trusted.code == 0, trusted.out
        assert proxy.targets == []


def test_an_endpoint_that_wants_a_client_certificate_has_verdict_tls_and_says_so(
    tmp_path: Path,
) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem())
    with TlsReceiver(authority, client_certificate=ssl.TLSVersion.TLSv1_3) as receiver:
        (tmp_path / "hook.yaml").write_text(webhook("hook", url=receiver.url("/ok")))
        options = (
            "--via",
            "probe",
            *LOOPBACK,
            "--ca-file",
            "ca.pem",
        )
        ended = run("test", "hook.yaml", *options, "-o", "json", cwd=tmp_path)
    [delivery] = ended.json["deliveries"]
    assert (delivery["verdict"], delivery["detail"]) == ("tls", Cause.TLS_CLIENT_CERTIFICATE.text)


def test_deliveries_of_a_served_tenant_use_its_ca_file_and_its_proxy(tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "hooks.pem").write_bytes(authority.pem())
    with TlsReceiver(authority) as receiver, ConnectProxy(credential="bo:hunter2") as proxy:
        given = ("--delivery-proxy", proxy.with_credential("bo:hunter2"), "--ca-file", "hooks.pem")
        with serving(tmp_path, *LOOPBACK, *given) as served:
            served.write("127.0.0.1", receiver.url("/ok", "127.0.0.1"))
            tested = served.run("test", ".", "--ca-file", served.ca)
            assert tested.code == 0, tested.out + tested.err
    assert proxy.targets == [f"127.0.0.1:{receiver.port}"]


def test_a_served_tenant_reads_no_proxy_from_the_environment(tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "hooks.pem").write_bytes(authority.pem())
    with TlsReceiver(authority) as receiver, ConnectProxy() as proxy:
        options = (
            "tenant",
            "serve",
            "--db",
            "tenant.db",
            "--port",
            "0",
            "--allow-network",
            "127.0.0.0/8",
            "--ca-file",
            "hooks.pem",
        )
        tenant = Tenant(tmp_path)
        process = start(*options, cwd=tmp_path, HTTPS_PROXY=proxy.url)
        try:
            assert process.stdout is not None
            tenant.url = process.stdout.readline().strip()
            hook = {"name": "a", "url": receiver.url("/ok", "127.0.0.1"), "events": []}
            event = {
                "type": "elastio:recovery-point:create:started",
                "version": "v0",
                "severity": "info",
            }
            status, body = tenant.call("POST", "/webhooks/test", {"webhook": hook, "event": event})
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert (status, body["verdict"]) == (200, "delivered"), body
    assert proxy.targets == []


def test_blocked_through_the_tenant_names_the_servers_option(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.write("127.0.0.1", "https://127.0.0.1:8443/x")
        tested = served.run("test", ".", "--ca-file", served.ca)
    assert tested.code == 8
    assert "allow it with tenant serve --allow-network CIDR" in tested.out


@pytest.mark.parametrize(
    "value", ["socks5://bo:hunter2@p:1", "http://bo:hunter2@", "http://p/hunter2"]
)
def test_a_bad_delivery_proxy_is_a_usage_error_that_does_not_quote_it(
    tmp_path: Path, value: str
) -> None:
    ended = run("tenant", "serve", "--port", "0", "--delivery-proxy", value, cwd=tmp_path)
    assert ended.code == 64
    assert "--delivery-proxy" in ended.err
    assert "hunter2" not in ended.err + ended.out
