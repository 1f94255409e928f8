"""What `tenant serve` bounds: the head of a request, connections in all and per address, idle time."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.net.listening import PER_ADDRESS
from reconciler.tenant.server.protocol import (
    CONNECTIONS,
    HEAD_BYTES,
    HEAD_SECONDS,
    IDLE_SECONDS,
    Room,
)
from tests.support.processes import Tenant
from tests.support.raw_http import send_text
from tests.tenant.harness import EVENT


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
        line, document = send_text(
            tenant, f"GET /healthz HTTP/1.1\nHost: localhost\nX: {'a' * 70_000}"
        )
        assert (line, document["type"]) == ("HTTP/1.1 400 Bad Request", "bad-request")
        for length in (HEAD_BYTES, 120_000):  # complete heads too, also one that comes in one piece
            line, document = send_text(
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
                send_text(tenant, (start + fill + end).replace("\r\n", "\n"))[0]
                == f"HTTP/1.1 {status}"
            )
        line, document = send_text(tenant, "nonsense sesame\n\n")
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
def test_too_many_connections_get_503_with_retry_after(tmp_path: Path) -> None:
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
def test_a_thousand_idle_connections_of_one_address_do_not_block_other_addresses(
    tmp_path: Path,
) -> None:
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
def test_an_idle_connection_and_one_that_reads_no_answer_end_after_half_a_minute(
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
