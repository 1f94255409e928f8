"""What somebody changes at the tenant: corrected in mode apply, only reported in mode report."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.continuous.agent.running import Agent, Repository
from tests.support.processes import Tenant

INTERVAL = 10.0 * 1.1  # with its jitter
ELSEWHERE = "https://elsewhere.example.com/x"
LOOK = ("--interval", "1")


@pytest.mark.long
def test_drift_is_corrected_within_one_interval(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one", "two")
    revision = repository.push()
    with Agent(tmp_path, repository.bare, "--mode", "apply", TENANT_TOKEN=tenant.token) as agent:
        agent.wait_applied(revision)
        before = tenant.by_name()
        tenant.edit("one", url=ELSEWHERE)
        tenant.remove("two")
        started = time.monotonic()
        run = agent.wait(lambda run: run["state"] == "applied" and run["drift"] == 2)
        assert time.monotonic() - started < INTERVAL + 5  # the machine may be busy
        assert {change["label"] for change in run["changes"]} == {"drift"}
        after = tenant.by_name()
        assert {name: item["url"] for name, item in after.items()} == {
            name: item["url"] for name, item in before.items()
        }
        agent.wait(lambda run: run["state"] == "synced")
        assert agent.metric('reconciler_drift{tenant="production"}') == 0


@pytest.mark.long
def test_mode_report_writes_nothing_and_tells_drift_from_pending_changes(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one", "two")
    revision = repository.push()
    token = {"TENANT_TOKEN": tenant.token}
    with Agent(tmp_path, repository.bare, "--mode", "apply", **token) as agent:
        agent.wait_applied(revision)
        assert agent.stop() == 0
    tenant.edit("one", url=ELSEWHERE)
    repository.declare("three")
    repository.declare("two", extra="enabled: false\n  description: new")
    revision = repository.push()
    before = tenant.webhooks()
    with Agent(tmp_path, repository.bare, *LOOK, **token) as agent:
        run = agent.wait(lambda run: run["state"] == "drifted")
        sides = {change["name"]: change["label"] for change in run["changes"]}
        assert sides == {"one": "drift", "two": "pending", "three": "pending"}
        assert (run["mode"], run["drift"], run["revision"]) == ("report", 1, revision)
        assert agent.metric('reconciler_drift{tenant="production"}') == 1
        second = agent.wait(lambda later: later["id"] != run["id"])  # an interval later
        assert second["state"] == "drifted"
    assert tenant.webhooks() == before


def test_without_an_applied_revision_every_change_is_pending(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one")
    repository.push()
    with Agent(tmp_path, repository.bare, TENANT_TOKEN=tenant.token) as agent:
        run = agent.wait(lambda run: run["state"] == "pending")
        assert run["summary"]["create"] == 1
        assert run["drift"] is None
    assert tenant.webhooks() == []
