"""Answers that get lost, and tenants that ask to wait: the same run or the next converges, without
a duplicate.

A real served tenant behind a proxy that passes a request on and loses the answer, or turns it away
in the tenant's place.
"""

from __future__ import annotations

import collections
import email.utils
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.providers.builders import LOST, Asked, Reply, problem, reply
from tests.support.processes import Ended, Tenant, run, tenant_manifest, webhook, write
from tests.support.wire import After, Before, as_it_is, nothing, proxy, wire

OPTIONS = ("reconcile", ".", "--yes", "-o", "json")
COUNT = 12


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with Tenant(tmp_path_factory.mktemp("tenant")) as served:
        yield served


@pytest.fixture
def repo(tmp_path: Path, tenant: Tenant) -> Path:
    """A repository with creates, updates and deletes pending: an owner and names of its own, so
    that tests share a tenant.
    """
    owner = owner_of(tmp_path)
    write(tmp_path / "webhooks", COUNT, prefix=owner)
    aim(tmp_path, tenant.url)
    assert run(*OPTIONS, cwd=tmp_path, TENANT_TOKEN=tenant.token).code == 0
    files = sorted((tmp_path / "webhooks").iterdir())
    for file in files[:2]:
        file.unlink()
    for file in files[2:5]:
        file.write_text(file.read_text().replace("spec:\n", "spec:\n  description: new\n"))
    for number in range(3):
        (tmp_path / "webhooks" / f"{owner}-new-{number}.yaml").write_text(
            webhook(f"{owner}-new-{number}")
        )
    return tmp_path


def owner_of(repo: Path) -> str:
    return repo.name.replace("_", "-").lower()[-40:].strip("-")


def aim(repo: Path, url: str) -> None:
    (repo / "tenant.yaml").write_text(tenant_manifest(url, owner_of(repo)))


def converged(repo: Path, tenant: Tenant) -> None:
    """Each declared webhook is held once, nothing else of this repository is, and a plan finds
    nothing.
    """
    aim(repo, tenant.url)
    ours = [
        item["managed_by"]["key"]
        for item in tenant.webhooks()
        if item["managed_by"]["owner"] == owner_of(repo)
    ]
    assert sorted(ours) == sorted(file.stem for file in (repo / "webhooks").iterdir())
    assert run("plan", ".", "--detailed-exitcode", cwd=repo, TENANT_TOKEN=tenant.token).code == 0


def through(
    repo: Path, tenant: Tenant, before: Before, after: After, *more: str
) -> tuple[Ended, list[Asked]]:
    """Reconciles once through a proxy with these faults."""
    with proxy(tenant.url, before=before, after=after) as between:
        aim(repo, between.url)
        ended = run(*OPTIONS, *more, cwd=repo, TENANT_TOKEN=tenant.token)
        assert len(ended.json["outcomes"]) == 8
        return ended, between.asked


def losing_every(*methods: str, times: int) -> After:
    """Loses the first answers to each change of these methods, whatever else is under way."""
    seen: collections.Counter[str] = collections.Counter()

    def after(asked: Asked, answer: Reply) -> Reply | None:
        which = asked.headers.get("idempotency-key", asked.method + asked.target)
        seen[which] += 1
        return LOST if asked.method in methods and seen[which] <= times else answer

    return after


def test_answers_that_are_lost_cost_no_duplicate_and_the_same_run_converges(
    tenant: Tenant, repo: Path
) -> None:
    ended, asked = through(repo, tenant, nothing, losing_every("POST", "PATCH", "DELETE", times=1))
    assert ended.code == 0, ended.out + ended.err
    assert ended.json["summary"] == {
        "created": 3,
        "updated": 3,
        "deleted": 2,
        "unchanged": 7,
        "failed": 0,
        "skipped": 0,
    }
    assert collections.Counter(item.method for item in asked) == {
        "GET": 4,
        "POST": 6,
        "PATCH": 6,
        "DELETE": 4,
    }
    assert len({item.headers["idempotency-key"] for item in asked if item.method == "POST"}) == 3
    converged(repo, tenant)


