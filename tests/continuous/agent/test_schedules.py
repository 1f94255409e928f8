"""What a Tenant manifest says of time: mode, interval, suspend and windows."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.continuous.agent.running import SCHEDULE, Agent, Repository
from tests.support.processes import Tenant

LOOK = ("--interval", "1")


def make_closed_window(now: datetime) -> str:
    """A window of a minute that opens in five hours."""
    opening = now.astimezone(UTC) + timedelta(hours=5)
    return f"windows: [{{cron: '{opening.minute} {opening.hour} * * *', duration: 1m}}]"


def test_the_mode_of_a_tenant_counts_more_than_the_option(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    with Tenant(tmp_path / "second") as second:
        repository.declare_tenant(tenant, f"{SCHEDULE}\nmode: apply")
        repository.declare_tenant(second, name="second", token="{fromEnv: SECOND_TOKEN}")
        repository.declare("one")
        tokens = {"TENANT_TOKEN": tenant.token, "SECOND_TOKEN": second.token}
        with Agent(tmp_path, repository.bare, *LOOK, **tokens) as agent:  # mode report
            revision = repository.push()
            agent.wait_applied(revision)
            agent.wait(lambda run: run["state"] == "pending", "second")
            assert second.webhooks() == []
            repository.declare_tenant(tenant, f"{SCHEDULE}\nmode: report")
            repository.declare("two")
            revision = repository.push()
            run = agent.wait(lambda run: run["revision"] == revision)
            assert (run["state"], run["mode"]) == ("pending", "report")
            assert tenant.by_name().keys() == {"one"}


@pytest.mark.long
def test_a_shorter_interval_takes_effect_at_once(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant, "interval: 1h")
    repository.declare("one")
    with Agent(
        tmp_path, repository.bare, *LOOK, "--mode", "apply", TENANT_TOKEN=tenant.token
    ) as agent:
        agent.wait_applied(repository.push())
        assert agent.tenant()["interval"] == 3600
        repository.declare_tenant(tenant, "interval: 10s")
        run = agent.wait_applied(repository.push())
        assert agent.tenant()["interval"] == 10
        started = time.monotonic()
        agent.wait(lambda later: later["id"] != run["id"])
        assert time.monotonic() - started < 10 * 1.1 + 5


@pytest.mark.long
def test_a_suspended_tenant_is_left_alone_until_it_is_resumed(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one")
    with Agent(
        tmp_path, repository.bare, *LOOK, "--mode", "apply", TENANT_TOKEN=tenant.token
    ) as agent:
        run = agent.wait_applied(repository.push())
        repository.declare_tenant(tenant, f"{SCHEDULE}\nsuspend: true")
        repository.declare("two")
        revision = repository.push()
        agent.wait(lambda _run: agent.tenant()["phase"] == "suspended")
        tenant.remove("one")
        time.sleep(12)  # over an interval
        shown = agent.tenant()
        assert shown["next_run"] is None
        assert tenant.webhooks() == []
        assert agent.status["source"]["revision"] == revision
        repository.declare_tenant(tenant)
        agent.wait_applied(repository.push())
        assert tenant.by_name().keys() == {"one", "two"}
        assert agent.last_run()["id"] != run["id"]


def test_outside_of_its_windows_a_tenant_is_only_reported(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one")
    with Agent(
        tmp_path, repository.bare, *LOOK, "--mode", "apply", TENANT_TOKEN=tenant.token
    ) as agent:
        agent.wait_applied(repository.push())
        tenant.edit("one", url="https://elsewhere.example.com/x")
        repository.declare_tenant(tenant, f"{SCHEDULE}\n{make_closed_window(datetime.now(UTC))}")
        repository.declare("two")
        repository.push()
        run = agent.wait(lambda run: run["state"] == "drifted")
        assert agent.tenant()["phase"] == "outside-window"
        assert "no window of the Tenant is open; the next one opens at" in run["message"]
        assert run["mode"] == "apply"
        assert tenant.by_name().keys() == {"one"}
        assert tenant.by_name()["one"]["url"] == "https://elsewhere.example.com/x"
        repository.declare_tenant(
            tenant, f"{SCHEDULE}\nwindows: [{{cron: '* * * * *', duration: 1h}}]"
        )
        agent.wait_applied(repository.push())
        assert tenant.by_name().keys() == {"one", "two"}
