"""What the stand-ins of products share: JSON over HTTP on 127.0.0.1, in a thread that is joined."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

S = TypeVar("S", bound="StandIn")


class JsonHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms behind its headers

    def read_body(self) -> dict[str, Any]:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body: dict[str, Any] = json.loads(raw) if raw else {}
        return body

    def answer(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """JSON; a body of bytes is a web page, as proxies answer it."""
        is_page = isinstance(body, bytes)
        raw = body if is_page else b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        kind = "text/html" if is_page else "application/json; charset=utf-8"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):  # the client left
            self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
        pass


class StandIn(ThreadingHTTPServer):
    """One product; `hooks` by id."""

    def __init__(self, handler: type[JsonHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.lock = threading.Lock()
        self.hooks: dict[int, dict[str, Any]] = {}
        self.last = 4000

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serve(server: S) -> Iterator[S]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def deliver(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Posts a delivery; the status, 0 if no answer came."""
    request = urllib.request.Request(
        url, body, {"Content-Type": "application/json", **headers}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
