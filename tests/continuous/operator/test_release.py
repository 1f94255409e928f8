"""`operator release`: finalizers go, and nothing else is touched."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.continuous.operator.objects import FINALIZER
from reconciler.continuous.operator.release import NotReleased, release
from tests.continuous.operator.objects_for_tests import (
    MemoryCluster,
    make,
    make_tenant,
    make_webhook,
)


def make_cluster() -> MemoryCluster:
    items = (
        make_webhook("a", finalizers=(FINALIZER,)), make_webhook("b", "search", finalizers=(FINALIZER,)),
        make_webhook("c"), make("Policy", "p"), make_tenant(),
    )  # fmt: skip
    return MemoryCluster(objects={item.uid: item for item in items})


def test_every_finalizer_of_ours_is_removed_once() -> None:
    cluster = make_cluster()
    assert asyncio.run(release(cluster, ())) == 2
    assert not any(item.has_finalizer for item in cluster.objects.values())
    assert asyncio.run(release(cluster, ())) == 0
    writes = [each for each in cluster.calls if not each.startswith("list")]
    assert writes == ["finalizer a False", "finalizer b False"]


def test_it_is_limited_to_namespaces() -> None:
    cluster = make_cluster()
    assert asyncio.run(release(cluster, ("search",))) == 1
    assert cluster.objects["uid-payments-Webhook-a"].has_finalizer


def test_a_failure_says_how_far_it_came() -> None:
    cluster = make_cluster()
    cluster.is_away = True
    with pytest.raises(NotReleased, match="0 objects were released, then: "):
        asyncio.run(release(cluster, ()))
