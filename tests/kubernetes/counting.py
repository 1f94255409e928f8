"""A proxy before a tenant that notes each request: when it began and ended, and with which token."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Noted:
    method: str
    path: str
    token: str
    began: float
    ended: float


class Noting:
    """The requests so far; `pause` is the number of seconds that each listing takes longer."""

    def __init__(self, pause: float = 0) -> None:
        self.pause, self.url = pause, ""
        self._noted: list[Noted] = []
        self._lock = threading.Lock()

    def note(self, noted: Noted) -> None:
        with self._lock:
            self._noted.append(noted)

    def list_requests(self, method: str) -> list[Noted]:
        with self._lock:
            return [each for each in self._noted if each.method == method]

    def list_listings(self) -> list[Noted]:
        return [each for each in self.list_requests("GET") if "/webhooks" in each.path]

    def clear(self) -> None:
        with self._lock:
            self._noted.clear()


@contextmanager
def note_requests(url: str, pause: float = 0) -> Iterator[Noting]:
    """The proxy of a tenant's url; `noting.url` is its own."""
    target = urlsplit(url)
    noting = Noting(pause)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            began = time.monotonic()
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size) if size else None
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            if self.command == "GET" and "/webhooks" in self.path:
                time.sleep(noting.pause)
            upstream = http.client.HTTPConnection(target.netloc, timeout=30)
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            data = answer.read()
            upstream.close()
            token = self.headers.get("Authorization", "")
            noting.note(Noted(self.command, self.path, token, began, time.monotonic()))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = handle_any  # noqa: N815  the base's

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        noting.url = f"http://127.0.0.1:{server.server_port}{target.path}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield noting
        server.shutdown()
