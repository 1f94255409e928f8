"""The operator over HTTP against kmock's API server, with a served tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.continuous.operator.emulated import Cluster, emulate, until
from tests.continuous.operator.running import make_object, operate, secret, tenant_object, webhook
from tests.support.processes import Tenant

AUTH = {"type": "bearer", "token": {"fromSecret": {"name": "hook", "key": "value"}}}


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with Tenant(tmp_path / "tenant") as running:
        yield running


def run(work: Callable[[Cluster], Awaitable[None]]) -> None:
    """A test in a cluster with the namespace `payments`; at most a minute."""

    async def main() -> None:
        async with asyncio.timeout(60), emulate("payments") as cluster:
            await work(cluster)

    asyncio.run(main())


async def declare(cluster: Cluster, tenant: Tenant, *documents: dict[str, Any]) -> None:
    await cluster.create("payments", secret("tenant"))
    await cluster.set_secret("payments", "tenant", token=tenant.token)
    limits = {"updates": {"share": 1}}
    await cluster.create("payments", tenant_object(tenant.url, limits=limits))
    for document in documents:
        await cluster.create("payments", document)


async def ready(cluster: Cluster, *names: str, value: str = "True", reason: str = "") -> None:
    def is_ready() -> bool:
        found = [cluster.condition("payments", "Webhook", name) for name in names]
        return all(
            each.get("status") == value and reason in {"", each.get("reason")} for each in found
        )

    await until(is_ready, f"{names} {value} {reason}")


def test_apply_edit_and_delete(tenant: Tenant, tmp_path: Path) -> None:
    async def work(cluster: Cluster) -> None:
        await declare(cluster, tenant, webhook("oncall"), webhook("audit"))
        async with operate(cluster, tmp_path):
            await ready(cluster, "oncall", "audit")
            found = cluster.find("payments", "Webhook", "oncall")
            assert found is not None
            assert found["status"]["tenants"][0]["id"] == tenant.by_name()["oncall"]["id"]
            assert found["metadata"]["finalizers"] == ["webhooks.reconciler/tenant"]
            await cluster.edit("payments", "Webhook", "oncall", url="https://hooks.example.com/b")
            await until(lambda: tenant.by_name()["oncall"]["url"].endswith("/b"), "the new url")
            await cluster.delete("payments", "Webhook", "audit")
            await until(lambda: cluster.find("payments", "Webhook", "audit") is None, "gone")
            assert set(tenant.by_name()) == {"oncall"}

    run(work)


def test_a_rotated_secret_reaches_the_tenant_and_an_empty_one_deletes_nothing(
    tenant: Tenant, tmp_path: Path
) -> None:
    async def work(cluster: Cluster) -> None:
        await declare(cluster, tenant, secret("hook"), webhook("oncall", auth=AUTH))
        await cluster.set_secret("payments", "hook", value="first")
        async with operate(cluster, tmp_path, key="a long random text that stays"):
            await ready(cluster, "oncall")
            first = tenant.by_name()["oncall"]["auth"]
            await cluster.set_secret("payments", "hook", value="second")
            await cluster.annotate("payments", "Tenant", "production", request="1")
            await until(lambda: tenant.by_name()["oncall"]["auth"] != first, "the new version")
            await ready(cluster, "oncall")
            for number, change in enumerate(("", None)):
                if change is None:
                    await cluster.delete("payments", "Secret", "hook")
                else:
                    await cluster.set_secret("payments", "hook", value=change)
                await cluster.annotate(
                    "payments", "Tenant", "production", request=f"again-{number}"
                )
                await ready(cluster, "oncall", value="False", reason="SecretMissing")
                assert set(tenant.by_name()) == {"oncall"}

    run(work)


@pytest.mark.parametrize("status", [409, 500])
def test_a_status_that_was_refused_is_written_again(
    tenant: Tenant, tmp_path: Path, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.continuous.operator.writer._RETRY", 0.1)
    refused: list[str] = []

    def refuse(request: Any) -> int | None:
        if request.subresource == "status" and len(refused) < 5:
            refused.append(request.name)
            return status
        return None

    async def work(cluster: Cluster) -> None:
        cluster.emulator.refuse = refuse
        await declare(cluster, tenant, webhook("oncall"))
        async with operate(cluster, tmp_path):
            await ready(cluster, "oncall")
        assert len(refused) == 5

    run(work)


def test_an_api_server_that_is_away_is_no_empty_cluster(tenant: Tenant, tmp_path: Path) -> None:
    async def work(cluster: Cluster) -> None:
        await declare(cluster, tenant, webhook("oncall"), webhook("audit"))
        async with operate(cluster, tmp_path, resync=1.0) as operator:
            await ready(cluster, "oncall", "audit")
            await cluster.close()
            await until(lambda: not operator.is_ready, "it notices")
            await asyncio.sleep(3)  # longer than its Lease
            assert operator.make_status()["source"]["shards"] == []
            assert set(tenant.by_name()) == {"oncall", "audit"}
            await cluster.serve()
            await until(lambda: operator.is_ready, "it is back")
            await cluster.edit("payments", "Webhook", "oncall", url="https://hooks.example.com/b")
            await until(lambda: tenant.by_name()["oncall"]["url"].endswith("/b"), "the new url")
            assert set(tenant.by_name()) == {"oncall", "audit"}

    run(work)


def test_what_is_edited_during_a_run_is_applied_by_the_next(tenant: Tenant, tmp_path: Path) -> None:
    async def work(cluster: Cluster) -> None:
        names = [f"hook-{number}" for number in range(10)]
        await declare(cluster, tenant, *map(webhook, names))
        async with operate(cluster, tmp_path):
            for number in range(30):
                name = names[number % len(names)]
                url = f"https://hooks.example.com/{name}/{number}"
                await cluster.edit("payments", "Webhook", name, url=url)
                await asyncio.sleep(0.03)
            last = {
                name: f"https://hooks.example.com/{name}/{20 + i}" for i, name in enumerate(names)
            }
            await until(
                lambda: {k: v["url"] for k, v in tenant.by_name().items()} == last, "converged"
            )
            await ready(cluster, *names)
        assert {k: v["url"] for k, v in tenant.by_name().items()} == last

    run(work)


def test_a_namespace_that_goes_deletes_nothing_until_its_plan_is_accepted(
    tenant: Tenant, tmp_path: Path
) -> None:
    async def work(cluster: Cluster) -> None:
        names = [f"hook-{number}" for number in range(5)]
        await declare(cluster, tenant, *map(webhook, names))
        async with operate(cluster, tmp_path):
            await ready(cluster, *names)
            await cluster.terminate("payments")

            def is_stalled() -> bool:
                found = cluster.condition("payments", "Tenant", "production", "Stalled")
                return found.get("reason") == "GuardRefused"

            await until(is_stalled, "refused")
            assert set(tenant.by_name()) == set(names)
            found = cluster.find("payments", "Tenant", "production")
            assert found is not None
            digest = found["status"]["planDigest"]
            await cluster.annotate("payments", "Tenant", "production", accept=digest)
            await until(lambda: not tenant.webhooks(), "deleted")
            await until(
                lambda: cluster.find("payments", "Tenant", "production") is None, "the Tenant goes"
            )

    run(work)


def test_a_definition_that_goes_deletes_nothing(tenant: Tenant, tmp_path: Path) -> None:
    async def work(cluster: Cluster) -> None:
        await declare(cluster, tenant, webhook("oncall"), webhook("audit"))
        async with operate(cluster, tmp_path):
            await ready(cluster, "oncall", "audit")
            path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            mark = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x"]}
            await cluster.call("PATCH", f"{path}/webhooks.webhooks.reconciler", {"metadata": mark})
            await cluster.delete("payments", "Webhook", "oncall")
            await until(
                lambda: (
                    cluster.condition("payments", "Tenant", "production").get("reason")
                    == "ClusterNotReady"
                ),
                "it says so",
            )
            assert set(tenant.by_name()) == {"oncall", "audit"}

    run(work)


def test_a_tenant_that_goes_leaves_its_webhooks(tenant: Tenant, tmp_path: Path) -> None:
    async def work(cluster: Cluster) -> None:
        await declare(cluster, tenant, webhook("oncall"))
        async with operate(cluster, tmp_path):
            await ready(cluster, "oncall")
            await cluster.delete("payments", "Tenant", "production")
            await until(
                lambda: cluster.find("payments", "Tenant", "production") is None, "the Tenant goes"
            )
            await ready(cluster, "oncall", value="False", reason="NoTenant")
            await cluster.delete("payments", "Webhook", "oncall")
            await until(lambda: cluster.find("payments", "Webhook", "oncall") is None, "gone")
            assert set(tenant.by_name()) == {"oncall"}

    run(work)


def test_an_object_that_was_deleted_while_no_operator_ran_and_has_no_tenant_goes(
    tenant: Tenant, tmp_path: Path
) -> None:
    async def work(cluster: Cluster) -> None:
        await declare(cluster, tenant, webhook("oncall"))
        async with operate(cluster, tmp_path):
            await ready(cluster, "oncall")
        await cluster.delete("payments", "Webhook", "oncall")
        await cluster.delete("payments", "Tenant", "production")
        async with operate(cluster, tmp_path, identity="two"):
            await until(
                lambda: cluster.find("payments", "Webhook", "oncall") is None, "the object goes"
            )
            await until(
                lambda: cluster.find("payments", "Tenant", "production") is None, "and its Tenant"
            )
        assert set(tenant.by_name()) == {"oncall"}

    run(work)


def test_two_clusters_with_one_owner_refuse_each_other(tenant: Tenant, tmp_path: Path) -> None:
    async def work(cluster: Cluster) -> None:
        await declare(cluster, tenant, webhook("oncall"))
        async with operate(cluster, tmp_path):
            await ready(cluster, "oncall")
            async with emulate("payments") as other, operate(other, tmp_path, identity="other"):
                await declare(other, tenant, webhook("oncall", url="https://hooks.example.com/b"))
                await until(
                    lambda: (
                        other.condition("payments", "Tenant", "production").get("reason")
                        == "GuardRefused"
                    ),
                    "refused",
                )
                await other.delete("payments", "Webhook", "oncall")
                await other.create("payments", webhook("audit"))
                await asyncio.sleep(2)
                assert tenant.by_name()["oncall"]["url"].endswith("/oncall")

    run(work)


def test_a_second_replica_takes_over_at_once_when_the_first_is_stopped(
    tenant: Tenant, tmp_path: Path
) -> None:
    async def work(cluster: Cluster) -> None:
        await declare(cluster, tenant, webhook("oncall"))
        async with operate(cluster, tmp_path, identity="one") as first:
            await ready(cluster, "oncall")
            async with operate(cluster, tmp_path, identity="two") as second:
                await asyncio.sleep(0.5)
                assert second.make_status()["source"]["shards"] == []
                first.stop()
                await until(
                    lambda: second.make_status()["source"]["shards"] == [0], "taken over", 2.5
                )
                await cluster.create("payments", webhook("audit"))
                await ready(cluster, "audit")

    run(work)


def test_a_webhook_of_two_tenants_is_ready_when_it_is_at_both(
    tenant: Tenant, tmp_path: Path
) -> None:
    async def work(cluster: Cluster) -> None:
        await declare(cluster, tenant, webhook("both"), webhook("one", {"only": "first"}))
        other = tenant_object("http://127.0.0.1:9/public-api/v1", "away")
        other["spec"] |= {"owner": "other", "interval": "10s"}
        await cluster.create("payments", other)
        async with operate(cluster, tmp_path):
            await ready(cluster, "both", value="Unknown", reason="TenantUnreachable")
            found = cluster.find("payments", "Webhook", "both")
            assert found is not None
            states = {each["name"]: each["ready"] for each in found["status"]["tenants"]}
            await until(lambda: set(tenant.by_name()) == {"both", "one"}, "created at the first")
            await until(lambda: len(_states(cluster, "both")) == 2, "both Tenants are listed")
            assert states["away"] == "Unknown"
            await cluster.delete("payments", "Webhook", "both")
            await until(lambda: set(tenant.by_name()) == {"one"}, "deleted at the first")
            await asyncio.sleep(0.5)
            assert cluster.find("payments", "Webhook", "both") is not None  # the other may have it
            await cluster.delete("payments", "Tenant", "away")
            await until(lambda: cluster.find("payments", "Webhook", "both") is None, "it goes")

    run(work)


def _states(cluster: Cluster, name: str) -> dict[str, str]:
    found = cluster.find("payments", "Webhook", name) or {}
    return {each["name"]: each["ready"] for each in found.get("status", {}).get("tenants", ())}


def test_a_cluster_tenant_serves_the_namespaces_that_it_allows(
    tenant: Tenant, tmp_path: Path
) -> None:
    async def work(cluster: Cluster) -> None:
        await cluster.create("operator", secret("tenant"))
        await cluster.set_secret("operator", "tenant", token=tenant.token)
        spec = tenant_object(tenant.url)["spec"] | {"allowedNamespaces": ["payments"]}
        await cluster.create("", make_object("ClusterTenant", "shared", **spec))
        async with operate(cluster, tmp_path):
            await cluster.create("payments", webhook("oncall"))
            await cluster.create("kube-system", webhook("elsewhere"))
            await ready(cluster, "oncall")
            assert {each["managed_by"]["owner"] for each in tenant.webhooks()} == {
                "payments.payments"
            }
            await until(
                lambda: (
                    cluster.condition("kube-system", "Webhook", "elsewhere").get("reason")
                    == "NoTenant"
                ),
                "not allowed there",
            )
            await until(
                lambda: cluster.condition("", "ClusterTenant", "shared").get("status") == "True",
                "the ClusterTenant is ready",
            )

    run(work)


def test_without_the_right_to_list_cluster_tenants_named_namespaces_are_served(
    tenant: Tenant, tmp_path: Path
) -> None:
    def refuse(request: Any) -> int | None:
        resource = request.resource
        return 403 if resource is not None and resource.plural == "clustertenants" else None

    async def work(cluster: Cluster) -> None:
        cluster.emulator.refuse = refuse
        await declare(cluster, tenant, webhook("oncall"))
        async with operate(cluster, tmp_path, namespaces=("payments",)):
            await ready(cluster, "oncall")
            await cluster.edit("payments", "Webhook", "oncall", url="https://hooks.example.com/b")
            await until(lambda: tenant.by_name()["oncall"]["url"].endswith("/b"), "the new url")
        assert set(tenant.by_name()) == {"oncall"}

    run(work)
