"""A product that asks to wait is left alone by every Tenant of its host."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reconciler.connection import Connection
from reconciler.continuous.hosts import Hosts
from reconciler.continuous.results import State
from reconciler.continuous.run import Runner, Settings
from reconciler.continuous.schedule import Ending
from reconciler.continuous.source import Desired
from reconciler.core.model.schedule import Schedule
from reconciler.manifests import load
from tests.support.requests import make_request


def test_a_host_is_known_whatever_the_path_and_forgotten_in_time() -> None:
    hosts = Hosts()
    hosts.note("https://api.example.com/a", 30.0, now=100.0)
    hosts.note("https://api.example.com/a", 10.0, now=100.0)
    assert hosts.find_wait("https://API.example.com/b", now=110.0) == 20.0
    assert hosts.find_wait("https://api.example.com:8443/b", now=110.0) == 0.0
    assert hosts.find_wait("https://api.example.com/b", now=130.0) == 0.0


class Busy:
    """A product that answers every request with 429 and a long Retry-After."""

    def __init__(self) -> None:
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        writer.write(b"HTTP/1.1 429 Too Many\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()


class Two:
    """A source with two Tenants of one host."""

    revision = "r1"

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        for name in ("one", "two"):
            (folder / f"{name}.yaml").write_text(
                "apiVersion: webhooks.reconciler/v1\nkind: Tenant\n"
                f"metadata: {{name: {name}}}\nspec:\n  url: http://127.0.0.1:{port}/{name}\n"
                f"  token: {{fromEnv: A_TOKEN}}\n  owner: {name}\n"
                f"  select: {{matchLabels: {{tenant: {name}}}}}\n"
            )

    @property
    def tenants(self) -> dict[str, Schedule]:
        return {"one": Schedule(), "two": Schedule()}

    async def read(self, key: str) -> Desired:
        env = {"A_TOKEN": "not-a-real-token"}
        request = make_request((str(self.folder),), secrets="require", tenant=key, env=env)
        return Desired(load(request), "r1")

    def note_applied(self, key: str, revision: str) -> None:
        raise AssertionError(f"{key} {revision}")


def test_a_second_tenant_of_the_host_is_not_asked_and_keeps_its_state(tmp_path: Path) -> None:
    busy = Busy()

    async def run() -> None:
        server = await asyncio.start_server(busy.serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            runner = Runner(Two(tmp_path, port), Settings(Connection()))
            first = await runner.run("one")
            assert (first.state, first.ending, first.wait) == (State.FAILED, Ending.FAILED, 60.0)
            second = await runner.run("two")
            assert second.is_postponed
            assert second.ending is Ending.POSTPONED
            assert 50 < (second.wait or 0) <= 60

    asyncio.run(run())
    assert busy.requests == 1
