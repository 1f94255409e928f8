"""What is written back: changes only, once, and nothing of objects that are gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from reconciler.continuous.operator.cache import Cache
from reconciler.continuous.operator.cluster import ClusterFailed
from reconciler.continuous.operator.documents import Objects, make_documents
from reconciler.continuous.operator.objects import FINALIZER, Object
from reconciler.continuous.operator.runs import Run
from reconciler.continuous.operator.source import ClusterSettings, ClusterSource
from reconciler.continuous.operator.writer import Writer
from reconciler.continuous.results import Result, State
from reconciler.core.change import Violation
from reconciler.manifests import SecretLookup
from tests.continuous.operator.objects_for_tests import (
    NOW,
    MemoryCluster,
    make_result,
    make_tenant,
    make_webhook,
)
from tests.continuous.operator.plans import make_plan

KEY = "payments/production"
SYNCED = make_result(State.SYNCED, plan=make_plan())
REFUSED = make_result(
    State.REFUSED, plan=make_plan(delete="a"), violations=(Violation("delete-limit", "many"),)
)


class Writing:
    """A writer over objects that a cluster in memory has."""

    def __init__(self, *items: Object, **settings: Any) -> None:
        self.cluster, self.cache = MemoryCluster(), Cache()
        for item in items:
            self.cache.put(item)
            self.cluster.objects[item.uid] = item
        given = ClusterSettings("operator", SecretLookup(mode="require"), **settings)
        self.source = ClusterSource(self.cache, self.cluster, given)
        self.writer = Writer(self.cache, self.cluster, lambda: NOW, self.source)

    def end(self, result: Result, key: str = KEY) -> list[str]:
        """What is requested after a run with that result."""
        items = dict(self.source.list_items("payments"))
        others = tuple(self.cache.list_objects("payments", "Webhook"))
        tenants = tuple(items.values())
        objects = Objects("payments", items[key], others, "u", tenants=tenants)
        self.writer.note_run(Run(key, result, objects, make_documents(objects)))
        return self.flush()

    def flush(self) -> list[str]:
        self.cluster.calls.clear()
        asyncio.run(self.writer.flush())
        return sorted(" ".join(each.split()[:3]) for each in self.cluster.calls)


def test_only_changes_are_written() -> None:
    writing = Writing(make_tenant(), make_webhook("a"))
    assert writing.end(SYNCED) == ["status a", "status production"]
    assert writing.end(SYNCED) == []
    later = replace(SYNCED, revision="objects-2")
    assert writing.end(later) == ["status production"]


def test_a_refused_plan_is_one_event_per_digest() -> None:
    writing = Writing(make_tenant(), make_webhook("a"))
    event = "event production GuardRefused"
    assert event in writing.end(REFUSED)
    assert event not in writing.end(REFUSED)
    other = replace(REFUSED, plan=make_plan(delete="b"))
    assert event in writing.end(other)
    writing.end(SYNCED)
    assert event in writing.end(other)


def test_an_object_goes_when_every_tenant_of_its_namespace_let_it_go() -> None:
    deleted = make_webhook("a", is_deleting=True, finalizers=(FINALIZER,))
    writing = Writing(make_tenant(), make_tenant("second", owner="x"), deleted)
    assert "finalizer a False" not in writing.end(SYNCED)
    assert "finalizer a False" in writing.end(SYNCED, "payments/second")


def test_what_is_gone_and_what_another_replica_runs_is_not_written() -> None:
    is_ours = True
    writing = Writing(make_tenant(), make_webhook("a"), holds=lambda *_: is_ours)
    writing.cache.put(make_webhook("a", uid="new", version="9"))
    writing.writer.note_status(make_webhook("a"), {"x": 1})
    assert writing.flush() == []
    is_ours = False
    assert writing.end(SYNCED) == []


@pytest.mark.parametrize(("status", "is_repeated"), [(500, True), (409, True), (422, False)])
def test_what_failed_is_written_again_unless_it_would_be_refused(
    status: int, is_repeated: bool
) -> None:
    writing = Writing(make_tenant())
    apply = writing.cluster.apply_status

    async def fail(item: Object, _status: Any) -> bool:
        writing.cluster.calls.append(f"failed {item.name}")
        raise ClusterFailed("no", status)

    writing.cluster.apply_status = fail  # type: ignore[method-assign, assignment]
    assert writing.end(SYNCED) == ["failed production"]
    writing.cluster.apply_status = apply  # type: ignore[method-assign]
    assert writing.flush() == (["status production"] if is_repeated else [])


def test_the_status_of_a_cluster_tenant_is_that_of_its_worst_namespace() -> None:
    shared = make_tenant("shared", "", allowedNamespaces=["*"])
    writing = Writing(shared, make_webhook("a"), make_webhook("b", "search"))
    writing.end(REFUSED, "payments/shared@cluster")
    objects = Objects("search", shared, (), "u", tenants=(shared,))
    run = Run("search/shared@cluster", SYNCED, objects, make_documents(objects))
    writing.writer.note_run(run)
    writing.flush()
    [ready, _] = writing.cluster.objects[shared.uid].status["conditions"]
    assert ready["reason"] == "GuardRefused"
