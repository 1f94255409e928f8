"""Test deliveries that an annotation asks for: over HTTP against kmock, a served tenant, and a
receiver.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from reconciler.continuous.operator.conditions import Condition
from reconciler.continuous.operator.last_state import find_tests
from reconciler.continuous.operator.objects import TEST, Object
from reconciler.continuous.operator.webhook_status import _carry
from tests.continuous.operator.emulated import emulate, until
from tests.continuous.operator.running import operate, secret, tenant_object, webhook
from tests.support.processes import Tenant
from tests.support.receiver import Receiver


def test_an_annotation_asks_for_one_test_delivery_and_the_condition_says_how_it_ended(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with asyncio.timeout(60), emulate("payments") as cluster:
            await cluster.create("payments", secret("tenant"))
            await cluster.set_secret("payments", "tenant", token=tenant.token)
            await cluster.create("payments", tenant_object(tenant.url))
            await cluster.create("payments", webhook("oncall", url=receiver.url("/hook")))

            def passed(value: str) -> bool:
                found = cluster.condition("payments", "Webhook", "oncall", "TestPassed")
                return found.get("status") == value

            async with operate(cluster, tmp_path):
                await until(
                    lambda: (
                        cluster.condition("payments", "Webhook", "oncall").get("status") == "True"
                    ),
                    "ready",
                )
                assert receiver.requests == ()
                receiver.script("/hook", 200)
                await cluster.annotate("payments", "Webhook", "oncall", test="1")
                await until(lambda: passed("True"), "the test passed")
                receiver.script("/hook", 500)
                await cluster.annotate("payments", "Webhook", "oncall", test="2")
                await until(lambda: passed("False"), "the test failed")
                found = cluster.condition("payments", "Webhook", "oncall", "TestPassed")
                assert found["message"] == "receiver-error (500)"
                await cluster.annotate("payments", "Tenant", "production", request="again")
                await asyncio.sleep(1)
            assert len(receiver.requests) == 2
            kept = cluster.find("payments", "Webhook", "oncall")
            assert kept is not None
            assert kept["status"]["lastTest"] == "2"

    with Receiver() as receiver:
        options = ("--allow-network", "127.0.0.0/8", "--allow-port", str(receiver.port))
        with Tenant(tmp_path / "tenant", *options) as tenant:
            asyncio.run(main())


def test_a_test_is_wanted_once_per_value() -> None:
    class Objects:
        def list_kind(self, kind: str) -> list[Object]:
            asked = Object(kind, "n", "asked", "1", "1", annotations={TEST: "b"})
            done = Object(
                kind, "n", "done", "2", "1", annotations={TEST: "b"}, status={"lastTest": "b"}
            )
            return [asked, done, Object(kind, "n", "plain", "3", "1")]

    assert find_tests(Objects()) == {"asked": "b"}  # type: ignore[arg-type]  # all that it asks


def test_what_was_not_looked_at_stays() -> None:
    old = [
        {"type": name, "status": "True"} for name in ("Ready", "Synced", "Drifted", "TestPassed")
    ]
    unknown = [Condition("Ready", "Unknown", "TenantUnreachable")]
    refused = [Condition("Ready", "False", "NoTenant")]
    assert [each["type"] for each in _carry(old, unknown)] == ["Synced", "Drifted", "TestPassed"]
    assert [each["type"] for each in _carry(old, refused)] == ["TestPassed"]
