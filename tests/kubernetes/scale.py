"""10,000 Webhooks in 100 Tenants: how long, how much memory, and what an hour without changes costs.

`make bench-kubernetes` runs it, and prints the figures; `make test-kubernetes` leaves it out.
"""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any

import pytest

from tests.kubernetes.control_plane import HOST, ControlPlane
from tests.kubernetes.kubectl import GROUP_PATH, Kubectl, wait_until
from tests.kubernetes.operators import Operator, tenant_object, webhook
from tests.support.processes import ROOT, environment
from tests.support.servers import free_port

TENANTS = 100
WEBHOOKS = 100  # of each
INTERVAL = 30.0
TOKEN = "local-token-of-this-test-0123456789abcdef"


class Creator:
    """Creates objects over a few connections at once."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self.local = plane, local()
        self.connections: list[http.client.HTTPSConnection] = []
        self.context = ssl.create_default_context(cafile=str(plane.folder / "ca.crt"))

    def create(self, path: str, body: dict[str, Any]) -> None:
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPSConnection(
                HOST, self.plane.port, timeout=60, context=self.context
            )
            self.connections.append(self.local.connection)
        headers = {
            "Authorization": f"Bearer {self.plane.token}",
            "Content-Type": "application/json",
        }
        self.local.connection.request("POST", path, json.dumps(body), headers)
        answer = self.local.connection.getresponse()
        text = answer.read()
        assert answer.status in {201, 409}, text

    def create_all(self, items: list[tuple[str, dict[str, Any]]]) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each: self.create(*each), items))
        for connection in self.connections:
            connection.close()
        self.local = local()


@pytest.fixture
def tenants(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "tenants"
    folder.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "tests.kubernetes.many_tenants", str(folder), str(TENANTS)]
    process = subprocess.Popen([*command, str(port), TOKEN], cwd=ROOT, env=environment())
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: read_counts(url) is not None, "the tenants are served", 120)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def read_counts(url: str) -> dict[str, int] | None:
    try:
        with urllib.request.urlopen(f"{url}/counts", timeout=30) as answer:
            found: dict[str, int] = json.loads(answer.read())
            return found
    except OSError:
        return None


def read_memory(pid: int) -> int:
    """Resident memory in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


def count_ready(kubectl: Kubectl) -> int:
    total, token = 0, ""
    while True:
        path = f"{GROUP_PATH}/tenants?limit=500&continue={token}"
        _, body = kubectl.control_plane.call("GET", path)
        total += sum(
            each["type"] == "Ready" and each["status"] == "True"
            for item in body["items"] or ()
            for each in item.get("status", {}).get("conditions", ())
        )
        token = body["metadata"].get("continue", "")
        if not token:
            return total


def test_ten_thousand_webhooks_in_a_hundred_tenants(
    kubectl: Kubectl, tenants: str, tmp_path: Path
) -> None:
    creator, began = Creator(kubectl.control_plane), time.monotonic()
    names = [f"scale-{number}" for number in range(TENANTS)]
    space = {"apiVersion": "v1", "kind": "Namespace"}
    creator.create_all([("/api/v1/namespaces", space | {"metadata": {"name": n}}) for n in names])
    items: list[tuple[str, dict[str, Any]]] = []
    for number, name in enumerate(names):
        own = f"{GROUP_PATH}/namespaces/{name}"
        body = {"kind": "Secret", "metadata": {"name": "tenant"}, "stringData": {"token": TOKEN}}
        items.append((f"/api/v1/namespaces/{name}/secrets", {"apiVersion": "v1", **body}))
        url = f"{tenants}/{number}/public-api/v1"
        spec = tenant_object(url, owner=f"team-{number}", interval=f"{INTERVAL:g}s")
        items.append((f"{own}/tenants", spec))
        items += [(f"{own}/webhooks", webhook(f"hook-{each}")) for each in range(WEBHOOKS)]
    creator.create_all(items)
    print(f"\n{len(items)} objects created in {time.monotonic() - began:.0f} s")
    with Operator(kubectl, tmp_path / "operator", is_cluster_wide=True) as operator:
        began = time.monotonic()
        wait_until(lambda: count_ready(kubectl) == TENANTS, "converged", 400)
        print(f"converged after {time.monotonic() - began:.0f} s")
        wait_quiet(operator)
        assert operator.process is not None
        print(f"{read_memory(operator.process.pid)} MB resident after the first runs")
        before, began = read_counts(tenants), time.monotonic()
        time.sleep(3 * INTERVAL)
        after, seconds = read_counts(tenants), time.monotonic() - began
        assert before is not None
        assert after is not None
        listings = after["listings"] - before["listings"]
        pages = after["pages"] - before["pages"]
        runs = seconds / INTERVAL * TENANTS
        print(f"{listings} listings in {pages} pages in {seconds:.0f} s, {runs:.0f} intervals")
        print(f"{read_memory(operator.process.pid)} MB resident in the end")
        assert after["writes"] == before["writes"]
        assert 0.75 * runs < listings < 1.25 * runs
        assert pages <= listings * (-(-WEBHOOKS // 100) + 1)


def wait_quiet(operator: Operator) -> None:
    """Until the statuses are written: no run is due, and two intervals passed."""
    time.sleep(2 * INTERVAL)
    wait_until(operator.is_ready, "ready")
