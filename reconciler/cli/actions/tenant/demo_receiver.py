"""The endpoint that `reconciler demo` delivers to: a small server on this machine.

It answers as a receiver of the documented envelope would: 400 to another content type or body, 401
to another credential.
"""

from __future__ import annotations

import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Final, Self

LONGEST: Final = 1024 * 1024  # bytes of a body
PATIENCE: Final = 5.0  # seconds that a connection may stay silent


def _is_envelope(body: bytes) -> bool:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(value, dict)
        and value.get("version") == "v0"
        and isinstance(value.get("events"), list)
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.expected = f"Bearer {token}".encode()
        self.lock = threading.Lock()
        self.count = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout: ClassVar[float] = PATIENCE

    def do_POST(self) -> None:
        """Answers one delivery."""
        with self.server.lock:
            self.server.count += 1
        length = self.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() and len(length) < 10 else 0
        body = self.rfile.read(min(size, LONGEST))
        header = self.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if self.headers.get("Content-Type") != "application/json" or not _is_envelope(body):
            status = 400
        else:
            status = 200 if hmac.compare_digest(header, self.server.expected) else 401
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Nothing: the demo's output is that of the commands."""


class DemoReceiver:
    """A receiver on 127.0.0.1, any free port, that wants the bearer token `token`; a context
    manager.
    """

    def __init__(self, token: str) -> None:
        self._server = _Server(token)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where to deliver to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/elastio"

    @property
    def count(self) -> int:
        """How many requests came so far."""
        with self._server.lock:
            return self._server.count

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
