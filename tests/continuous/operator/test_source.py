"""Desired state from objects: what a run reads, and when it reads nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from reconciler.continuous.operator.cache import Cache
from reconciler.continuous.operator.objects import FINALIZER, SHARD, Object
from reconciler.continuous.operator.source import ClusterSettings, ClusterSource, NotUsable
from reconciler.core.errors import InvalidManifests
from reconciler.manifests import SecretLookup, find_unresolved
from tests.continuous.operator.objects_for_tests import (
    MemoryCluster,
    make,
    make_tenant,
    make_webhook,
)

KEY = "payments/production"
SECRETS = {("payments", "tenant"): {"token": "t"}}
AUTH = {"type": "bearer", "token": {"fromSecret": {"name": "hook", "key": "value"}}}


def make_source(cluster: MemoryCluster, *items: Object, **settings: Any) -> ClusterSource:
    cache = Cache()
    for item in items:
        cache.put(item)
        cluster.objects[item.uid] = item
    given = ClusterSettings("operator", SecretLookup(mode="require"), **settings)
    source = ClusterSource(cache, cluster, given)
    source.cluster_uid = "cluster-uid"
    return source


def names_of(source: ClusterSource, key: str = KEY) -> list[str]:
    manifests = asyncio.run(source.read(key)).manifests
    return sorted(each.key for each in manifests.declared)


def test_a_run_reads_the_objects_and_secrets_of_its_namespace() -> None:
    cluster = MemoryCluster({**SECRETS, ("payments", "hook"): {"value": "v"}})
    items = (
        make_tenant(), make_webhook("a", spec={"auth": AUTH}), make_webhook("b"),
        make_webhook("c", "search"),
    )  # fmt: skip
    source = make_source(cluster, *items)
    assert names_of(source) == ["a", "b"]
    assert sorted(cluster.calls) == [
        "finalizer a True", "finalizer b True", "finalizer production True",
        "secret payments/hook", "secret payments/tenant",
    ]  # fmt: skip
    cluster.calls.clear()
    assert names_of(source) == ["a", "b"]
    assert [each for each in cluster.calls if "finalizer" in each] == []


def test_nothing_is_asked_of_namespace_and_definitions_unless_something_goes() -> None:
    cluster = MemoryCluster(dict(SECRETS))
    source = make_source(cluster, make_tenant(), make_webhook("a", is_deleting=True))
    assert names_of(source) == []
    assert cluster.calls[:2] == ["definitions", "namespace payments"]


def test_a_definition_that_goes_is_no_removal() -> None:
    cluster = MemoryCluster(dict(SECRETS), kinds_gone=frozenset({"Webhook"}))
    source = make_source(cluster, make_tenant(), make_webhook("a", is_deleting=True))
    with pytest.raises(NotUsable, match="CustomResourceDefinition of Webhook is missing"):
        names_of(source)


def test_an_api_server_that_is_away_is_no_empty_state() -> None:
    cluster = MemoryCluster(dict(SECRETS), is_away=True)
    source = make_source(cluster, make_tenant(), make_webhook("a"))
    with pytest.raises(NotUsable, match="does not answer"):
        names_of(source)
    assert KEY in source.runs  # so that the statuses say it


def test_an_object_that_went_before_it_was_applied_stops_the_run() -> None:
    cluster = MemoryCluster(dict(SECRETS))
    gone = make_webhook("a")
    source = make_source(cluster, make_tenant(), gone)
    del cluster.objects[gone.uid]
    with pytest.raises(NotUsable, match="Webhook a was deleted before it was applied"):
        names_of(source)


def test_two_tenants_of_one_target_in_two_namespaces_refuse_each_other() -> None:
    source = make_source(
        MemoryCluster(dict(SECRETS)), make_tenant(), make_tenant("other", "search"),
        make_webhook("a"), make_webhook("b", "search"),
    )  # fmt: skip
    for key, twin in ((KEY, "search/other"), ("search/other", KEY)):
        with pytest.raises(NotUsable, match=f"{twin} has the same address, target and owner"):
            names_of(source, key)


def test_a_missing_and_an_empty_secret_are_problems_of_the_manifests() -> None:
    for secrets in ({}, {"value": ""}, {"other": "v"}):
        cluster = MemoryCluster({**SECRETS, ("payments", "hook"): secrets})
        source = make_source(cluster, make_tenant(), make_webhook("a", spec={"auth": AUTH}))
        manifests = asyncio.run(source.read(KEY)).manifests
        assert any("there is no Secret hook" in str(each) for each in _problems(manifests))


def _problems(manifests: Any) -> list[Any]:
    return list(find_unresolved(manifests, manifests.declared))


def test_an_unknown_field_of_a_newer_version_is_a_problem() -> None:
    source = make_source(
        MemoryCluster(dict(SECRETS)), make_tenant(), make_webhook("a", spec={"later": 1})
    )
    with pytest.raises(InvalidManifests):
        names_of(source)


def test_a_webhook_cannot_read_the_secret_of_a_cluster_tenant() -> None:
    name = "tenant.cluster-tenant"
    auth = {"type": "bearer", "token": {"fromSecret": {"name": name, "key": "token"}}}
    cluster = MemoryCluster({("operator", "tenant"): {"token": "of-the-operator"}})
    source = make_source(
        cluster, make_tenant("shared", "", allowedNamespaces=["*"]),
        make_webhook("a", spec={"auth": auth}),
    )  # fmt: skip
    manifests = asyncio.run(source.read("payments/shared@cluster")).manifests
    assert "secret payments/tenant.cluster-tenant" in cluster.calls
    assert manifests.tenant is not None
    assert manifests.tenant.token is not None
    assert any(
        "there is no Secret tenant.cluster-tenant.own" in str(each) for each in _problems(manifests)
    )


def test_secrets_that_went_with_their_namespace_are_remembered() -> None:
    cluster = MemoryCluster(dict(SECRETS))
    source = make_source(cluster, make_tenant(), make_webhook("a"))
    assert names_of(source) == ["a"]
    cluster.secrets.clear()
    cluster.terminating.add("payments")
    source._cache.put(make_webhook("a", is_deleting=True, version="2"))
    manifests = asyncio.run(source.read(KEY)).manifests
    assert manifests.tenant is not None
    assert manifests.tenant.token is not None


def test_a_tenant_that_goes_without_its_namespace_runs_no_more() -> None:
    source = make_source(MemoryCluster(dict(SECRETS)), make_tenant(), make_webhook("a"))
    source._cache.put(replace(make_tenant(), is_deleting=True, version="2"))
    assert [key for key, _ in source.list_items("payments")] == [KEY]
    with pytest.raises(NotUsable, match="its webhooks stay as they are"):
        names_of(source)
    source.leaving.add(make_tenant().uid)
    assert list(source.list_items("payments")) == []


def test_a_cluster_tenant_is_an_item_of_each_allowed_namespace_with_webhooks() -> None:
    shared = make_tenant("shared", "", allowedNamespaces=["a", "b"])
    items = (make_webhook("w", "a"), make("Policy", "p", "b"), make_webhook("w", "c"))
    source = make_source(MemoryCluster(), shared, *items)
    assert list(source.tenants) == ["a/shared@cluster"]
    assert source.find_affected(shared) == ["a/shared@cluster"]
    assert source.find_affected(items[0]) == ["a/shared@cluster"]
    assert source.find_affected(items[2]) == []


def test_all_tenants_of_a_namespace_are_in_one_shard() -> None:
    asked: list[tuple[str | None, str]] = []

    def holds(label: str | None, namespace: str) -> bool:
        asked.append((label, namespace))
        return namespace == "payments"

    source = make_source(
        MemoryCluster(), make_tenant("a"), replace(make_tenant("b"), labels={SHARD: "3"}),
        make_tenant("c", "search"), holds=holds,
    )  # fmt: skip
    assert list(source.tenants) == ["payments/a", "payments/b"]
    assert asked == [("3", "payments"), (None, "search")]


def test_a_report_sets_no_finalizer() -> None:
    cluster = MemoryCluster(dict(SECRETS))
    source = make_source(cluster, make_tenant(mode="report"), make_webhook("a"))
    assert names_of(source) == ["a"]
    assert [each for each in cluster.calls if "finalizer" in each] == []
    assert FINALIZER == "webhooks.reconciler/tenant"
