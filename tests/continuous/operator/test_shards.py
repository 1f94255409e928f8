"""Shards under Leases, in virtual time: two replicas never have one shard at once."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.continuous.operator.cluster import Lease
from reconciler.continuous.operator.shards import LeaseSettings, Seen, Shards, find_shard, look
from tests.continuous.operator.objects_for_tests import MemoryCluster
from tests.continuous.virtual_time import run_virtually


@pytest.mark.parametrize(("label", "expected"), [("3", 3), ("7", 3), ("0", 0)])
def test_a_number_as_label_is_the_shard(label: str, expected: int) -> None:
    assert find_shard(label, "payments", 4) == expected


def test_without_a_label_the_namespace_says_it_and_all_shards_are_used() -> None:
    found = [find_shard(None, f"team-{number}", 4) for number in range(200)]
    assert found == [find_shard(None, f"team-{number}", 4) for number in range(200)]
    assert all(30 < found.count(shard) < 70 for shard in range(4))
    assert find_shard("blue", "a", 4) == find_shard("blue", "b", 4)


def make_settings(identity: str, shards: int = 4) -> LeaseSettings:
    return LeaseSettings("operator", identity, shards, 15.0, 10.0, 2.0)


def make_shards(cluster: MemoryCluster, identity: str, shards: int = 4) -> Shards:
    return Shards(cluster, make_settings(identity, shards), lambda: None)


def test_a_lease_counts_from_when_it_was_seen_not_by_the_holders_clock() -> None:
    lease = Lease("x", "other", 15.0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z")
    seen = look(None, lease, 100.0)
    assert not seen.is_over(114.9)
    assert look(seen, lease, 110.0) is seen
    assert seen.is_over(115.0)
    assert Seen(Lease("x", "", 15.0, "", ""), 100.0).is_over(100.0)


def test_one_replica_takes_all_and_two_share() -> None:
    async def simulate() -> None:
        cluster = MemoryCluster()
        one, two = make_shards(cluster, "one"), make_shards(cluster, "two")
        tasks = [asyncio.ensure_future(each.run()) for each in (one, two)]
        await asyncio.sleep(20)
        assert one.held | two.held == {0, 1, 2, 3}
        assert not one.held & two.held
        assert one.held
        assert two.held
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert {lease.holder for lease in cluster.leases.values()} == {""}

    run_virtually(simulate())


def test_the_shards_of_a_lost_replica_are_taken_over_when_their_leases_end() -> None:
    async def simulate() -> None:
        cluster = MemoryCluster()
        one, two = make_shards(cluster, "one"), make_shards(cluster, "two")
        lost = asyncio.ensure_future(one.run())
        await asyncio.sleep(20)
        running = asyncio.ensure_future(two.run())
        await asyncio.sleep(20)
        assert two.held == set()
        one._leases = MemoryCluster(is_away=True)  # it is gone: nothing of it reaches the server
        began = asyncio.get_running_loop().time()
        while two.held != {0, 1, 2, 3}:
            assert not one.held & two.held
            await asyncio.sleep(0.1)
        assert asyncio.get_running_loop().time() - began < 15 + 2 * 4 + 2
        assert one.held == set()
        for task in (lost, running):
            task.cancel()
        await asyncio.gather(lost, running, return_exceptions=True)

    run_virtually(simulate())


def test_a_request_that_hangs_loses_the_shard_in_time() -> None:
    class Hanging(MemoryCluster):
        is_hanging = False

        async def write_lease(self, namespace: str, lease: Lease) -> Lease | None:
            if self.is_hanging:
                await asyncio.sleep(300)
            return await super().write_lease(namespace, lease)

    async def simulate() -> None:
        cluster = Hanging()
        shards = make_shards(cluster, "one", 1)
        running = asyncio.ensure_future(shards.run())
        await asyncio.sleep(5)
        assert shards.held == {0}
        cluster.is_hanging = True
        await asyncio.sleep(11)  # renew is 10, the Lease is 15
        assert shards.held == set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run_virtually(simulate())


def test_a_lease_that_somebody_else_took_is_given_up_and_a_lost_answer_is_not() -> None:
    async def simulate() -> None:
        cluster = MemoryCluster()
        shards = make_shards(cluster, "one", 1)
        running = asyncio.ensure_future(shards.run())
        await asyncio.sleep(1)
        held = cluster.leases["reconciler-shard-0"]
        await cluster.write_lease("operator", held)  # ours, but of a version that is not known
        await asyncio.sleep(2.5)
        assert shards.held == {0}
        held = cluster.leases["reconciler-shard-0"]
        taken = Lease(held.name, "two", 15.0, "", "", version=held.version)
        await cluster.write_lease("operator", taken)
        await asyncio.sleep(2.5)
        assert shards.held == set()
        await asyncio.sleep(20)
        assert shards.held == {0}  # "two" did not renew it
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run_virtually(simulate())
