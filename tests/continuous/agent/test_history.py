"""Which commits an agent uses: signed ones, and those of a branch that only moves forward."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.continuous.agent.running import Agent, Repository
from tests.continuous.git.signing import make_ssh_key
from tests.manifests.revisions import git
from tests.support.processes import Tenant

APPLY = ("--mode", "apply", "--interval", "1")


@pytest.mark.long
def test_an_unsigned_commit_keeps_the_commit_before_in_use(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    key = make_ssh_key(tmp_path / "key")
    (tmp_path / "signers").write_text(f"deploy@example.com {key.public}\n")
    options = (*APPLY, "--verify", str(tmp_path / "signers"))

    def push(*, is_signed: bool = True) -> str:
        git(repository.tree, "add", "-A")
        revision = key.sign(repository.tree) if is_signed else repository.commit()
        repository.send()
        return revision

    repository.declare_tenant(tenant)
    repository.declare("one")
    first = push()
    with Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token) as agent:
        agent.wait_applied(first)
        repository.declare("unsigned")
        unsigned = push(is_signed=False)
        agent.wait_problem(f"commit {unsigned[:12]}")
        repository.declare("signed-later")
        push()  # a signed one on top does not make it good
        tenant.remove("one")  # what the commit in use says is still kept
        run = agent.wait(lambda run: run["drift"] == 1 and run["state"] == "applied")
        assert run["revision"] == first
        assert agent.status["source"]["revision"] == first
        assert agent.read("/readyz")[0] == 503
        assert agent.metric("reconciler_source_ready") == 0
        assert tenant.by_name().keys() == {"one"}
    with Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token) as agent:
        agent.wait_problem(f"commit {unsigned[:12]}")  # a restart does not forget
        assert agent.tenant() == {}
        assert tenant.by_name().keys() == {"one"}
        git(repository.tree, "reset", "-q", "--hard", first)
        repository.declare("two")
        git(repository.tree, "add", "-A")
        fixed = key.sign(repository.tree)
        repository.send("--force")
        agent.wait_applied(fixed)
        assert tenant.by_name().keys() == {"one", "two"}
        assert agent.read("/readyz")[0] == 200
        assert agent.metric("reconciler_source_ready") == 1


@pytest.mark.parametrize("is_restarted", [False, True], ids=["running", "restarted"])
def test_a_rewound_branch_is_refused_unless_it_is_allowed(
    tmp_path: Path, repository: Repository, tenant: Tenant, *, is_restarted: bool
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one")
    first = repository.push()
    repository.declare("two")
    second = repository.push()
    token = {"TENANT_TOKEN": tenant.token}
    with Agent(tmp_path, repository.bare, *APPLY, **token) as agent:
        agent.wait_applied(second)
        if is_restarted:
            assert agent.stop() == 0
        git(repository.tree, "reset", "-q", "--hard", first)
        repository.declare("three")
        third = repository.push("instead", "--force")
        if is_restarted:
            agent.start()
        agent.wait_problem("was rewound or rewritten")
        assert tenant.by_name().keys() == {"one", "two"}
    with Agent(tmp_path, repository.bare, *APPLY, "--allow-rewind", **token) as agent:
        agent.wait_applied(third)
        assert tenant.by_name().keys() == {"one", "three"}
