"""Values for the provider tests, and a server with prepared answers on a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.model.auth import Auth, BearerAuth, NoAuth
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Origin, Owner, Subscription, Webhook
from reconciler.providers.http.client import Client

TOKEN = "tok-very-secret-0123456789abcdef"
CREDENTIAL = "cred-very-secret-0123456789"
URL = "https://hooks.example.com/path-very-secret"
OWNER = Owner("payments", "4fd1c2e")
EVENT = Subscription("elastio:recovery-point:create:started", "v0", "info")


def bearer(value: str = CREDENTIAL, version: str | None = "1") -> BearerAuth:
    return BearerAuth(Secret(value, "fromEnv: TOKEN", version=version))


def declared(
    name: str = "Pager",
    *,
    key: str = "pager",
    url: str = URL,
    auth: Auth | None = None,
    enabled: bool | None = None,
    **other: Any,
) -> Declared:
    description = other.pop("description", "")
    spec = Webhook(name, url, description, enabled, auth or NoAuth(), frozenset({EVENT}))
    return Declared(spec, key, Origin("webhooks.yaml", 1), sources=("webhooks.yaml",), **other)


def webhook(number: int = 1, **other: Any) -> dict[str, Any]:
    body = {
        "id": f"wh-{number}",
        "revision": "r1",
        "name": f"Hook {number}",
        "url": URL,
        "description": "",
        "enabled": True,
        "auth": {"type": "none"},
        "events": [],
        "managed_by": None,
        "protected": False,
        "invocations": None,
    }
    return {**body, **other}


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """What the server sends back; `raw` replaces everything; `again` follows it until the client
    leaves.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"
    raw: bytes | None = None
    again: bytes = b""

    def bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        fields = {"Content-Type": self.media, "Content-Length": str(len(self.body)), **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {self.status} X\r\n{head}\r\n".encode() + self.body


def reply(body: object, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), named)


def problem(
    status: int, kind: str, detail: str = "", pointers: tuple[str, ...] = (), **headers: str
) -> Reply:
    errors = [{"pointer": pointer, "detail": detail} for pointer in pointers]
    body = {"type": kind, "title": "No", "status": status, "detail": detail, "errors": errors}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), named, "application/problem+json")


LOST = None  # the request was served, the connection ends without an answer
Answering = Callable[[Asked], "Reply | Awaitable[Reply | None] | None"]


@dataclass
class Server:
    """The address of a running server and what it was asked."""

    url: str
    asked: list[Asked]


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, json.loads(raw) if raw else None)


@asynccontextmanager
async def serving(answer: Answering, port: int = 0) -> AsyncIterator[Server]:
    """A server on 127.0.0.1 that gives each request to `answer`."""
    asked: list[Asked] = []
    tasks: set[asyncio.Task[None]] = set()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while True:
                request = await _read(reader)
                asked.append(request)
                result = answer(request)
                given = result if result is None or isinstance(result, Reply) else await result
                if given is None:
                    return
                writer.write(given.bytes())
                await writer.drain()
                while given.again:
                    writer.write(given.again)
                    await writer.drain()
                    await asyncio.sleep(0 if len(given.again) > 1 else 0.05)
                if given.raw is not None:
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", port)
    try:
        yield Server(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/public-api/v1", asked)
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)


class Sleeps(list[float]):
    """Records how long was waited, on a clock that such waiting moves."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def client(url: str, sleeps: Sleeps | None = None, **options: Any) -> Client:
    sleeps = Sleeps() if sleeps is None else sleeps
    return Client(
        url,
        Secret(TOKEN, "fromEnv: T"),
        sleep=sleeps.sleep,
        clock=sleeps.clock,
        rng=lambda: 1.0,
        **options,
    )
