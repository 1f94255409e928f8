"""Endpoints that answer with far too much, or far too slowly, at full size."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.delivery.conftest import Deliver


@contextmanager
def endpoint(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """One connection is answered by `answer`, until the event is set."""
    over = threading.Event()

    def run() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                answer(connection, over)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        over.set()
        thread.join()


def test_a_gzip_bomb_is_neither_unpacked_nor_read_to_its_end(deliver: Deliver) -> None:
    packed = gzip.compress(bytes(64 * 1024 * 1024), 9)

    def bomb(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        while not over.is_set():
            connection.sendall(b"%x\r\n%s\r\n" % (len(packed), packed))

    with endpoint(bomb) as url:
        tracemalloc.start()
        try:
            done = deliver(url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert done.verdict.value == "delivered"
    assert peak < 5 * 1024 * 1024


@pytest.mark.long
def test_an_endpoint_that_drips_a_byte_a_second_is_given_up_after_ten_seconds(
    deliver: Deliver,
) -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
            if over.wait(1):
                return
            connection.sendall(bytes([byte]))

    with endpoint(drip) as url:
        began = time.monotonic()
        done = deliver(url)
        assert 9.5 <= time.monotonic() - began <= 10.5
    assert (done.verdict.value, done.status_code) == ("timeout", None)
