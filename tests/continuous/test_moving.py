"""From the pipeline to the operator and back, against a served tenant: nothing is deleted or
created, and every step that could harm is refused. docs/pipeline-agent-or-operator.md describes it.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from reconciler.connection import Connection
from reconciler.continuous.operator.cache import Cache
from reconciler.continuous.operator.objects import Object, decode_object
from reconciler.continuous.operator.source import ClusterSettings, ClusterSource
from reconciler.continuous.results import Result, State
from reconciler.continuous.run import Runner, Settings
from reconciler.core.change import Action
from reconciler.core.model.schedule import Mode
from reconciler.manifests import SecretLookup
from tests.support.processes import Ended, Tenant, run, start, tenant_manifest, webhook

NAMESPACE, UID = "payments", "0f0e0d0c-aaaa-bbbb-cccc-000000000001"
ORIGIN = "git.example.com/acme/webhooks"
AUTH = "{type: bearer, token: {fromEnv: ONCALL_TOKEN}, version: '1'}"
TOKEN = "oncall-token-0123456789"


@dataclass
class MemoryCluster:
    """A cluster whose Secrets are in memory; status and events are kept nowhere."""

    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    async def list_kind(self, kind: str) -> list[Object]:
        return []

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        return self.secrets.get(name)

    async def is_terminating(self, namespace: str) -> bool:
        return False

    async def find_terminating_kinds(self) -> frozenset[str]:
        return frozenset()

    async def read_uid(self) -> str:
        return UID

    async def set_finalizer(self, item: Object, *, present: bool) -> bool:
        """Every object here stays."""
        return True

    async def apply_status(self, item: Object, status: Mapping[str, Any]) -> None:
        """Nobody reads it."""

    async def emit(self, item: Object, reason: str, message: str, *, is_warning: bool) -> None:
        """Nobody reads it."""


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def make_repository(folder: Path, url: str, extra: str = "") -> None:
    """A clone with a Tenant and twelve webhooks."""
    folder.mkdir()
    (folder / "tenant.yaml").write_text(tenant_manifest(url).replace("owner:", f"{extra}owner:"))
    for number in range(12):
        text = webhook(f"hook-{number}", extra="enabled: true", auth=AUTH)
        (folder / f"hook-{number}.yaml").write_text(text)
    git(folder, "init", "--quiet")
    git(folder, "remote", "add", "origin", f"https://{ORIGIN}.git")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "webhooks")


def reconcile(folder: Path, tenant: Tenant, *options: str) -> Ended:
    command = ("reconcile", ".", "--yes", *options)
    return run(*command, cwd=folder, TENANT_TOKEN=tenant.token, ONCALL_TOKEN=TOKEN)


def make_objects(folder: Path) -> list[dict[str, Any]]:
    """The objects that `import kubernetes` makes, as an API server would return them."""
    ended = run("import", "kubernetes", ".", "--namespace", NAMESPACE, cwd=folder)
    assert ended.code == 0, ended.err
    objects = list(yaml.safe_load_all(ended.out))
    for number, value in enumerate(objects):
        value["metadata"] |= {"uid": f"uid-{number}", "resourceVersion": "1", "generation": 1}
    return objects


def operate(
    objects: list[dict[str, Any]], tenant: Tenant, mode: Mode, accept: str | None = None
) -> Result:
    """One run of the operator's loop over the objects."""
    secrets = {
        "production-tenant": {"token": tenant.token},
        "oncall-token": {"value": TOKEN},
    }
    cache = Cache()
    for value in objects:
        body = json.loads(json.dumps(value))
        if accept and body["kind"] == "Tenant":
            body["metadata"]["annotations"] = {"webhooks.reconciler/accept": accept}
        decoded = decode_object(body)
        assert decoded is not None
        cache.put(decoded)
    settings = ClusterSettings("reconciler-system", SecretLookup(mode="require"))
    source = ClusterSource(cache, MemoryCluster(secrets), settings)
    source.cluster_uid = UID
    runner = Runner(source, Settings(Connection(), mode=mode))
    return asyncio.run(runner.run(f"{NAMESPACE}/production"))


def list_ids(tenant: Tenant) -> dict[str, str]:
    return {name: item["id"] for name, item in tenant.by_name().items()}


def list_repositories(tenant: Tenant) -> set[str | None]:
    return {item["managed_by"]["repository"] for item in tenant.webhooks()}


def find_rules(result: Result) -> set[str]:
    return {violation.rule for violation in result.violations}


def list_changed_fields(result: Result) -> set[tuple[str, ...]]:
    """The fields that the plan of a run changes; it changes existing webhooks only."""
    assert result.plan is not None
    assert {change.action for change in result.plan.pending} <= {Action.UPDATE}
    paths = {field.path for change in result.plan.pending for field in change.fields}
    return {tuple(map(str, path)) for path in paths}


