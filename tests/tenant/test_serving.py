"""`tenant serve` as a process: where it may be reached, TLS, its log, and its sign-in page."""

from __future__ import annotations

import html
import json
import re
import shlex
import signal
import ssl
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.support.processes import Tenant, run, start
from tests.support.raw_http import SECURE_COOKIE, read_status, send_text, split_cookie


def test_only_loopback_names_and_those_that_are_named_are_answered(tmp_path: Path) -> None:
    with Tenant(tmp_path, "--allow-host", "Tenant.Example.com") as tenant:
        for host in (
            "localhost",
            f"localhost:{tenant.port}",
            "127.0.0.1",
            "[::1]:80",
            "tenant.example.com",
            "TENANT.example.com:443",
        ):
            assert read_status(tenant, host) == 200, host
        for host in (
            "evil.example",
            "127.0.0.2",
            "tenant.example.com.evil.example",
            "localhost.evil.example",
            "[::2]",
            "",
        ):
            for path in (
                "/healthz",
                "/public-api/v1/webhooks",
                "/sign-in?link=x",
                "/static/page.css",
                "/nothing",
            ):
                assert read_status(tenant, host, path) == 421, (host, path)
        for host in (
            *(
                "[localhost]",
                "[localhost",
                "localhost]",
                "[127.0.0.1]",
                "::1",
                "[::1]]",
                "[[::1]]",
                "[::1]evil",
                "evil[localhost]",
            ),
            *("localhost:80:90", "localhost:evil", "localhost:80@evil.example", "localhost:80]"),
        ):
            assert read_status(tenant, host) == 421, host
        assert [read_status(tenant, host) for host in ("localhost:", "[::1]", "[::1]:")] == [
            200,
            200,
            200,
        ]
        for (
            target,
            answer,
            # a whole url is a path too, and its host counts, not what Host says: RFC 9112, 3.2.2
        ) in (
            ("http://tenant.example.com/public-api/v1/healthz", "200 OK"),
            ("HTTPS://localhost:1/public-api/v1/events?x", "401 Unauthorized"),
            ("http://localhost", "303 See Other"),
            ("http://localhost?x", "303 See Other"),
            ("http://evil.example/public-api/v1/healthz", "421 Misdirected Request"),
            ("http:///public-api/v1/healthz", "421 Misdirected Request"),
        ):
            head = f"GET {target} HTTP/1.1\nHost: localhost\nConnection: close\n\n"
            assert send_text(tenant, head)[0] == f"HTTP/1.1 {answer}", target


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--host", "0.0.0.0"), "--allow-plain-http"),  # noqa: S104  refused
        (("--host", "::"), "--allow-plain-http"),
        (("--tls-cert", "cert.pem"), "go together"),
        (("--tls-key", "key.pem"), "go together"),
        (("--tls-cert", "cert.pem", "--tls-key", "cert.pem"), "are no certificate and its key"),
        (("--tls-cert", "nothing.pem", "--tls-key", "nothing.pem"), "cannot be read"),
        (("--requests-per-minute", "0"), "--requests-per-minute"),
    ],
)
def test_what_would_show_tokens_to_the_network_or_cannot_be_served_is_refused(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    ended = run("tenant", "serve", "--db", "tenant.db", "--port", "0", *options, cwd=tmp_path)
    assert (ended.code, ended.out) == (64, "")
    assert message in ended.err


def test_plain_http_on_every_address_is_served_when_it_is_asked_for(tmp_path: Path) -> None:
    with Tenant(
        tmp_path,
        "--host",
        "0.0.0.0",  # noqa: S104  meant
        "--allow-plain-http",
        "--allow-host",
        "tenant.example.com",
    ) as tenant:
        assert tenant.url.startswith("http://tenant.example.com:")
        assert (read_status(tenant, "tenant.example.com"), read_status(tenant, "192.0.2.7")) == (
            200,
            421,
        )


def test_tls_is_served_with_a_cookie_that_is_secure_and_pinned_to_the_host(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    (tmp_path / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    options = [
        "--host",
        "localhost",
        "--port",
        "0",
        "--tls-cert",
        "cert.pem",
        "--tls-key",
        "key.pem",
    ]
    process = start("tenant", "serve", "--db", "tenant.db", *options, cwd=tmp_path)
    try:
        assert process.stdout is not None
        api, link = (
            process.stdout.readline().strip(),
            process.stdout.readline().removeprefix("page: ").strip(),
        )
        assert api.startswith("https://localhost:")
        trusted = urllib.request.HTTPSHandler(
            context=ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        )
        opener = urllib.request.build_opener(trusted, _Stays)
        with opener.open(f"{api}/healthz", timeout=10) as answer:
            assert answer.status == 200
        origin = api.removesuffix("/public-api/v1")
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        with pytest.raises(urllib.error.HTTPError) as moved:
            opener.open(urllib.request.Request(link, b"", form), timeout=10)
        with moved.value:
            kept = moved.value.headers["Set-Cookie"]
        assert moved.value.code == 303
        name, flags = split_cookie(kept)
        assert name.startswith("__Host-reconciler_session=")
        assert flags == SECURE_COOKIE
    finally:
        process.terminate()
        process.communicate(timeout=20)


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        return None


def _log(folder: Path, *options: str, **env: str) -> tuple[str, str]:
    """What is on standard output and error of a tenant that was asked a few things and then
    ended.
    """
    with Tenant(folder, *options, env=env) as tenant:
        tenant.call("GET", "/webhooks?name=sesame-query")
        read_status(tenant, "localhost", "/sesame-path?token=sesame-query")
        send_text(tenant, "sesame nonsense\n\n")
        tenant.call(
            "POST", "/webhooks/test", {"webhook": {"url": "http://127.0.0.1:1/sesame-path"}}
        )
        tenant.process.send_signal(signal.SIGTERM)
        out, err = tenant.process.communicate(timeout=20)
        assert tenant.process.returncode == 0
        assert tenant.token not in err
    assert "sesame" not in err
    assert "link=" not in err
    return out, err


def test_the_log_is_lines_of_text_or_of_json_and_is_quiet_when_asked(tmp_path: Path) -> None:
    _, text = _log(tmp_path / "text")
    assert " INFO GET /public-api/v1/webhooks 200 in " in text
    assert re.search(
        r' INFO test "[0-9a-f-]{36}" attempt 1 to "" http://127\.0\.0\.1:1/… blocked no answer in ',
        text,
    )
    _, lines = _log(tmp_path / "json", "--log-format", "json", TZ="Asia/Kathmandu")
    found = [json.loads(line) for line in lines.splitlines()]
    assert {"method": "GET", "route": "/public-api/v1/webhooks", "status": 200}.items() <= found[
        0
    ].items()
    assert [line["verdict"] for line in found if "verdict" in line] == ["blocked"]
    assert {line["level"] for line in found} == {"info"}
    moments = [datetime.fromisoformat(line["time"]) for line in found]
    assert {moment.utcoffset() for moment in moments} == {timedelta(0)}
    assert all(
        timedelta(0) <= datetime.now(UTC) - moment < timedelta(minutes=5) for moment in moments
    )
    assert _log(tmp_path / "quiet", "-q")[1] == ""


def test_a_log_without_a_reader_stops_no_request(tmp_path: Path) -> None:
    with Tenant(tmp_path) as tenant:
        for _ in range(
            1500
        ):  # far more lines than a pipe holds, and its reader is this test, which does not read
            assert tenant.call("GET", "/healthz")[0] == 200


@pytest.mark.parametrize("db", ["tenant.db", "a folder/it's.db"])
def test_the_sign_in_page_prints_the_command_with_its_database(tmp_path: Path, db: str) -> None:
    process = start("tenant", "serve", "--db", db, "--port", "0", cwd=tmp_path)
    try:
        assert process.stdout is not None
        origin = process.stdout.readline().strip().removesuffix("/public-api/v1")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{origin}/settings/webhooks", timeout=10)
        with refused.value as answer:
            text = answer.read().decode()
    finally:
        process.terminate()
        process.communicate(timeout=20)
    code = re.search("<code>(reconciler tenant login.*?)</code>", text)
    assert code is not None
    assert shlex.split(html.unescape(code[1])) == ["reconciler", "tenant", "login", "--db", db]
    assert run(*shlex.split(html.unescape(code[1]))[1:], cwd=tmp_path).out.startswith(
        f"{origin}/sign-in?link="
    )
