"""The tenant as a process: it says when it is ready, ends gracefully, is alone on its file, and picks up what was left."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.core.errors import BadRequest, StoreError
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.tenant import deliveries
from reconciler.tenant.app import create_app
from reconciler.tenant.server import serve
from reconciler.tenant.store import open_store
from tests.tenant.harness import EVENT, Tenant, receiver, with_tenant

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
import time
from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.tenant.app import create_app
from reconciler.tenant.server import serve
from reconciler.tenant.store import open_store
with open_store(sys.argv[1]) as store:
    app = create_app(store, Sender(AddressPolicy.parse(["127.0.0.0/8"], [])), local_token="local-token-with-every-scope")
    serve(store, app, host="127.0.0.1", port=0, ready=lambda origin: print(origin + "/public-api/v1", flush=True))
print("ended", flush=True)
"""


@contextmanager
def _served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-W", "error", "-c", CHILD, str(folder / "tenant.db")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def _get(url: str) -> object:
    request = urllib.request.Request(url, headers={"Authorization": "Bearer local-token-with-every-scope"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_served_tenant_says_its_address_and_ends_gracefully(tmp_path: Path, number: signal.Signals) -> None:
    with _served(tmp_path) as (process, url):
        assert url.endswith("/public-api/v1")
        assert _get(url + "/healthz") == {"status": "ok"}
        assert _get(url + "/webhooks") == {"items": [], "next_cursor": None}
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "ended\n", "")


def test_a_file_is_served_once_and_an_address_that_is_taken_is_refused(tmp_path: Path) -> None:
    with _served(tmp_path) as (_, url), open_store(str(tmp_path / "tenant.db")) as store:
        app = create_app(store, Sender(AddressPolicy.parse([], [])))
        with pytest.raises(StoreError, match="already served"):
            serve(store, app, host="127.0.0.1", port=0, ready=print)
        store.create_token("beside", ["Webhooks: Read"])
        assert url
    with open_store(str(tmp_path / "other.db")) as store, socket.create_server(("127.0.0.1", 0)) as taken:
        app = create_app(store, Sender(AddressPolicy.parse([], [])))
        with pytest.raises(BadRequest, match="cannot listen"):
            serve(store, app, host="127.0.0.1", port=taken.getsockname()[1], ready=print)


def test_a_restarted_tenant_sends_what_is_pending_and_counts_what_was_cut_off(tmp_path: Path) -> None:
    async def run() -> None:
        async with receiver() as endpoint:
            await asyncio.to_thread(with_tenant, tmp_path, lambda t: story(t, endpoint.url), deliver=False)
            with _served(tmp_path) as (_, url):
                async with asyncio.timeout(20):
                    await endpoint.arrived.wait()
                totals = await asyncio.to_thread(_get, url + "/invocations")
            assert isinstance(totals, dict)
            assert totals["failed"] == 1
            assert [json.loads(body)["events"][0]["event_id"] for body in endpoint.bodies] == ["second"]

    async def story(t: Tenant, url: str) -> None:
        t.clock.now = time.time() - 60
        await t.make(url=url, events=[EVENT])
        await t.call("POST", "/events", {**EVENT, "event": {}, "event_id": "first"})
        await t.store.write(lambda c: deliveries.claim(c, "dead", 1, t.clock()))
        await t.call("POST", "/events", {**EVENT, "event": {}, "event_id": "second"})

    asyncio.run(run())
