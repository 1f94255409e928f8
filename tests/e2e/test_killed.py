"""Processes that are killed, a tenant that restarts, two people at once: the end state is as
declared, no duplicate.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.builders import Asked, Reply
from tests.support.processes import Ended, Tenant, run, start, tenant_manifest, webhook
from tests.support.wire import proxy

OPTIONS = ("reconcile", ".", "--yes", "-o", "json", "--max-deletes", "200", "--max-updates", "200")
TURNS, KILLS = (
    4,
    4,
)  # kills in each turn, so the run that finishes what was killed is killed as well


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    with Tenant(tmp_path / "tenant") as served:
        yield served


def declare(repo: Path, url: str, numbers: range, text: str) -> None:
    """Exactly these webhooks, with this description."""
    repo.mkdir(exist_ok=True)
    for file in repo.glob("hook-*.yaml"):
        file.unlink()
    (repo / "tenant.yaml").write_text(tenant_manifest(url))
    for number in numbers:
        (repo / f"hook-{number:04}.yaml").write_text(
            webhook(f"hook-{number:04}", extra=f"description: {text}")
        )


def holds(tenant: Tenant, numbers: range, text: str) -> None:
    """The tenant holds each of these once, as declared, and nothing else."""
    held = [
        (item["name"], item["managed_by"]["key"], item["description"]) for item in tenant.webhooks()
    ]
    assert sorted(held) == [(f"hook-{number:04}", f"hook-{number:04}", text) for number in numbers]


def reconcile(repo: Path, tenant: Tenant) -> Ended:
    return run(*OPTIONS, cwd=repo, TENANT_TOKEN=tenant.token)


def killed_after(writes: int, pause: float, repo: Path, tenant: Tenant) -> bool:
    """Starts a run and kills it `pause` seconds after so many answered writes; whether it was still
    at work then.
    """
    process = start(*OPTIONS, "-vv", cwd=repo, TENANT_TOKEN=tenant.token)
    assert process.stderr is not None
    seen = -1  # the list that the plan is made of, then the writes
    while seen < writes and (line := process.stderr.readline()):
        seen += "reconciler.http" in line
    time.sleep(pause)
    process.kill()
    process.communicate()
    return process.returncode == -9


@pytest.mark.long
def test_a_run_killed_at_any_moment_of_200_changes_is_finished_by_the_next_one(
    tmp_path: Path, tenant: Tenant
) -> None:
    repo, chance, cut = tmp_path / "repo", random.Random(20), 0
    here, there = (
        range(130),
        range(70, 200),
    )  # from one to the other: 70 creates, 60 updates, 70 deletes
    declare(repo, tenant.url, here, "turn -1")
    assert reconcile(repo, tenant).code == 0
    for turn in range(TURNS):
        here, there = there, here
        declare(repo, tenant.url, here, f"turn {turn}")
        for _ in range(KILLS):
            cut += killed_after(chance.randrange(50), chance.random() * 0.02, repo, tenant)
        again = reconcile(repo, tenant)
        assert again.code == 0, again.out
        holds(tenant, here, f"turn {turn}")
    assert cut >= TURNS * KILLS - 2  # else runs were over before they were killed
    assert run("plan", ".", "--detailed-exitcode", cwd=repo, TENANT_TOKEN=tenant.token).code == 0


def test_a_tenant_that_restarts_in_mid_run_ends_without_a_duplicate_and_every_change_has_an_outcome(
    tmp_path: Path, tenant: Tenant
) -> None:
    repo = tmp_path / "repo"
    declare(repo, tenant.url, range(200), "new")
    process = start(*OPTIONS, "--parallelism", "4", cwd=repo, TENANT_TOKEN=tenant.token)
    deadline = time.monotonic() + 30
    while len(tenant.webhooks()) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    tenant.kill()
    tenant.serve()
    out, err = process.communicate(timeout=120)
    assert process.returncode in {0, 4}, err
    assert out.count('"status"') == 200
    again = reconcile(repo, tenant)
    assert again.code == 0, again.out
    holds(tenant, range(200), "new")


def test_two_runs_at_once_lose_no_update_and_the_loser_gets_a_conflict(
    tmp_path: Path, tenant: Tenant
) -> None:
    people, listed = ("first", "second"), []
    both_read = asyncio.Event()

    async def before(asked: Asked) -> Reply | None:
        if asked.method == "PATCH":  # both have read the tenant before either writes
            await asyncio.wait_for(both_read.wait(), 60)
        return None

    def after(asked: Asked, answer: Reply) -> Reply:
        if asked.method == "GET":
            listed.append(asked)
        if len(listed) == len(people):
            both_read.set()
        return answer

    declare(tmp_path / "first", tenant.url, range(40), "as it was")
    assert reconcile(tmp_path / "first", tenant).code == 0
    with (
        proxy(tenant.url, before=before, after=after) as between,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        for person in people:
            declare(tmp_path / person, between.url, range(40), f"by {person}")
        ended = list(pool.map(lambda person: reconcile(tmp_path / person, tenant), people))
    written = {outcome["key"]: f"by {person}" for person, end in zip(people, ended, strict=True)
               for outcome in end.json["outcomes"] if outcome["status"] == "updated"}  # fmt: skip
    lost = [
        outcome
        for end in ended
        for outcome in end.json["outcomes"]
        if outcome["status"] == "failed"
    ]
    assert {
        item["managed_by"]["key"]: item["description"] for item in tenant.webhooks()
    } == written  # each report is true
    assert len(written) == len(lost) == 40
    assert {(outcome["error"]["kind"], *outcome["error"]["fields"]) for outcome in lost} == {
        ("conflict", "description")
    }
    assert [end.code for end in ended] == [
        4 if end.json["summary"]["failed"] else 0 for end in ended
    ]
    assert 4 in [end.code for end in ended]


def test_two_people_who_create_the_same_at_once_make_it_once(
    tmp_path: Path, tenant: Tenant
) -> None:
    people = ("first", "second")
    for person in people:
        declare(tmp_path / person, tenant.url, range(40), "the same")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda person: reconcile(tmp_path / person, tenant), people))
    holds(tenant, range(40), "the same")
    failed = [
        outcome["error"]
        for end in ended
        for outcome in end.json["outcomes"]
        if outcome["status"] == "failed"
    ]
    assert {(error["kind"], *error["fields"]) for error in failed} <= {("conflict", "name")}
    assert sum(end.json["summary"]["created"] for end in ended) == 40
    assert [end.code for end in ended] == [
        4 if end.json["summary"]["failed"] else 0 for end in ended
    ]
    assert reconcile(tmp_path / "second", tenant).json["summary"]["unchanged"] == 40
