"""Push webhooks of the forges make the agent look at once; everything else changes nothing."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.continuous.agent.running import HOOK_KEY, Agent, Repository, sign
from tests.support.processes import Tenant

FORGES = ("github", "gitlab", "gitea")
HUGE = b" " * (10 * 1024 * 1024)
PROMISED = 2.0  # seconds from a push webhook to the tenant


@pytest.fixture
def agent(tmp_path: Path, repository: Repository, tenant: Tenant) -> Iterator[Agent]:
    """It looks once an hour by itself."""
    repository.declare_tenant(tenant)
    repository.declare("one")
    options = ["--mode", "apply", "--interval", "3600"]
    for forge in FORGES:
        key = f"whsec_{b64encode(HOOK_KEY.encode()).decode()}" if forge == "gitlab" else HOOK_KEY
        (tmp_path / forge).write_text(f"{key}\n")
        options += [f"--{forge}-secret-file", str(tmp_path / forge)]
    revision = repository.push()
    with Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token) as running:
        running.wait_applied(revision)
        yield running


def test_a_push_of_each_forge_is_applied_within_two_seconds(
    agent: Agent, repository: Repository, tenant: Tenant
) -> None:
    for forge in FORGES:
        repository.declare(f"from-{forge}")
        revision = repository.push()
        started = time.monotonic()
        assert agent.push(forge) == 202
        while f"from-{forge}" not in tenant.by_name():
            assert time.monotonic() < started + PROMISED, agent.status
            time.sleep(0.02)
        assert agent.wait_applied(revision)["state"] == "applied"


def test_a_forged_a_replayed_and_a_huge_delivery_trigger_nothing(
    agent: Agent, repository: Repository, tenant: Tenant
) -> None:
    genuine = sign("github", HOOK_KEY, b'{"ref": "refs/heads/main", "after": "' + b"a" * 40 + b'"}')
    assert agent.push("github", **genuine) == 202
    time.sleep(1)
    repository.declare("two")
    revision = repository.push()
    before = agent.status["source"]
    assert agent.push("github", **genuine) == 200
    for forge in FORGES:
        assert agent.push(forge, "another-key") == 401
        headers = sign(forge, HOOK_KEY, HUGE)
        assert agent.announce(f"/hooks/{forge}", len(HUGE), headers) == 413
        assert agent.post(f"/hooks/{forge}", HUGE, headers) in {413, 0}
    assert agent.push("github", **{"X-Hub-Signature-256": ""}) == 401
    assert agent.post("/hooks/bitbucket", b"{}", {}) == 404
    time.sleep(1)
    assert agent.status["source"] == before
    assert tenant.by_name().keys() == {"one"}
    assert agent.push("gitlab") == 202  # a genuine one still does
    agent.wait_applied(revision)
    assert tenant.by_name().keys() == {"one", "two"}
