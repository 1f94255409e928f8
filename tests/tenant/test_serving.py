"""`tenant serve` as a process: where it may be reached, TLS, its limits, its log, and a backup
while it is served.
"""

from __future__ import annotations

import html
import json
import re
import resource
import shlex
import signal
import socket
import ssl
import stat
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from reconciler.tenant.server.protocol import (
    CONNECTIONS,
    HEAD_BYTES,
    HEAD_SECONDS,
    IDLE_SECONDS,
    PER_ADDRESS,
    Room,
)
from tests.support.processes import Tenant, run, start

EVENT = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}


def _raw(tenant: Tenant, text: str, wait: float = 5.0) -> tuple[str, dict[str, Any]]:
    """What is answered to bytes: the status line, and the document, empty for a page."""
    with socket.create_connection(("127.0.0.1", tenant.port), timeout=wait) as client:
        client.sendall(text.replace("\n", "\r\n").encode())
        head, _, body = b"".join(iter(lambda: client.recv(65536), b"")).partition(b"\r\n\r\n")
    return head.decode().splitlines()[0], json.loads(body) if body.startswith(b"{") else {}


def _status(tenant: Tenant, host: str, path: str = "/public-api/v1/healthz") -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{tenant.port}{path}", headers={"Host": host}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


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
            assert _status(tenant, host) == 200, host
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
                assert _status(tenant, host, path) == 421, (host, path)
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
            assert _status(tenant, host) == 421, host
        assert [_status(tenant, host) for host in ("localhost:", "[::1]", "[::1]:")] == [
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
            assert _raw(tenant, head)[0] == f"HTTP/1.1 {answer}", target


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
        assert (_status(tenant, "tenant.example.com"), _status(tenant, "192.0.2.7")) == (200, 421)


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
        name, *flags = (part.strip() for part in kept.split(";"))
        assert name.startswith("__Host-reconciler_session=")
        assert {flag.lower() for flag in flags} == {
            "httponly",
            "max-age=43200",
            "path=/",
            "samesite=lax",
            "secure",
        }
    finally:
        process.terminate()
        process.communicate(timeout=20)


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        return None


@pytest.mark.long
def test_a_request_whose_head_drips_is_ended(tmp_path: Path) -> None:
    with (
        Tenant(tmp_path) as tenant,
        socket.create_connection(("127.0.0.1", tenant.port), timeout=30) as client,
    ):
        started = time.monotonic()
        client.setblocking(False)
        answer = b""
        for byte in b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 200:
            try:
                answer = client.recv(65536)
            except BlockingIOError:
                client.send(bytes([byte]))
                time.sleep(0.1)
                continue
            break
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"type": "timeout"' in answer
        assert HEAD_SECONDS - 1 < time.monotonic() - started < HEAD_SECONDS + 5


def test_a_head_that_is_too_long_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    with Tenant(tmp_path) as tenant:
        line, document = _raw(tenant, f"GET /healthz HTTP/1.1\nHost: localhost\nX: {'a' * 70_000}")
        assert (line, document["type"]) == ("HTTP/1.1 400 Bad Request", "bad-request")
        for length in (HEAD_BYTES, 120_000):  # complete heads too, also one that comes in one piece
            line, document = _raw(
                tenant, f"GET /healthz HTTP/1.1\nHost: localhost\nX: {'a' * length}\n\n"
            )
            assert (line, document["type"]) == ("HTTP/1.1 400 Bad Request", "bad-request")
            assert "over 32 KiB" in document["detail"]
        start, end = (
            "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ",
            "\r\n\r\n",
        )
        for spare, status in ((0, "200 OK"), (-1, "400 Bad Request")):
            fill = "a" * (HEAD_BYTES - len(start) - len(end) - spare)
            assert (
                _raw(tenant, (start + fill + end).replace("\r\n", "\n"))[0] == f"HTTP/1.1 {status}"
            )
        line, document = _raw(tenant, "nonsense sesame\n\n")
        assert (line, document["type"]) == ("HTTP/1.1 400 Bad Request", "bad-request")
        assert tenant.call("GET", "/healthz") == (200, {"status": "ok"})


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _connect(tenant: Tenant, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", tenant.port), timeout=10, source_address=(address, 0)
    )


def _healthz(tenant: Tenant, address: str = "127.0.0.1") -> tuple[str, str]:
    """Status line and whole answer of one request from an address; empty where the connection ends
    without one.
    """
    try:
        with _connect(tenant, address) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    except ConnectionError:
        answer = ""
    return answer.partition("\r\n")[0], answer


@pytest.mark.usefixtures("many_files")
def test_too_many_connections_are_told_to_come_again(tmp_path: Path) -> None:
    with Tenant(tmp_path) as tenant:
        with ExitStack() as stack:
            for number in range(CONNECTIONS):
                stack.enter_context(_connect(tenant, f"127.0.0.{2 + number // PER_ADDRESS}"))
            line, answer = _healthz(tenant)
            assert line == "HTTP/1.1 503 Service Unavailable"
            assert "retry-after: 2\r\n" in answer.lower()
            assert '"type": "overloaded"' in answer
        assert tenant.call("GET", "/healthz")[0] == 200


@pytest.mark.usefixtures("many_files")
def test_a_thousand_idle_connections_of_one_address_lock_nobody_else_out(tmp_path: Path) -> None:
    with Tenant(tmp_path) as tenant, ExitStack() as stack:
        idle = [stack.enter_context(_connect(tenant)) for _ in range(CONNECTIONS)]
        assert _healthz(tenant, "127.0.0.2")[0] == "HTTP/1.1 200 OK"
        assert _healthz(tenant)[0] == ""  # far over its limit: not even listened to
        for client in idle[: -PER_ADDRESS + 1]:
            client.close()
        assert _healthz(tenant, "127.0.0.2")[0] == "HTTP/1.1 200 OK"
        assert _healthz(tenant)[0] == "HTTP/1.1 200 OK"


def test_the_limit_for_an_address_is_an_option_and_counts_what_ended_no_more(
    tmp_path: Path,
) -> None:
    with Tenant(tmp_path, "--connections-per-address", "2") as tenant:
        for _ in range(5):
            assert _healthz(tenant)[0] == "HTTP/1.1 200 OK"
        with _connect(tenant), _connect(tenant):
            line, answer = _healthz(tenant)
            assert (line, '"type": "overloaded"' in answer) == (
                "HTTP/1.1 503 Service Unavailable",
                True,
            )
        assert _healthz(tenant)[0] == "HTTP/1.1 200 OK"


def test_an_address_is_a_network_of_ipv6_and_an_ipv4_address_behind_a_mapped_one() -> None:
    room = Room()
    assert [
        room.enter(address) for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    ] == [1, 2, 1]
    assert [
        room.enter(address) for address in ("::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1")
    ] == [1, 1, 2]
    room.leave("2001:db8::3")
    assert room.enter("2001:db8::4") == 2


@pytest.mark.long
def test_a_connection_that_is_idle_or_whose_answer_nobody_reads_ends_after_half_a_minute(
    tmp_path: Path,
) -> None:
    with Tenant(tmp_path) as tenant, _connect(tenant) as idle, socket.socket() as deaf:
        webhook = {"url": "https://x.example", "description": "x" * 1024, "events": [EVENT]}
        for number in range(200):
            tenant.call("POST", "/webhooks", {"name": f"webhook {number}", **webhook})
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"".join(iter(lambda: idle.recv(1), b"}")).startswith(b"HTTP/1.1 200 OK")
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", tenant.port))
        listing = (
            "GET /public-api/v1/webhooks HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
            f"Bearer {tenant.token}\r\n\r\n"
        )
        deaf.sendall(listing.encode() * 40)
        started = time.monotonic()
        idle.settimeout(IDLE_SECONDS + 10)
        assert b"".join(iter(lambda: idle.recv(65536), b"")) == b""
        assert IDLE_SECONDS - 1 < time.monotonic() - started < IDLE_SECONDS + 5
        time.sleep(5)
        deaf.settimeout(10)
        left = b"".join(
            iter(lambda: deaf.recv(65536), b"")
        )  # what the system's buffers hold, and then the end
        assert 0 < left.count(b"HTTP/1.1 200 OK") < 40


def _log(folder: Path, *options: str, **env: str) -> tuple[str, str]:
    """What is on standard output and error of a tenant that was asked a few things and then
    ended.
    """
    with Tenant(folder, *options, env=env) as tenant:
        tenant.call("GET", "/webhooks?name=sesame-query")
        _status(tenant, "localhost", "/sesame-path?token=sesame-query")
        _raw(tenant, "sesame nonsense\n\n")
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


def test_a_log_that_nobody_reads_stops_no_request(tmp_path: Path) -> None:
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


def test_a_backup_made_while_it_is_served_opens_and_serves(tmp_path: Path) -> None:
    with Tenant(tmp_path) as tenant:
        auth = {"type": "bearer", "token": "sesame-open-4711"}
        tenant.call(
            "POST",
            "/webhooks",
            {"name": "kept", "url": "http://127.0.0.1:1/", "events": [EVENT], "auth": auth},
        )
        done = threading.Event()

        def write() -> None:
            number = 0
            while not done.is_set():
                number += 1
                tenant.call(
                    "POST", "/webhooks", {"name": f"more-{number}", "url": "https://x.example"}
                )

        writing = threading.Thread(target=write)
        writing.start()
        try:
            ended = run("tenant", "backup", "copy.db", "--db", "tenant.db", cwd=tmp_path)
        finally:
            done.set()
            writing.join()
        assert (ended.code, ended.out) == (0, "")
        assert "tenant.db.key" in ended.err
        assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]
        again = run("tenant", "backup", "copy.db", "--db", "tenant.db", cwd=tmp_path)
        assert (again.code, "never overwrites" in again.err) == (64, True)
    missing = run("tenant", "tokens", "--db", "copy.db", cwd=tmp_path)
    assert (missing.code, "their key is missing" in missing.err) == (1, True)
    restored = tmp_path / "restored"
    restored.mkdir()
    (tmp_path / "copy.db").rename(restored / "tenant.db")
    (tmp_path / "tenant.db.key").rename(restored / "tenant.db.key")
    with Tenant(restored, token=tenant.token) as served:
        kept = served.by_name()["kept"]
        assert served.call("POST", f"/webhooks/{kept['id']}/test", {})[1]["verdict"] == "blocked"


@pytest.mark.parametrize(
    ("source", "out", "code", "message"),
    [
        ("nothing.db", "copy.db", 1, "does not exist"),
        ("other.db", "copy.db", 1, "is not a database"),
        ("tenant.db", "no/folder/copy.db", 64, "No such file or directory"),
    ],
)
def test_a_backup_that_cannot_be_made_leaves_nothing(
    tmp_path: Path, source: str, out: str, code: int, message: str
) -> None:
    (tmp_path / "other.db").write_text("nonsense " * 1000)
    assert (
        run(
            "tenant", "token", "x", "--scope", "Webhooks: Read", "--db", "tenant.db", cwd=tmp_path
        ).code
        == 0
    )
    ended = run("tenant", "backup", out, "--db", source, cwd=tmp_path)
    assert ended.code == code
    assert message in ended.err
    assert not (tmp_path / out).exists()
