"""A real proxy that takes CONNECT, on 127.0.0.1: it opens a connection to where it is asked and
passes bytes both ways.

    with ConnectProxy() as proxy:
        ...HTTPS_PROXY=proxy.url...
        assert proxy.targets == ["tenant.test:443"]

`names` says where a name leads, as a company's own DNS does. With `credential` ("user:password") it
asks for that one; with `refuses` it answers every CONNECT with that status; with `tls` it is
reached by https.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ConnectProxy

    def do_CONNECT(self) -> None:
        self.server.targets.append(self.path)
        self.server.heads.append(str(self.headers))
        wanted = self.server.credential
        if (
            wanted is not None
            and self.headers.get("Proxy-Authorization")
            != "Basic " + b64encode(wanted.encode()).decode()
        ):
            self.send_error(407)
            return
        if self.server.refuses:
            self.send_error(self.server.refuses)
            return
        host, _, port = self.path.rpartition(":")
        try:
            with socket.create_connection(
                self.server.names.get(host, (host.strip("[]"), int(port))), 5
            ) as there:
                self.send_response(200)
                self.end_headers()
                self._pass(there)
        except OSError:
            self.send_error(502)

    def _pass(self, there: socket.socket) -> None:
        here = self.connection
        other = {here: there, there: here}
        while True:
            pending = isinstance(here, ssl.SSLSocket) and here.pending()
            for side in [here] if pending else select.select([here, there], [], [], 30)[0]:
                data = side.recv(65536)
                if not data:
                    return
                self.server.passed += data
                other[side].sendall(data)

    def do_GET(self) -> None:
        self.server.plain.append(self.path)
        self.send_error(400)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  the base class's names

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


class ConnectProxy(ThreadingHTTPServer):
    """`targets` are what it was asked to connect to, `heads` the headers beside, `plain` requests
    without CONNECT.
    """

    daemon_threads = True

    def __init__(
        self,
        names: Mapping[str, tuple[str, int]] | None = None,
        *,
        credential: str | None = None,
        refuses: int = 0,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.names, self.credential, self.refuses = dict(names or {}), credential, refuses
        self.targets: list[str] = []
        self.heads: list[str] = []
        self.plain: list[str] = []
        self.passed = b""
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.server_port}"

    def with_credential(self, text: str) -> str:
        """Its address with a user name and password in it."""
        return self.url.replace("://", f"://{text}@")

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_args: Any) -> None:
        """A connection that breaks is nothing to report."""
