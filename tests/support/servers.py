"""Real services that hold secrets, each in a process of its own on 127.0.0.1.

OpenBao, and AWS Secrets Manager as moto serves it.

Ended with what started them. `serve(handler)` is for what only a broken service does.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from boto3.session import Session  # type: ignore[import-untyped]  # it brings no types

from tests.support.tls import Authority

BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class _Service:
    """A server on a port of 127.0.0.1; `env` is what a client of it needs."""

    def __init__(self, command: list[str], port: int, folder: Path, path: str) -> None:
        self.url, self.path = f"http://127.0.0.1:{port}", path
        self.process = subprocess.Popen(
            command, cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self) -> Self:
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(self.url + self.path, timeout=5):
                    return self
            except OSError:
                assert self.process.poll() is None, "it ended before it served"
                assert time.monotonic() < until, "it does not answer"
                time.sleep(0.05)

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.wait(20)


class Bao(_Service):
    """`bao server -dev`: unsealed, in memory, its key-value engine of version 2 at secret/."""

    TOKEN = "root-token-of-this-test"

    def __init__(self, folder: Path, *more: str) -> None:
        port = free_port()
        options = [
            *more,
            f"-dev-root-token-id={self.TOKEN}",
            f"-dev-listen-address=127.0.0.1:{port}",
            "-dev-no-store-token",
        ]
        super().__init__(
            [str(BIN / "bao"), "server", "-dev", *options], port, folder, "/v1/sys/health"
        )
        self.env = {"VAULT_ADDR": self.url, "VAULT_TOKEN": self.TOKEN}

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One request to its API as root."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/v1/{path}", data, {"X-Vault-Token": self.TOKEN}, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def put(self, path: str, **fields: Any) -> None:
        """A new version of secret/PATH."""
        self.call("POST", f"secret/data/{path}", {"data": fields})


class TlsBao(Bao):
    """The same behind TLS too, for vault.test and 127.0.0.1; `ca` is the file of its authority,
    `port` that of TLS.
    """

    def __init__(self, folder: Path) -> None:
        authority = Authority()
        authority.write(folder / "bao.pem", "vault.test", "127.0.0.1")
        (folder / "ca.pem").write_bytes(authority.pem())
        self.ca, self.port = str(folder / "ca.pem"), free_port()
        names = {
            "address": f"127.0.0.1:{self.port}",
            "tls_cert_file": "bao.pem",
            "tls_key_file": "bao.pem",
        }
        (folder / "tls.json").write_text(json.dumps({"listener": [{"tcp": names}]}))
        super().__init__(folder, "-config=tls.json")


class Moto(_Service):
    """moto's server: AWS Secrets Manager in memory."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        super().__init__(
            [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
            port,
            folder,
            "/moto-api/data.json",
        )
        self.env = {
            "AWS_ENDPOINT_URL": self.url, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip

    def put(self, name: str, **value: Any) -> None:
        """A secret; SecretString or SecretBinary."""
        Session("made-up", "made-up").client(
            "secretsmanager", "eu-west-1", endpoint_url=self.url
        ).create_secret(Name=name, **value)


def answering(
    status: int,
    body: bytes,
    *headers: tuple[str, str],
    paths: list[str] | None = None,
    heads: list[str] | None = None,
    pause: float = 0,
) -> type[BaseHTTPRequestHandler]:
    """What gives that answer to everything, after `pause` seconds; notes the paths and the headers
    of what it was asked.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if paths is not None:
                paths.append(self.path)
            if heads is not None:
                heads.append(str(self.headers))
            time.sleep(pause)
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST = do_GET  # noqa: N815  the base class's names

    return Handler


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """An HTTP server in this process; its url."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
