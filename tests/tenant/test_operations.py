"""What an operator of the tenant sees: metrics, health, log lines, and the rate of each token."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.delivery.guard import AddressPolicy
from reconciler.delivery.send import Sender
from reconciler.tenant.server.app import OPERATIONS, create_app
from reconciler.tenant.store.store import open_store
from reconciler.tenant.store.values.token import READ, WRITE
from tests.tenant.harness import BASE, BEARER, EVENT, LOCAL, Tenant, receiver, with_tenant

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def _metrics(t: Tenant) -> Samples:
    answer = await t.call("GET", "/metrics")
    assert answer.status_code == 200
    families = list(text_string_to_metric_families(answer.text))
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in families
        for s in family.samples
    }


def _value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


def test_metrics_count_requests_by_template_and_attempts_by_verdict(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        async with receiver() as endpoint:
            webhook = await t.make(url=endpoint.url, events=[EVENT])
            await t.make("off", enabled=False)
            endpoint.status = 410
            await t.call("POST", "/events", {**EVENT, "event": {}})
            await t.engine.wait_until_idle()
            await t.call("POST", f"/webhooks/{webhook['id']}/test", {})
            await t.call("GET", f"/webhooks/{webhook['id']}")
            await t.call("BREW", "/nothing/at/all?token=sesame")
            seen = await _metrics(t)
        base = "/public-api/v1"
        assert (
            _value(
                seen,
                "reconciler_requests_total",
                method="POST",
                route=f"{base}/webhooks",
                status="201",
            )
            == 2
        )
        assert (
            _value(
                seen,
                "reconciler_requests_total",
                method="GET",
                route=f"{base}/webhooks/{{id}}",
                status="200",
            )
            == 1
        )
        assert (
            _value(seen, "reconciler_requests_total", method="other", route="none", status="404")
            == 1
        )
        verdicts = {
            dict(labels)["kind"]: value
            for (name, labels), value in seen.items()
            if name == "reconciler_attempts_total"
        }
        assert verdicts == {"event": 1, "test": 1}
        assert _value(seen, "reconciler_attempt_seconds_count", kind="event") == 1
        assert _value(seen, "reconciler_webhooks", enabled="true") == 1
        assert _value(seen, "reconciler_webhooks", enabled="false") == 1
        assert _value(seen, "reconciler_database_bytes") > 10_000
        assert _value(seen, "process_resident_memory_bytes") > 0

    with_tenant(tmp_path, story)


def test_metrics_of_each_webhook_outlive_a_restart_and_end_with_the_webhook(tmp_path: Path) -> None:
    async def before(t: Tenant) -> None:
        async with receiver() as endpoint:
            await t.make('pay"ments\\', url=endpoint.url, events=[EVENT])
            await t.make("off", enabled=False)
            await t.call("POST", "/events", {**EVENT, "event": {}})
            await t.engine.wait_until_idle()

    async def after(t: Tenant) -> None:
        ids = {
            item["name"]: item["id"] for item in (await t.call("GET", "/webhooks")).json()["items"]
        }
        seen = await _metrics(t)
        labels = {"webhook": 'pay"ments\\', "id": ids['pay"ments\\']}
        assert (
            _value(seen, "reconciler_webhook_invocations_total", **labels, result="succeeded") == 1
        )
        assert _value(seen, "reconciler_webhook_invocations_total", **labels, result="failed") == 0
        assert (
            _value(
                seen,
                "reconciler_webhook_last_invocation_timestamp_seconds",
                **labels,
                result="succeeded",
            )
            > 0
        )
        assert _value(seen, "reconciler_webhook_pending_deliveries", **labels) == 0
        assert _value(seen, "reconciler_webhook_enabled", **labels) == 1
        assert _value(seen, "reconciler_webhook_enabled", webhook="off", id=ids["off"]) == 0
        assert _value(seen, "reconciler_webhooks_without_metrics") == 0
        assert (await t.call("DELETE", f"/webhooks/{ids['off']}", If_Match="*")).status_code == 204
        assert 'webhook="off"' not in (await t.call("GET", "/metrics")).text

    async def without(t: Tenant) -> None:
        assert "reconciler_webhook_" not in (await t.call("GET", "/metrics")).text

    with_tenant(tmp_path, before, metrics_per_webhook=True)
    with_tenant(tmp_path, after, metrics_per_webhook=True)
    with_tenant(tmp_path, without)


def test_metrics_of_each_webhook_end_at_a_thousand_and_count_the_rest(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        for number in range(1002):
            await t.make(f"w{number:04}")
        seen = await _metrics(t)
        names = [
            dict(labels)["webhook"] for name, labels in seen if name == "reconciler_webhook_enabled"
        ]
        assert sorted(names) == [f"w{number:04}" for number in range(1000)]
        assert _value(seen, "reconciler_webhooks_without_metrics") == 2

    with_tenant(tmp_path, story, metrics_per_webhook=True)


def test_metrics_have_the_number_and_age_of_pending_deliveries(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        await t.make(events=[EVENT])
        assert _value(await _metrics(t), "reconciler_oldest_pending_seconds") == 0
        for _ in range(3):
            await t.call("POST", "/events", {**EVENT, "event": {}})
            t.clock.now += 10
        seen = await _metrics(t)
        assert (
            _value(seen, "reconciler_pending_deliveries"),
            _value(seen, "reconciler_oldest_pending_seconds"),
        ) == (3, 30)

    with_tenant(tmp_path, story, deliver=False)


def test_two_applications_in_one_process_count_apart(tmp_path: Path) -> None:
    async def one(t: Tenant) -> None:
        await t.call("GET", "/events")

    async def other(t: Tenant) -> None:
        seen = await _metrics(t)
        assert (
            _value(
                seen,
                "reconciler_requests_total",
                method="GET",
                route="/public-api/v1/events",
                status="200",
            )
            == 0
        )

    with_tenant(tmp_path, one)
    with_tenant(tmp_path, other)


def test_a_tenant_whose_engine_has_ended_or_whose_file_cannot_be_read_is_not_healthy(
    tmp_path: Path,
) -> None:
    async def story(t: Tenant) -> None:
        assert (await t.call("GET", "/healthz", token=None)).status_code == 200
        await t.engine.stop()
        ended = await t.call("GET", "/healthz", token=None)
        assert (ended.status_code, ended.json()["type"]) == (503, "not-running")

    async def damaged(t: Tenant) -> None:
        with closing(sqlite3.connect(t.store.path)) as beside:
            beside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with Path(t.store.path).open("r+b") as file:
            file.seek(4096)  # behind the first page, which says what kind of file it is
            file.write(b"\0" * (Path(t.store.path).stat().st_size - 4096))
        answer = await t.call("GET", "/healthz", token=None)
        assert (answer.status_code, answer.json()["type"]) == (500, "damaged")

    with_tenant(tmp_path / "one", story)
    with_tenant(tmp_path / "two", damaged, deliver=False)


def test_a_token_that_asks_too_often_waits_and_no_other_does(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        busy, calm = t.store.create_token("busy", [READ]), t.store.create_token("calm", [READ])
        assert [(await t.call("GET", "/events", token=busy)).status_code for _ in range(4)] == [
            200,
            200,
            200,
            429,
        ]
        refused = await t.call("POST", "/webhooks", {}, token=busy)
        assert (refused.status_code, refused.json()["type"], refused.headers["Retry-After"]) == (
            429,
            "rate",
            "60",
        )
        assert (await t.call("GET", "/events", token=calm)).status_code == 200
        assert (await t.call("GET", "/events", token="nonsense")).status_code == 401
        t.clock.now += 60
        assert (await t.call("GET", "/events", token=busy)).status_code == 200

    with_tenant(tmp_path, story, requests_per_minute=3)


def test_every_operation_counts_against_the_rate(tmp_path: Path) -> None:
    async def story(t: Tenant) -> None:
        token = t.store.create_token("all", [WRITE, "Events: Write"])
        await t.call("GET", "/events", token=token)
        for operation in OPERATIONS:
            if operation.scopes is not None:
                path = operation.path.replace("{id}", "x").replace("{delivery}", "y")
                assert (await t.call(operation.method, path, token=token)).status_code == 429, (
                    operation
                )

    with_tenant(tmp_path, story, requests_per_minute=1)


def test_log_lines_have_requests_and_attempts_without_paths_queries_urls_or_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(t: Tenant) -> None:
        async with receiver() as endpoint:
            url = f"{endpoint.url}/sesame-path?key=sesame-query"
            webhook = await t.make("Päyments", url=url, events=[EVENT], auth=BEARER)
            await t.call("POST", "/events", {**EVENT, "event": {"note": "sesame-event"}})
            await t.engine.wait_until_idle()
            await t.call("POST", f"/webhooks/{webhook['id']}/test", {})
            await t.call("GET", "/sesame-path?key=sesame-query")
            host = endpoint.url.removesuffix("/hook")
        lines = [
            record.getMessage() for record in caplog.records if record.name == "reconciler.tenant"
        ]
        assert "sesame" not in "\n".join(
            [*lines, *(json.dumps(getattr(r, "fields", {})) for r in caplog.records)]
        )
        assert any(line.startswith("POST /public-api/v1/webhooks 201 in ") for line in lines)
        assert any(
            re.match(rf'event "[^"]+" attempt 1 to "Päyments" {host}/… delivered 200 in ', line)
            for line in lines
        )
        assert any(
            re.match(rf'test "[^"]+" attempt 1 to "Päyments" {host}/… delivered 200 in ', line)
            for line in lines
        )
        assert any(line.startswith("GET none 404 in ") for line in lines)

    with caplog.at_level(logging.INFO, "reconciler.tenant"):
        with_tenant(tmp_path, story)


def test_log_lines_of_attempts_name_the_event_and_count_its_attempts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(t: Tenant) -> None:
        async with receiver() as endpoint:
            endpoint.status = 500
            await t.make(url=endpoint.url, events=[EVENT])
            await t.call("POST", "/events", {**EVENT, "event": {}, "event_id": 'e-"1"'})
            await t.engine.wait_until_idle()
            t.clock.now += 10
            t.engine.wake()
            await t.engine.wait_until_idle()
        attempts = [
            record.__dict__["fields"]
            for record in caplog.records
            if "verdict" in getattr(record, "fields", {})
        ]
        assert [(fields["event_id"], fields["attempt"]) for fields in attempts] == [
            ('e-"1"', 1),
            ('e-"1"', 2),
        ]
        assert any(
            'event "e-\\"1\\"" attempt 2 to ' in record.getMessage() for record in caplog.records
        )

    with caplog.at_level(logging.INFO, "reconciler.tenant"):
        with_tenant(tmp_path, story)


def test_a_defect_is_answered_and_logged_by_kind_and_place_but_never_with_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise LookupError("sesame-text")

    async def run() -> None:
        with open_store(str(tmp_path / "tenant.db"), new_id=broken) as store:
            app = create_app(store, Sender(AddressPolicy()), local_token=LOCAL, deliver=False)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
                body, token = (
                    {"name": "one", "url": "https://x.example"},
                    {"Authorization": f"Bearer {LOCAL}"},
                )
                answer = await http.post(f"{BASE}/webhooks", json=body, headers=token)
        assert (answer.status_code, answer.json()["type"]) == (500, "defect")
        assert "sesame" not in answer.text

    asyncio.run(run())
    assert "LookupError" in caplog.text
    assert "webhooks.py" in caplog.text
    assert "sesame" not in caplog.text
