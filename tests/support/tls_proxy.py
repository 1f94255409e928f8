"""A proxy for tests that ends TLS: it speaks https as NAME on 127.0.0.1 and plain HTTP to a tenant
behind it.

    with TlsProxy() as proxy, behind(folder, proxy, "--public-url", proxy.origin) as served:
        assert served.ask("GET", "/healthz")[0] == 200

`keeps_host=False`: it asks the server behind it by that one's own address, as many proxies do
unless the settings say otherwise.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import trustme

from tests.support.processes import run, start

NAME = "tenant.test"  # a reserved name
FORM = "application/x-www-form-urlencoded"


class TlsProxy:
    """A proxy in a thread of its own; a context manager that leaves neither thread nor socket
    behind.
    """

    def __init__(self, *, keeps_host: bool = True) -> None:
        self.keeps_host, self.upstream, self.port = keeps_host, 0, 0
        self.authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(NAME).configure_cert(self._context)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._over = asyncio.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._serve(),), daemon=True
        )

    @property
    def origin(self) -> str:
        """Where a browser sees it."""
        return f"https://{NAME}:{self.port}"

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            behind, to_behind = await asyncio.open_connection("127.0.0.1", self.upstream)
            await asyncio.gather(self._pump(reader, to_behind), self._pump(behind, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        given, asked = (
            f"Host: {NAME}:{self.port}".encode(),
            f"Host: 127.0.0.1:{self.upstream}".encode(),
        )
        try:
            while data := await source.read(65536):
                sink.write(data if self.keeps_host else data.replace(given, asked))
                await sink.drain()
        except OSError:
            pass  # one side went away: its right
        finally:
            sink.close()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        self._loop.close()


@dataclass
class Behind:
    """A served tenant behind a proxy: `lines` are what `tenant serve` printed."""

    proxy: TlsProxy
    folder: Path
    lines: list[str]
    port: int

    def ask(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """One request to the proxy, as a browser sends it."""
        trusted = ssl.create_default_context(cadata=self.proxy.authority.cert_pem.bytes().decode())
        plain = socket.create_connection(("127.0.0.1", self.proxy.port), timeout=10)
        connection = http.client.HTTPSConnection(NAME, self.proxy.port)
        connection.sock = trusted.wrap_socket(plain, server_hostname=NAME)
        return _asked(connection, method, path, body, headers)

    def ask_directly(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """One request to the tenant itself, past the proxy."""
        return _asked(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=10),
            method,
            path,
            body,
            headers,
        )

    def link(self) -> str:
        """The path of a new sign-in link, which has to be one of the public address."""
        made = run("tenant", "login", "--db", "tenant.db", cwd=self.folder)
        assert made.out.startswith(f"{self.proxy.origin}/sign-in?link=")
        return made.out.strip().removeprefix(self.proxy.origin)


def _asked(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: str | None,
    headers: dict[str, str],
) -> tuple[int, dict[str, str], str]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(
            method, path, body, {**given, **({"Content-Type": FORM} if body is not None else {})}
        )
        answer = connection.getresponse()
        return (
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            answer.read().decode(),
        )
    finally:
        connection.close()


@contextmanager
def behind(folder: Path, proxy: TlsProxy, *options: str) -> Iterator[Behind]:
    process = start("tenant", "serve", "--db", "tenant.db", "--port", "0", *options, cwd=folder)
    try:
        assert process.stdout is not None
        lines = [
            process.stdout.readline().strip() for _ in range(3 if "--public-url" in options else 2)
        ]
        found = re.search(r"http://127\.0\.0\.1:(\d+)", " ".join(lines))
        assert found, process.communicate()
        proxy.upstream = int(found[1])
        yield Behind(proxy, folder, lines, proxy.upstream)
    finally:
        process.terminate()
        process.communicate(timeout=20)