def test_the_operator_takes_over_with_one_accepted_plan_and_changes_marks_only(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "clone"
    with Tenant(tmp_path / "served") as tenant:
        make_repository(folder, tenant.url)
        assert reconcile(folder, tenant).code == 0
        before = list_ids(tenant)
        objects = make_objects(folder)

        reported = operate(objects, tenant, "report")
        refused = operate(objects, tenant, "apply")

        assert reported.plan is not None
        assert refused.plan is not None
        assert reported.plan.digest == refused.plan.digest
        assert (refused.state, find_rules(refused)) == (State.REFUSED, {"other-repository"})
        marks = {("managed_by", "sources"), ("managed_by", "repository")}
        assert list_changed_fields(reported) == marks
        assert list_repositories(tenant) == {ORIGIN}

        accepted = operate(objects, tenant, "apply", reported.plan.digest)

        assert accepted.state is State.APPLIED, accepted
        assert list_repositories(tenant) == {f"cluster.{UID}/{NAMESPACE}"}
        assert list_ids(tenant) == before
        assert operate(objects, tenant, "apply").state is State.SYNCED


def test_after_that_the_pipeline_cannot_change_or_delete_until_it_is_moved_back(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "clone"
    with Tenant(tmp_path / "served") as tenant:
        make_repository(folder, tenant.url)
        assert reconcile(folder, tenant).code == 0
        before = list_ids(tenant)
        objects = make_objects(folder)
        plan = operate(objects, tenant, "report").plan
        assert plan is not None
        assert operate(objects, tenant, "apply", plan.digest).state is State.APPLIED

        git(folder, "rm", "--quiet", "hook-3.yaml")
        git(folder, "commit", "--quiet", "--message", "moved to the cluster")
        removed = reconcile(folder, tenant)
        git(folder, "revert", "--no-edit", "HEAD")
        moved_back = reconcile(folder, tenant, "--moved-from", f"cluster.{UID}/{NAMESPACE}")

        assert removed.code == 6
        assert "would delete it" in removed.out
        assert moved_back.code == 0, moved_back.out
        assert list_repositories(tenant) == {ORIGIN}
        assert list_ids(tenant) == before


def test_with_one_repository_in_the_tenant_no_plan_has_to_be_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    with Tenant(tmp_path / "served") as tenant:
        make_repository(folder, tenant.url, extra=f"repository: {ORIGIN}, ")
        assert reconcile(folder, tenant).code == 0
        before = list_ids(tenant)
        objects = make_objects(folder)

        first = operate(objects, tenant, "report")
        applied = operate(objects, tenant, "apply")

        assert list_changed_fields(first) == {("managed_by", "sources")}
        assert applied.state is State.APPLIED
        assert operate(objects, tenant, "apply").state is State.SYNCED
        back = reconcile(folder, tenant)
        assert back.code == 0, back.out
        assert list_ids(tenant) == before


def test_objects_that_are_missing_delete_nothing(tmp_path: Path) -> None:
    """As while a tool applies them one after the other."""
    folder = tmp_path / "clone"
    with Tenant(tmp_path / "served") as tenant:
        make_repository(folder, tenant.url, extra=f"repository: {ORIGIN}, ")
        objects = make_objects(folder)
        only_tenant = [value for value in objects if value["kind"] == "Tenant"]
        assert operate(only_tenant, tenant, "apply").state is State.SYNCED  # nothing is there yet
        assert operate(objects, tenant, "apply").state is State.APPLIED
        before = list_ids(tenant)

        some = operate(objects[:5], tenant, "apply")
        none = operate(only_tenant, tenant, "apply")

        assert (some.state, none.state) == (State.SYNCED, State.REFUSED)
        assert find_rules(none) == {"empty-set"}
        assert list_ids(tenant) == before


def test_the_agent_finds_nothing_to_do_after_the_pipeline(tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    with Tenant(tmp_path / "served") as tenant:
        make_repository(folder, tenant.url, extra=f"repository: {ORIGIN}, ")
        git(folder, "branch", "--move", "main")
        assert reconcile(folder, tenant).code == 0
        before = tenant.webhooks()
        env = {"TENANT_TOKEN": tenant.token, "ONCALL_TOKEN": TOKEN}
        agent = ("agent", "--repository", str(folder), "--state", "state", "--port", "0")
        process = start(*agent, cwd=tmp_path, **env)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found is not None, line
            ended = wait_for_run(found[0].rstrip("/."))
        finally:
            process.terminate()
            process.communicate(timeout=60)

        assert (ended["mode"], ended["state"]) == ("report", "synced")
        assert tenant.webhooks() == before


def wait_for_run(origin: str) -> dict[str, Any]:
    """The first run of the agent's Tenant."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{origin}/status", timeout=10) as answer:
            status = json.load(answer)
        for item in status["tenants"]:
            if item["last_run"]:
                found: dict[str, Any] = item["last_run"]
                return found
        time.sleep(0.2)
    raise AssertionError("the agent did not run")
