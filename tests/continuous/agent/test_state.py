"""The state folder: one agent each, whatever moment it was killed at, and a full disk."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.continuous.agent.running import SCHEDULE, Agent, Repository
from tests.support.processes import Tenant, run

APPLY = ("--mode", "apply", "--interval", "1")
KILLS = 15
WEBHOOKS = 24


def test_a_second_agent_on_one_state_folder_is_refused(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one")
    repository.push()
    with Agent(tmp_path, repository.bare, TENANT_TOKEN=tenant.token) as agent:
        second = run("agent", *agent.options, cwd=tmp_path, TENANT_TOKEN=tenant.token)
        assert second.code == 1
        assert f"in use by process {agent.process.pid}" in second.err
        agent.wait(lambda found: found["state"] == "pending")  # the first one goes on


@pytest.mark.long
def test_agents_killed_at_random_moments_lose_and_duplicate_nothing(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")  # pytest shows it if the test fails
    generator = random.Random(seed)
    repository.declare_tenant(tenant, f"{SCHEDULE}\nlimits: {{updates: {{share: 1}}}}")
    names = [f"hook-{number:02}" for number in range(WEBHOOKS)]
    repository.declare(*names)
    repository.push()
    agent = Agent(tmp_path, repository.bare, *APPLY, TENANT_TOKEN=tenant.token)
    for kill in range(KILLS):
        agent.start()
        time.sleep(generator.uniform(0, 1.2))
        repository.declare(*names, extra=f"enabled: false\n  description: change {kill}")
        repository.declare(f"new-{kill:02}")
        repository.push()
        time.sleep(generator.uniform(0, 1.8))
        agent.kill()
    revision = repository.push()
    with agent:
        agent.wait_applied(revision)
        found = tenant.webhooks()
        expected = {*names, *(f"new-{kill:02}" for kill in range(KILLS))}
        assert sorted(item["name"] for item in found) == sorted(expected)
        assert {item["description"] for item in found if item["name"] in names} == {
            f"change {KILLS - 1}"
        }
        assert agent.status["source"]["problem"] is None


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    folder.mkdir()
    options = ("-t", "tmpfs", "-o", "size=3m", "tmpfs")
    done = subprocess.run(["mount", *options, folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.long
def test_a_full_disk_is_an_error_that_goes_away_with_its_cause(
    tmp_path: Path, repository: Repository, tenant: Tenant
) -> None:
    repository.declare_tenant(tenant)
    repository.declare("one")
    first = repository.push()
    with small_disk(tmp_path / "disk") as disk:
        options = (*APPLY, "--state", str(disk / "state"))
        agent = Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token)
        with agent:
            agent.wait_applied(first)
            ballast = disk / "ballast"
            with ballast.open("wb", buffering=0) as file:
                while _write(file.fileno()):
                    pass
            repository.declare("two")
            repository.write("notes", "#" + os.urandom(64 * 1024).hex() + "\n")
            second = repository.push()
            assert agent.wait_problem("No space left")
            tenant.remove("one")  # the commit in use is still kept, as far as it needs no disk
            run_ = agent.wait(lambda found: found["drift"] == 1 and found["state"] == "applied")
            assert run_["revision"] == first
            assert tenant.by_name().keys() == {"one"}
            ballast.unlink()
            agent.wait_applied(second)
            assert tenant.by_name().keys() == {"one", "two"}


def _write(handle: int) -> int:
    try:
        return os.write(handle, b"0" * 4096)
    except OSError:
        return 0