@pytest.mark.long
@pytest.mark.parametrize(("method", "failed", "skipped"), [("POST", 3, 2), ("DELETE", 2, 0)])
def test_answers_that_stay_lost_are_failed_outcomes_and_the_next_run_finds_the_work_done(
    tenant: Tenant, repo: Path, method: str, failed: int, skipped: int
) -> None:
    ended, asked = through(repo, tenant, nothing, losing_every(method, times=99), "--timeout", "5")
    assert ended.code == 4, ended.out + ended.err
    assert (ended.json["summary"]["failed"], ended.json["summary"]["skipped"]) == (failed, skipped)
    errors = [
        outcome["error"]["kind"]
        for outcome in ended.json["outcomes"]
        if outcome["status"] == "failed"
    ]
    assert errors == ["unreachable"] * failed
    assert any(item.method == "DELETE" for item in asked) == (
        method == "DELETE"
    )  # rule 9: no delete after an unknown create
    aim(repo, tenant.url)
    again = run(*OPTIONS, cwd=repo, TENANT_TOKEN=tenant.token)
    assert again.code == 0, again.out
    assert again.json["summary"]["deleted"] == skipped
    converged(repo, tenant)


def in_two_seconds() -> str:
    """A date: it has whole seconds, so at least one of the two is left."""
    return email.utils.formatdate(time.time() + 2, usegmt=True)


@pytest.mark.parametrize(
    ("status", "wait", "least"),
    [(429, lambda: "1", 1.0), (503, in_two_seconds, 0.9), (503, lambda: "soon; -9", 0.0)],
)
def test_a_tenant_that_asks_to_wait_is_waited_for_and_the_same_run_converges(
    tenant: Tenant, repo: Path, status: int, wait: Callable[[], str], least: float
) -> None:
    turned: dict[str, float] = {}
    early: list[float] = []

    def before(asked: Asked) -> Reply | None:
        which = asked.method + asked.headers.get("idempotency-key", asked.target)
        if which not in turned:
            turned[which] = time.monotonic()
            return problem(status, "busy", Retry_After=wait())
        early.append(time.monotonic() - turned[which])
        return None

    ended, _ = through(repo, tenant, before, as_it_is)
    assert ended.code == 0, ended.out + ended.err
    assert ended.json["summary"]["failed"] == 0
    assert min(early) >= least
    converged(repo, tenant)


def test_a_tenant_that_asks_to_wait_for_a_day_fails_what_is_left_at_the_deadline_and_the_next_run_converges(
    tenant: Tenant, repo: Path
) -> None:
    def before(asked: Asked) -> Reply | None:
        return None if asked.method == "GET" else problem(503, "busy", retry_after="86400")

    started = time.monotonic()
    ended, asked = through(repo, tenant, before, as_it_is, "--deadline", "20")
    assert ended.code == 4
    assert time.monotonic() - started < 20
    assert (
        len([item for item in asked if item.method != "GET"]) == 6
    )  # asked once each, and no delete begun
    assert ended.json["summary"] == {
        "created": 0,
        "updated": 0,
        "deleted": 0,
        "unchanged": 7,
        "failed": 6,
        "skipped": 2,
    }
    aim(repo, tenant.url)
    assert run(*OPTIONS, cwd=repo, TENANT_TOKEN=tenant.token).code == 0
    converged(repo, tenant)


def test_a_token_that_is_refused_after_a_create_whose_end_is_unknown_is_4(tmp_path: Path) -> None:
    """The create may have been carried out: 3 would say that nothing was written."""

    def answer(asked: Asked) -> Reply:
        if asked.method == "GET":
            return reply({"items": [], "next_cursor": None})
        return (
            reply("not a webhook", 201)
            if asked.body["name"] == "a"
            else problem(401, "unauthorized")
        )

    (tmp_path / "hooks.yaml").write_text("---\n".join([webhook("a"), webhook("b")]))
    with wire(answer) as server:
        (tmp_path / "tenant.yaml").write_text(tenant_manifest(server.url))
        ended = run(
            "reconcile",
            ".",
            "--yes",
            "--parallelism",
            "1",
            "-o",
            "json",
            cwd=tmp_path,
            TENANT_TOKEN="t",
        )
    assert ended.code == 4
    assert [outcome["error"]["kind"] for outcome in ended.json["outcomes"]] == [
        "bad-answer",
        "unauthorized",
    ]
