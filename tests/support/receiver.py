"""A real receiver for tests: an HTTP server on 127.0.0.1 that behaves, path by path, as endpoints
do, well or badly.

    with Receiver() as receiver:
        ...deliver to receiver.url("/basic")...
        assert receiver.requests[0].body == body

Paths: `/ok`, `/status/NNN`, `/basic`, `/bearer`, `/apikey` (401 unless the credential is the
expected one), `/signed` (401 unless Standard Webhooks' own package verifies the signature and the
message is new), `/signed-v1a` (the same with ed25519), `/signed-lax` (takes a message twice), `/sample` (as Elastio's sample receiver, bearer), `/redirect` (302 to `/landed`, or
as `?status=307&to=URL` says), `/cookie`, `/big` (1 MiB of body), `/hang`, `/drop`, `/reset`,
`/garbage`, `/switch` (101), `/drip` (a byte of head now and then), `/drip-body`, `/cut` (a head,
half of the body). Else: 404. `receiver.script("/path", 503, 200)` answers these in turn, the last
one from then on. `TlsReceiver` is the same behind TLS.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook, WebhookVerificationError

USERNAME, PASSWORD, TOKEN, HEADER, KEY = (
    "user",
    "pass-word-1",
    "token-value-2",
    "X-API-TOKEN",
    "key-value-3",
)
SIGNING_KEY = "whsec_" + b64encode(b"signing-key-of-thirty-two-bytes.").decode()
OLD_SIGNING_KEY = "whsec_" + b64encode(b"the-key-before-of-thirty-two-b..").decode()
SEED = b"seed-of-an-ed25519-private-key.."
PRIVATE_KEY = "whsk_" + b64encode(SEED).decode()
BIG = 1024 * 1024
DRIP_SECONDS = 0.05


@dataclass(frozen=True)
class Request:
    """One request as it arrived, header names as they were spelled; `connection` counts connections
    from 1.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        self.server.record(
            Request(
                self.command,
                self.path,
                tuple(self.headers.items()),
                body,
                self.server.number_of(self),
            )
        )
        scripted = self.server.next_of(path)
        if scripted is not None:
            self.answer(scripted)
        elif path.startswith("/status/"):
            self.answer(int(path.rpartition("/")[2]))
        else:
            behaviour = BEHAVIOURS.get(path)
            self.answer(404) if behaviour is None else behaviour(self, body)

    do_GET = do_PUT = do_POST  # noqa: N815  http.server's names

    def answer(self, status: int, body: bytes = b"{}", *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status >= 200 and status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status >= 200 and status != 204:
            self.wfile.write(body)

    def send_raw(self, raw: bytes) -> None:
        self.wfile.write(raw)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end, so that no test leaves a thread or a socket behind
    block_on_close = True
    request_queue_size = 256

    def __init__(self, wrap: Callable[[socket.socket], socket.socket]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wrap, self.closing = wrap, threading.Event()
        self.changed = threading.Condition()
        self.requests: list[Request] = []
        self.scripts: dict[str, list[int]] = {}
        self.connections = 0
        self.open: dict[socket.socket, int] = {}

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Runs in the connection's own thread, so a handshake that hangs stops no other."""
        with self.changed:
            self.connections += 1
            number = self.connections
            self.open[request] = number
            self.changed.notify_all()
        wrapped = request
        try:
            wrapped = self.wrap(request)
            with self.changed:
                self.open[wrapped] = number
            if self.closing.is_set():
                return
            if isinstance(wrapped, ssl.SSLSocket):  # only now: from here on `hang_up` reaches it
                wrapped.do_handshake()
            if not self.closing.is_set():
                super().finish_request(wrapped, client_address)
        except OSError:
            pass  # the client went away or refused our certificate: its right
        finally:
            with self.changed:
                self.open.pop(request, None)
                self.open.pop(wrapped, None)
            wrapped.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def number_of(self, handler: _Handler) -> int:
        with self.changed:
            return self.open.get(handler.connection, 0)

    def record(self, request: Request) -> None:
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()

    def next_of(self, path: str) -> int | None:
        with self.changed:
            left = self.scripts.get(path)
            if not left:
                return None
            return left.pop(0) if len(left) > 1 else left[0]

    def hang_up(self) -> None:
        """Ends every connection, whatever its handler waits for."""
        self.closing.set()
        with self.changed:
            for connection in self.open:
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _basic(handler: _Handler, _body: bytes) -> None:
    expected = "Basic " + b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    handler.answer(200 if handler.headers.get("Authorization") == expected else 401)


def _bearer(handler: _Handler, _body: bytes) -> None:
    handler.answer(200 if handler.headers.get("Authorization") == f"Bearer {TOKEN}" else 401)


def _apikey(handler: _Handler, _body: bytes) -> None:
    handler.answer(200 if handler.headers.get(HEADER) == KEY else 401)


def _verify_v1(handler: _Handler, body: bytes) -> None:
    Webhook(SIGNING_KEY).verify(body, dict(handler.headers.items()))


def _verify_v1a(handler: _Handler, body: bytes) -> None:
    headers = handler.headers
    if abs(time.time() - int(headers["Webhook-Timestamp"])) > 300:
        raise InvalidSignature
    version, _, signature = headers["Webhook-Signature"].partition(",")
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    public.verify(b64decode(signature if version == "v1a" else ""), signed)


def _signed(
    verify: Callable[[_Handler, bytes], None], *, once: bool = True
) -> Callable[[_Handler, bytes], None]:
    def behaviour(handler: _Handler, body: bytes) -> None:
        try:
            verify(handler, body)
        except (WebhookVerificationError, InvalidSignature, ValueError):
            return handler.answer(401)
        ids = [request.header("Webhook-Id") for request in handler.server.requests]
        is_new = ids.count(handler.headers["Webhook-Id"]) == 1
        return handler.answer(200 if is_new or not once else 401)

    return behaviour


def _sample(handler: _Handler, body: bytes) -> None:
    """github.com/elastio/contrib, elastio-webhook-handler: 400 content type or JSON, 401
    credential, 422 not processed.
    """
    if handler.headers.get("Content-Type") != "application/json":
        return handler.answer(400)
    try:
        value = json.loads(body)
    except ValueError:
        return handler.answer(400)
    if handler.headers.get("Authorization") != f"Bearer {TOKEN}":
        return handler.answer(401)
    common = {"event_id", "event_kind", "event_time", "event_version"}
    known = (
        isinstance(value, dict)
        and value.get("version") == "v0"
        and isinstance(value.get("events"), list)
    )
    return handler.answer(
        200 if known and all(common <= set(event) for event in value["events"]) else 422
    )


def _redirect(handler: _Handler, _body: bytes) -> None:
    asked = dict(parse_qsl(handler.path.partition("?")[2]))
    handler.answer(int(asked.get("status", "302")), b"", ("Location", asked.get("to", "/landed")))


def _hang(handler: _Handler, _body: bytes) -> None:
    handler.server.closing.wait()
    handler.close_connection = True


def _drop(handler: _Handler, _body: bytes) -> None:
    handler.close_connection = True


def _reset(handler: _Handler, _body: bytes) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def _drip(handler: _Handler, _body: bytes) -> None:
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.closing.wait(DRIP_SECONDS):
        handler.wfile.write(b"a")


def _drip_body(handler: _Handler, _body: bytes) -> None:
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    while not handler.server.closing.wait(DRIP_SECONDS):
        handler.wfile.write(b"a")


BEHAVIOURS: dict[str, Callable[[_Handler, bytes], None]] = {
    "/ok": lambda handler, _body: handler.answer(200),
    "/basic": _basic,
    "/bearer": _bearer,
    "/apikey": _apikey,
    "/signed": _signed(_verify_v1),
    "/signed-lax": _signed(_verify_v1, once=False),
    "/signed-v1a": _signed(_verify_v1a),
    "/sample": _sample,
    "/redirect": _redirect,
    "/landed": lambda handler, _body: handler.answer(200),
    "/cookie": lambda handler, _body: handler.answer(200, b"{}", ("Set-Cookie", "seen=1; Path=/")),
    "/big": lambda handler, _body: handler.answer(200, b"x" * BIG),
    "/hang": _hang,
    "/drop": _drop,
    "/reset": _reset,
    "/garbage": lambda handler, _body: handler.send_raw(b"220 mail.example.com ESMTP\r\n\r\n"),
    "/switch": lambda handler, _body: handler.send_raw(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
    ),
    "/drip": _drip,
    "/drip-body": _drip_body,
    "/cut": lambda handler, _body: handler.send_raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    ),
}


class Receiver:
    """A receiver on 127.0.0.1 and a port of its own; a context manager that leaves no thread and no
    socket behind.
    """

    scheme, host = "http", "127.0.0.1"

    def __init__(
        self, wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain
    ) -> None:
        self._server = _Server(wrap)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/ok", host: str | None = None) -> str:
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    @property
    def requests(self) -> tuple[Request, ...]:
        """What arrived so far, in order."""
        with self._server.changed:
            return tuple(self._server.requests)

    @property
    def connections(self) -> int:
        """How many connections were opened so far, with or without a request."""
        with self._server.changed:
            return self._server.connections

    def script(self, path: str, *statuses: int) -> None:
        """What a path answers from now on, in turn; the last one stays."""
        with self._server.changed:
            self._server.scripts[path] = list(statuses)

    def wait(self, count: int, seconds: float = 10.0) -> bool:
        """Waits until so many requests arrived; False when the time is over."""
        with self._server.changed:
            return self._server.changed.wait_for(
                lambda: len(self._server.requests) >= count, seconds
            )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()
