"""`tenant serve`: the application behind uvicorn until SIGTERM or SIGINT. Called by `cli`; prints nothing itself.

The only process that sends queued events, under an exclusive lock on the file beside the database.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.core.errors import BadRequest, StoreError
from reconciler.tenant import problems
from reconciler.tenant.page import sessions
from reconciler.tenant.problems import Problem
from reconciler.tenant.store import Store

HEAD_BYTES: Final = 32 * 1024  # of a request's line and headers
CONNECTIONS: Final = 1000  # at once; 503 beyond
GRACE: Final = 10  # seconds for requests under way at the end


class _Protocol(H11Protocol):
    """What is not HTTP gets a problem document too, where uvicorn has a line of text."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's signature
        """Answers and closes the connection; `msg` may quote what was sent and is not told."""
        answer = problems.response(Problem("bad-request", "it is not HTTP/1.1"))
        head = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in answer.raw_headers), b"connection: close"]
        self.transport.write(b"\r\n".join(head) + b"\r\n\r\n" + answer.body)
        self.transport.close()


class _Server(uvicorn.Server):
    """Says when it listens, and returns after a signal instead of raising it again."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, then `ready`."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the server gracefully; the handlers before are put back."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _alone(path: str) -> Iterator[None]:
    """The exclusive lock of the one engine of this file; raises StoreError when another process has it."""
    try:
        handle = os.open(path + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{path}.lock: cannot be opened: {os.strerror(error.errno or 0)}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"{path}: is already served by another process") from None
        yield
    finally:
        os.close(handle)


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.create_server((str(address[0]), port), family=family, backlog=2048)
        # Inherited by every connection. asyncio sets it on sockets that it made itself only; without it an answer, which is
        # written as head and body, waits 40 ms for the client's delayed acknowledgement of the head.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made  # noqa: TRY300  an `else` would hide what belongs together
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not an address"
        raise BadRequest(f"cannot listen on {host} port {port}: {why}") from None


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=GRACE,
    )


def serve(store: Store, app: Starlette, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is under way; `ready` gets the origin, such as http://127.0.0.1:8080.

    Port 0 takes a free one. Raises StoreError when another process serves this file, BadRequest for an unusable address.
    """
    with _alone(store.path), _listening(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        origin = f"http://{shown}:{listening.getsockname()[1]}"
        store.write_now(lambda connection: sessions.served_at(connection, origin))
        _Server(_config(app), lambda: ready(origin)).run(sockets=[listening])
