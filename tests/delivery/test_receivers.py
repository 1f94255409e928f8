"""The receivers themselves: what the tests of the whole project, and the demo, rely on."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing

import pytest

from reconciler.cli.actions.tenant.demo_receiver import DemoReceiver
from reconciler.core.model.auth import Auth, BearerAuth, NoAuth
from reconciler.core.model.secret import Secret
from reconciler.core.results.reports import Verdict
from tests.delivery.conftest import Deliver
from tests.support.receiver import Receiver
from tests.support.tls import Authority, TlsReceiver

ANSWERS: list[tuple[Auth, bytes | None, int]] = [
    (BearerAuth(Secret("right")), None, 200),
    (BearerAuth(Secret("wrong")), None, 401),
    (NoAuth(), None, 401),
    (BearerAuth(Secret("right")), b"not json", 400),
    (BearerAuth(Secret("right")), b'{"version":"v1","events":[]}', 400),
    (BearerAuth(Secret("right")), b"[" * 100_000, 400),
]


@pytest.mark.parametrize(("auth", "body", "status"), ANSWERS)
def test_the_demos_receiver_answers_as_a_receiver_does(
    deliver: Deliver, auth: Auth, body: bytes | None, status: int
) -> None:
    with DemoReceiver("right") as receiver:
        options = {} if body is None else {"body": body}
        assert deliver(receiver.url, auth=auth, **options).status_code == status
        assert receiver.count == 1


def test_the_demos_receiver_refuses_another_content_type() -> None:
    with (
        DemoReceiver("right") as receiver,
        closing(socket.create_connection(("127.0.0.1", _port(receiver)))) as client,
    ):
        client.sendall(
            b"POST / HTTP/1.1\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}"
        )
        assert b" 400 " in client.recv(100)


def _port(receiver: DemoReceiver) -> int:
    return int(receiver.url.split(":")[2].partition("/")[0])


def test_the_demos_receiver_is_gone_afterwards(deliver: Deliver) -> None:
    with DemoReceiver("right") as receiver:
        url = receiver.url
    assert deliver(url).verdict is Verdict.REFUSED


def test_a_script_is_answered_in_turn_and_its_end_stays(
    receiver: Receiver, deliver: Deliver
) -> None:
    receiver.script("/ok", 503, 429, 200)
    assert [done.status_code for done in deliver(*[receiver.url("/ok")] * 4)] == [
        503,
        429,
        200,
        200,
    ]


def test_a_receiver_ends_at_once_whatever_its_connections_do() -> None:
    before = set(threading.enumerate())
    with Receiver() as receiver, TlsReceiver(Authority()) as secure:
        idle = [socket.create_connection(("127.0.0.1", one.port)) for one in (receiver, secure)]
        hanging = socket.create_connection(("127.0.0.1", receiver.port))
        hanging.sendall(b"POST /hang HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert receiver.wait(1)
        started = time.perf_counter()
    for client in (*idle, hanging):
        client.close()
    assert time.perf_counter() - started < 2
    assert set(threading.enumerate()) <= before
