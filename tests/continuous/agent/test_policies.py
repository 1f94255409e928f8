"""The organisation's rules, in a folder of the repository."""

from __future__ import annotations

from pathlib import Path

from tests.continuous.agent.running import Agent, Repository
from tests.support.processes import Tenant, webhook

RULE = """\
apiVersion: webhooks.reconciler/v1
kind: Policy
metadata: {name: https-only}
spec:
  message: endpoints are below example.com
  schema: {properties: {url: {pattern: "^https://[a-z]+[.]example[.]com/"}}}
"""


def test_rules_outside_of_the_paths_refuse_a_plan(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    rules = repository.tree / "rules"
    rules.mkdir()
    (rules / "https.yaml").write_text(RULE)
    repository.declare_tenant(tenant)
    repository.declare("one")
    first = repository.push()
    options = ("--mode", "apply", "--interval", "1", "--policies", "rules")
    with Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token) as agent:
        agent.wait_applied(first)
        repository.write("two", webhook("two", url="https://hooks.elsewhere.org/two"))
        repository.push()
        run = agent.wait(lambda run: run["state"] == "refused")
        assert "endpoints are below example.com" in run["message"]
        assert tenant.by_name().keys() == {"one"}
        repository.remove("two")
        agent.wait_applied(repository.push())
