"""An operator that is killed, an API server that is away, replicas that are lost."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.kubernetes.counting import Noted, note_requests
from tests.kubernetes.kubectl import GROUP_PATH, Kubectl, wait_until
from tests.kubernetes.operators import Operator, secret, tenant_object, webhook
from tests.support.processes import Tenant

KILLS = 20
OBJECTS = 200
SHARDS = 4
LEASE = 6.0


def change_objects(kubectl: Kubectl, is_over: threading.Event) -> dict[str, str]:
    """Gives the webhooks new urls, one after the other; the last url of each."""
    urls: dict[str, str] = {}
    number = 0
    while not is_over.wait(0.02):
        name = f"hook-{number % OBJECTS}"
        url = f"https://hooks.example.com/{name}/{number}"
        path = f"{GROUP_PATH}/namespaces/{kubectl.namespace}/webhooks/{name}"
        status, _ = kubectl.control_plane.call("PATCH", path, {"spec": {"url": url}}, "merge")
        assert status == 200
        urls[name] = url
        number += 1
    return urls


@pytest.mark.long
def test_killed_twenty_times_while_two_hundred_objects_change(
    kubectl: Kubectl, tenant: Tenant, tmp_path: Path
) -> None:
    kubectl.apply(
        secret("tenant", token=tenant.token),
        tenant_object(tenant.url, limits={"updates": {"share": 1}}),
        *(webhook(f"hook-{number}") for number in range(OBJECTS)),
    )
    is_over, urls = threading.Event(), dict[str, str]()
    changing = threading.Thread(target=lambda: urls.update(change_objects(kubectl, is_over)))
    changing.start()
    operator = Operator(kubectl, tmp_path / "operator")
    try:
        for number in range(KILLS):
            operator.start()
            ready = time.monotonic()
            wait_until(operator.is_ready, "ready")
            time.sleep(0.3 + number % 5 * 0.5)
            operator.kill()
            print(f"kill {number} after {time.monotonic() - ready:.1f} s")
    finally:
        is_over.set()
        changing.join(30)
    with operator:
        wait_until(
            lambda: {k: v["url"] for k, v in tenant.by_name().items()} == url_by_name(urls),
            "converged",
            120,
        )
        kubectl.wait_ready("webhook", seconds=60)
    names = [each["name"] for each in tenant.webhooks()]
    assert len(names) == len(set(names)) == OBJECTS


def url_by_name(urls: dict[str, str]) -> dict[str, str]:
    names = (f"hook-{number}" for number in range(OBJECTS))
    return {name: urls.get(name, f"https://hooks.example.com/{name}") for name in names}


def test_an_api_server_that_is_away_is_no_empty_cluster(
    kubectl: Kubectl, tenant: Tenant, operator: Operator
) -> None:
    plane = kubectl.control_plane
    kubectl.apply(secret("tenant", token=tenant.token), tenant_object(tenant.url, interval="10s"))
    kubectl.apply(*(webhook(f"hook-{number}") for number in range(5)))
    kubectl.wait_ready("webhook")

    plane.kill_api_server()
    time.sleep(25)
    assert len(tenant.webhooks()) == 5
    assert operator.process is not None
    assert operator.process.poll() is None
    plane.start_api_server()
    kubectl.apply(webhook("hook-0", url="https://hooks.example.com/after-the-restart"))
    wait_until(lambda: tenant.by_name()["hook-0"]["url"].endswith("restart"), "followed", 60)

    plane.freeze()
    try:
        time.sleep(25)
        assert operator.status()["source"]["shards"] == []  # its Lease is over
    finally:
        plane.thaw()
    kubectl.apply(webhook("hook-1", url="https://hooks.example.com/after-the-frost"))
    wait_until(lambda: tenant.by_name()["hook-1"]["url"].endswith("frost"), "followed", 60)
    assert len(tenant.webhooks()) == 5
    kubectl.wait_ready("webhook")


def list_shards(operator: Operator) -> set[int]:
    source = operator.status().get("source", {})
    return set(source.get("shards", ()))


def test_a_lost_replica_is_taken_over_and_no_tenant_runs_twice_at_once(
    kubectl: Kubectl, tenant: Tenant, tmp_path: Path
) -> None:
    spaces = [kubectl.make_namespace(f"replicas-{number}") for number in range(8)]
    options = ["--shards", str(SHARDS)]
    for each in spaces:
        options += ["--namespace", each.namespace]
    with note_requests(tenant.url, pause=0.5) as noting:
        for number, each in enumerate(spaces):
            token = tenant.make_token(f"t{number}", "Webhooks: Write", "Events: Write")
            spec = tenant_object(noting.url, owner=f"team-{number}", interval="10s")
            each.apply(secret("tenant", token=token), spec, webhook(f"hook-{number}"))
        first = Operator(kubectl, tmp_path / "first", *options)
        second = Operator(kubectl, tmp_path / "second", *options)
        with first, second:
            everything = set(range(SHARDS))
            wait_until(lambda: list_shards(first) | list_shards(second) == everything, "shared")
            assert list_shards(first)
            assert list_shards(second)
            for each in spaces:
                each.wait_ready("webhook")
            time.sleep(12)
            first.kill()
            lost = time.monotonic()
            wait_until(lambda: list_shards(second) == everything, "taken over", LEASE + 8)
            print(f"taken over after {time.monotonic() - lost:.1f} s, the lease is {LEASE:g} s")
            time.sleep(5)
            first.start()
            wait_until(first.is_ready, "the replica is back")
            second.stop()
            given = time.monotonic()
            wait_until(lambda: list_shards(first) == everything, "given back", LEASE)
            print(f"after SIGTERM taken over within {time.monotonic() - given:.1f} s")
        check_overlaps(noting.list_listings(), killed=lost)
    assert len(tenant.webhooks()) == 8
    for each in spaces:
        each.clear()


def check_overlaps(listings: list[Noted], killed: float) -> None:
    """No two listings of one Tenant at once. One that was under way at the kill ends by itself."""
    by_token: dict[str, list[Noted]] = {}
    for each in sorted(listings, key=lambda each: each.began):
        by_token.setdefault(each.token, []).append(each)
    assert len(by_token) == 8
    for own in by_token.values():
        for earlier, later in pairwise(own):
            assert earlier.ended <= later.began or earlier.began < killed < earlier.ended
