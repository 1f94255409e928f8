"""The tenant as a process: it says when it is ready, ends gracefully, is alone on its file, and
picks up what was left.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.core.errors import NotServed, StoreError
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.net.listening import Place
from reconciler.tenant.schedule.lanes import Pick, Rank
from reconciler.tenant.server.app import create_app
from reconciler.tenant.server.server import serve
from reconciler.tenant.store.rows import claims
from reconciler.tenant.store.store import open_store
from tests.support.database import database_of
from tests.tenant.harness import EVENT, Tenant, receiver, with_tenant

ROOT = Path(__file__).parents[2]
CHILD = """
import gc
import sys
import time
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.tenant.server.app import create_app
from reconciler.net.listening import Place
from reconciler.tenant.server.server import serve
from reconciler.tenant.store.store import open_store
with open_store(sys.argv[1]) as store:
    app = create_app(store, Sender(AddressPolicy.parse(["127.0.0.0/8"], [])), local_token="local-token-with-every-scope")
    serve(store, app, Place(), lambda origin: print(origin + "/public-api/v1", flush=True))
print("ended, frozen:", gc.get_freeze_count() > 0, flush=True)
"""


SMALL_DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
"""


@contextmanager
def _served(folder: Path, before: str = "") -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-W", "error", "-c", before + CHILD, str(folder / "tenant.db")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def _get(url: str, body: object = None) -> object:
    headers = {
        "Authorization": "Bearer local-token-with-every-scope",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(
        url, None if body is None else json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_served_tenant_says_its_address_and_ends_gracefully(
    tmp_path: Path, number: signal.Signals
) -> None:
    with _served(tmp_path) as (process, url):
        assert url.endswith("/public-api/v1")
        assert _get(url + "/healthz") == {"status": "ok"}
        assert _get(url + "/webhooks") == {"items": [], "next_cursor": None}
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (
        0,
        "ended, frozen: True\n",
        "",
    )  # of what it began with nothing is collected


def test_a_file_is_served_once_and_an_address_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "tenant.db")
    with _served(tmp_path) as (_, url):
        assert url
        for name in ("tenant.db", "link.db"):
            with open_store(str(tmp_path / name)) as store:
                app = create_app(store, Sender(AddressPolicy.parse([], [])))
                with pytest.raises(StoreError, match="already served"):
                    serve(store, app, Place(), print)
                store.create_token(f"beside {name}", ["Webhooks: Read"])
    with (
        open_store(str(tmp_path / "other.db")) as store,
        socket.create_server(("127.0.0.1", 0)) as taken,
    ):
        app = create_app(store, Sender(AddressPolicy.parse([], [])))
        with pytest.raises(NotServed, match="the port is taken"):
            serve(store, app, Place(port=taken.getsockname()[1]), print)


def test_a_restarted_tenant_sends_what_is_pending_and_counts_what_was_cut_off(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with receiver() as endpoint:
            await asyncio.to_thread(
                with_tenant, tmp_path, lambda t: story(t, endpoint.url), deliver=False
            )
            with _served(tmp_path) as (_, url):
                async with asyncio.timeout(20):
                    await endpoint.arrived.wait()
                totals = await asyncio.to_thread(_get, url + "/invocations")
            assert isinstance(totals, dict)
            assert totals["failed"] == 1
            assert [json.loads(body)["events"][0]["event_id"] for body in endpoint.bodies] == [
                "second"
            ]

    async def story(t: Tenant, url: str) -> None:
        t.clock.now = time.time() - 60
        made = await t.make(url=url, events=[EVENT])
        await t.call("POST", "/events", {**EVENT, "event": {}, "event_id": "first"})
        pick = Pick(made["id"], claims.read_place(url), Rank.UNPROVEN, 1)
        await database_of(t.store).write(lambda c: claims.claim_picks(c, [pick], "dead", t.clock()))
        await t.call("POST", "/events", {**EVENT, "event": {}, "event_id": "second"})

    asyncio.run(run())


@pytest.mark.no_cover  # what coverage writes would not fit on this disk
def test_a_disk_that_fills_up_is_503_and_leaves_whole_webhooks(tmp_path: Path) -> None:
    made: list[str] = []
    refusals: set[tuple[int, str, str]] = set()
    with _served(tmp_path, SMALL_DISK) as (process, url):
        for number in range(40):
            try:
                _get(
                    url + "/webhooks",
                    {
                        "name": f"n{number:02}",
                        "url": "https://x.example",
                        "description": "d" * 1024,
                    },
                )
                made.append(f"n{number:02}")
            except urllib.error.HTTPError as error:
                with error:
                    refusals.add(
                        (error.code, json.load(error)["type"], error.headers["Retry-After"])
                    )
        assert made
        assert refusals == {(503, "storage", "30")}
        listed = _get(url + "/webhooks")
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[1] == ""
    with _served(tmp_path) as (_, url):
        again = _get(url + "/webhooks")
        assert isinstance(again, dict)
        assert again == listed
        assert sorted(item["name"] for item in again["items"]) == made
        assert _get(url + "/webhooks", {"name": "after", "url": "https://x.example"})


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"POST /public-api/v1/webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_a_problem_document(tmp_path: Path, raw: bytes) -> None:
    with (
        _served(tmp_path) as (_, url),
        socket.create_connection(("127.0.0.1", int(url.split(":")[2].split("/")[0]))) as client,
    ):
        client.sendall(raw)
        head, _, body = b"".join(iter(lambda: client.recv(4096), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["type"] == "bad-request"
