"""Processes that are killed, a tenant that restarts, two people at once: the end state is as declared, no duplicate."""

from __future__ import annotations

import collections
import concurrent.futures
import time
from pathlib import Path

import pytest

from tests.support.processes import Tenant, run, start, tenant_manifest, write

OPTIONS = ("reconcile", ".", "--yes", "-o", "json")


def converged(tenant: Tenant, count: int) -> None:
    names = collections.Counter(item["name"] for item in tenant.webhooks())
    assert len(names) == count
    assert set(names.values()) == {1}


@pytest.mark.parametrize("seconds", [0.4, 0.6, 0.8, 1.0, 1.3])
def test_a_killed_run_is_finished_by_the_next_one(tmp_path: Path, seconds: float) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        repo = tmp_path / "repo"
        write(repo, 200)
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        process = start(*OPTIONS, cwd=repo, TENANT_TOKEN=tenant.token)
        time.sleep(seconds)  # the moment is the point of this test; each is right
        process.kill()
        process.communicate()
        again = run(*OPTIONS, cwd=repo, TENANT_TOKEN=tenant.token)
        assert again.code == 0, again.out
        converged(tenant, 200)
        assert run("plan", ".", "--detailed-exitcode", cwd=repo, TENANT_TOKEN=tenant.token).code == 0


def test_a_tenant_that_restarts_in_mid_run_ends_without_a_duplicate_and_every_change_has_an_outcome(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        repo = tmp_path / "repo"
        write(repo, 200)
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        process = start(*OPTIONS, "--parallelism", "4", cwd=repo, TENANT_TOKEN=tenant.token)
        deadline = time.monotonic() + 30
        while len(tenant.webhooks()) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        tenant.kill()
        tenant.serve()
        out, err = process.communicate(timeout=120)
        assert process.returncode in {0, 4}, err
        assert out.count('"status"') == 200
        again = run(*OPTIONS, cwd=repo, TENANT_TOKEN=tenant.token)
        assert again.code == 0, again.out
        converged(tenant, 200)


def test_two_people_at_once_lose_no_update_and_the_loser_is_told(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        first, second = tmp_path / "first", tmp_path / "second"
        write(first, 60)
        (first / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        assert run(*OPTIONS, cwd=first, TENANT_TOKEN=tenant.token).code == 0
        for repo in (first, second):
            write(repo, 60)
            (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
            for file in repo.glob("hook-*.yaml"):
                file.write_text(file.read_text().replace("spec:\n", f"spec:\n  description: by {repo.name}\n"))
        limits = ("--max-updates", "60", "--parallelism", "2")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(run, *OPTIONS, *limits, cwd=repo, TENANT_TOKEN=tenant.token) for repo in (first, second)]
            ended = [future.result() for future in runs]
        written = sum(end.json["summary"]["updated"] for end in ended)
        conflicts = [o for end in ended for o in end.json["outcomes"] if o["status"] == "failed"]
        assert all(outcome["error"]["kind"] == "conflict" for outcome in conflicts)
        assert all(end.code == (4 if end.json["summary"]["failed"] else 0) for end in ended)
        assert written + len(conflicts) >= 60
        assert {item["description"] for item in tenant.webhooks()} <= {"by first", "by second"}
