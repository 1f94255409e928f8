"""Repositories, tenants and secrets that fail: nothing is deleted, and others go on."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.continuous.agent.running import SCHEDULE, Agent, Repository
from tests.manifests.revisions import ENV, git
from tests.support.processes import Tenant, webhook
from tests.support.servers import free_port

APPLY = ("--mode", "apply", "--interval", "1")
MANY = 10_000


@pytest.mark.long
def test_an_unreachable_repository_deletes_nothing_and_drift_is_still_corrected(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one", "two")
    first = repository.push()
    moved = repository.bare.with_name("moved.git")
    with Agent(tmp_path, repository.bare, *APPLY, TENANT_TOKEN=tenant.token) as agent:
        agent.wait_applied(first)
        assert agent.read("/readyz") == (200, "ok\n")
        assert agent.metric("reconciler_source_ready") == 1
        repository.bare.rename(moved)
        agent.wait_problem("remote.git")
        assert agent.read("/readyz")[0] == 503
        assert agent.read("/healthz")[0] == 200
        assert agent.metric("reconciler_source_ready") == 0
        tenant.remove("two")
        run = agent.wait(lambda run: run["drift"] == 1 and run["state"] == "applied")
        assert run["revision"] == first
        assert tenant.by_name().keys() == {"one", "two"}
        moved.rename(repository.bare)
        repository.declare("three")
        agent.wait_applied(repository.push())
        assert agent.read("/readyz")[0] == 200
        assert agent.metric("reconciler_source_ready") == 1
        assert tenant.by_name().keys() == {"one", "two", "three"}


def test_an_agent_that_starts_without_its_repository_waits_for_it(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    moved = repository.bare.rename(repository.bare.with_name("moved.git"))
    with Agent(tmp_path, repository.bare, *APPLY, TENANT_TOKEN=tenant.token) as agent:
        agent.wait_problem("remote.git")
        assert agent.status["tenants"] == []
        assert agent.read("/readyz")[0] == 503
        moved.rename(repository.bare)
        repository.declare_tenant(tenant)
        repository.declare("one")
        agent.wait_applied(repository.push())


def test_ten_thousand_commits_between_two_looks_are_one_run(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant, "interval: 1h")
    repository.declare("one")
    first = repository.push()
    with Agent(tmp_path, repository.bare, *APPLY, TENANT_TOKEN=tenant.token) as agent:
        agent.wait_applied(first)
        started = time.monotonic()
        head = import_commits(repository, MANY)
        imported = time.monotonic()
        agent.wait_applied(head)
        assert time.monotonic() - imported < 30, f"imported in {imported - started:.1f} s"
        result = 'controller_runtime_reconcile_total{controller="tenant",result="success"}'
        assert agent.metric(result) == 2
        assert tenant.by_name()["one"]["description"] == f"change {MANY}"


def import_commits(repository: Repository, count: int) -> str:
    """So many commits to one file, in one step."""
    lines = []
    for number in range(1, count + 1):
        text = webhook("one", extra=f"enabled: false\n  description: change {number}")
        start = "from refs/heads/main^0\n" if number == 1 else ""
        lines.append(
            "commit refs/heads/new\ncommitter a <a@example.com> "
            f"{1_790_000_000 + number} +0000\ndata 4\nmore\n{start}"
            f"M 100644 inline webhooks/one.yaml\ndata {len(text)}\n{text}\n"
        )
    command = ["git", "-C", str(repository.bare), "fast-import", "--quiet"]
    subprocess.run(command, input="".join(lines).encode(), env=ENV, check=True)
    git(repository.bare, "update-ref", "refs/heads/main", "refs/heads/new")
    return git(repository.bare, "rev-parse", "main")


def away() -> str:
    """The url of a tenant that is not there."""
    return f"http://127.0.0.1:{free_port()}/public-api/v1"


def test_a_tenant_that_is_unreachable_backs_off_and_others_go_on(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    repository.declare_tenant(
        away(), name="away", extra=f"{SCHEDULE}\nselect: {{matchLabels: {{team: none}}}}"
    )
    repository.declare("one")
    options = (*APPLY, "--timeout", "1")
    with Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token) as agent:
        revision = repository.push()
        agent.wait_applied(revision)
        run = agent.wait(lambda run: run["state"] == "failed", "away")
        assert run["message"]
        assert agent.tenant("away")["phase"] in {"backing-off", "running", "due"}
        repository.declare("two")
        agent.wait_applied(repository.push())
        assert tenant.by_name().keys() == {"one", "two"}
        assert agent.tenant("away")["failures"] >= 1
        assert agent.read("/readyz")[0] == 200


def test_a_missing_token_fails_its_tenant_only(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    more = f"{SCHEDULE}\nselect: {{matchLabels: {{team: none}}}}"
    repository.declare_tenant(away(), name="other", token="{fromEnv: NO_SUCH_TOKEN}", extra=more)
    repository.declare("one")
    with Agent(tmp_path, repository.bare, *APPLY, TENANT_TOKEN=tenant.token) as agent:
        agent.wait_applied(repository.push())
        run = agent.wait(lambda run: run["state"] == "failed", "other")
        assert "webhooks/tenant-other.yaml:7" in run["message"]
        assert "NO_SUCH_TOKEN" in run["message"]
        assert tenant.by_name().keys() == {"one"}


@pytest.mark.long
def test_a_token_that_becomes_empty_is_a_failed_run_until_it_is_back(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    file = secrets / "token"
    file.write_text(tenant.token)
    repository.declare_tenant(tenant, token=f"{{fromFile: {file}}}")
    repository.declare("one")
    options = (*APPLY, "--secrets-dir", str(secrets))
    with Agent(tmp_path, repository.bare, *options) as agent:
        agent.wait_applied(repository.push())
        file.write_text("")
        tenant.remove("one")
        run = agent.wait(lambda run: run["state"] == "failed")
        assert "token" in run["message"]
        assert tenant.by_name() == {}
        file.write_text(tenant.token)  # a new value is read without a restart
        agent.wait(lambda run: run["state"] in {"applied", "synced"})
        assert tenant.by_name().keys() == {"one"}


def test_two_tenants_and_a_removed_manifest_deletes_nothing(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    with Tenant(tmp_path / "second") as second:
        repository.declare_tenant(tenant)
        repository.declare_tenant(second, name="second", token="{fromEnv: SECOND_TOKEN}")
        repository.declare("one", "two")
        tokens = {"TENANT_TOKEN": tenant.token, "SECOND_TOKEN": second.token}
        with Agent(tmp_path, repository.bare, *APPLY, **tokens) as agent:
            revision = repository.push()
            agent.wait_applied(revision)
            agent.wait_applied(revision, "second")
            assert tenant.by_name().keys() == second.by_name().keys() == {"one", "two"}
            repository.remove("tenant-second")
            repository.declare("three")
            agent.wait_applied(repository.push())
            assert [item["name"] for item in agent.status["tenants"]] == ["production"]
            assert agent.metric('reconciler_last_success_timestamp_seconds{tenant="second"}') == 0
            time.sleep(1)
            assert second.by_name().keys() == {"one", "two"}
            assert tenant.by_name().keys() == {"one", "two", "three"}
