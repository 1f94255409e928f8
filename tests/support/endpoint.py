"""Endpoints in a process of their own, fast enough not to be what is measured: `python -m
tests.support.endpoint PORTS`.

POST `/ok/…` is answered 200 at once, `/hang/…` never. `GET /seen` tells what arrived as `[[path,
event_id, epoch seconds], …]`, `GET /count` how much of it was answered.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from typing import Any, Self

from tests.support.processes import ROOT, environment

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_EVENT = re.compile(rb'"event_id":"([^"]*)"')
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Connection(asyncio.Protocol):
    seen: list[tuple[str, str, float]] = []  # noqa: RUF012  one list for all connections is the point
    answered = 0

    def connection_made(self, transport: Any) -> None:
        self.transport, self.buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[: end + 2]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.buffer) < whole:
                return
            body, self.buffer = self.buffer[end + 4 : whole], self.buffer[whole:]
            self.answer(head.split(b" ", 2)[1].decode(), body)

    def answer(self, path: str, body: bytes) -> None:
        if path in {"/seen", "/count"}:
            text = json.dumps(self.seen if path == "/seen" else self.answered).encode()
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
            )
            return
        event = _EVENT.search(body)
        self.seen.append((path, event[1].decode() if event else "", time.time()))
        if not path.startswith("/hang"):
            _Connection.answered += 1
            self.transport.write(OK)


async def _serve(count: int) -> None:
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(_Connection, "127.0.0.1", 0, backlog=512) for _ in range(count)
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.Event().wait()


class Endpoints:
    """That process; a context manager."""

    def __init__(self, count: int = 1) -> None:
        self.count = count

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.support.endpoint", str(self.count)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.ports: list[int] = json.loads(self.process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def url(self, number: int, path: str = "/ok", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.ports[number % self.count]}{path}"

    def _read(self, path: str) -> Any:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.ports[0]}{path}", timeout=30
        ) as answer:
            return json.load(answer)

    def seen(self) -> list[tuple[str, str, float]]:
        return [tuple(item) for item in self._read("/seen")]

    def count_answered(self) -> int:
        return int(self._read("/count"))

    def wait(self, count: int, seconds: float) -> list[tuple[str, str, float]]:
        """What arrived, as soon as so many were answered."""
        until = time.monotonic() + seconds
        while self.count_answered() < count and time.monotonic() < until:
            time.sleep(0.05)
        return self.seen()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
