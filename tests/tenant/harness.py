"""The real application over a real file, and one endpoint on 127.0.0.1 that records what
arrives.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.tenant.engine.engine import Engine
from reconciler.tenant.server.app import create_app
from reconciler.tenant.store.store import Store, open_store
from tests.tenant import documented

BASE = "http://tenant.test/public-api/v1"
LOCAL = "local-token-with-every-scope"
EVENT = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}
BEARER = {"type": "bearer", "token": "sesame-open-4711", "credential_version": "1"}


class Clock:
    """Seconds that move only when a test says so."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Tenant:
    store: Store
    app: Any
    http: httpx.AsyncClient
    clock: Clock

    @property
    def engine(self) -> Engine:
        return self.app.state.engine

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = LOCAL, **headers: str
    ) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given.setdefault("Authorization", f"Bearer {token}")
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
            given.setdefault("Content-Type", kind)
        answer = await self.http.request(method, BASE + path, content=content, headers=given)
        documented.check(answer, content)
        return answer

    async def make(self, name: str = "one", **fields: Any) -> dict[str, Any]:
        answer = await self.call(
            "POST", "/webhooks", {"name": name, "url": "https://hooks.example.com/a", **fields}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def patch(self, webhook: dict[str, Any], body: Any, **headers: str) -> httpx.Response:
        tag = {"If_Match": f'"{webhook["revision"]}"', **headers}
        return await self.call("PATCH", f"/webhooks/{webhook['id']}", body, **tag)


@asynccontextmanager
async def tenant(folder: Path, **options: Any) -> AsyncIterator[Tenant]:
    clock = options.pop("clock", Clock())
    sender = Sender(AddressPolicy.parse(["127.0.0.0/8"], []))
    with open_store(str(folder / "tenant.db"), clock=clock) as store:
        async with sender:
            app = create_app(store, sender, **{"local_token": LOCAL, **options})
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
                yield Tenant(store, app, http, clock)
            if app.state.engine is not None:
                await app.state.engine.stop()


def with_tenant(folder: Path, story: Callable[[Tenant], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with tenant(folder, **options) as made:
            await story(made)

    asyncio.run(run())


@dataclass
class Receiver:
    """What arrived: heads and bodies. `status` and `headers` are answered, nothing with `drop`; not
    while `gate` is not set.
    """

    url: str = ""
    status: int = 200
    headers: str = ""
    drop: bool = False
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                int(line.split(":")[1])
                for line in head.split("\r\n")
                if line.lower().startswith("content-length")
            )
            self.bodies.append(await reader.readexactly(length))
            self.heads.append(head)
            self.arrived.set()
            await self.gate.wait()
            if self.drop:
                return
            writer.write(
                f"HTTP/1.1 {self.status} X\r\n{self.headers}Content-Length: "
                "0\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def receiver(*, held: bool = False) -> AsyncIterator[Receiver]:
    made = Receiver()
    if not held:
        made.gate.set()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield made
