"""Whose an endpoint of Svix is, what two runs do to each other, and what Svix answers to a run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.providers.svix_repository import NEW_KEY, Repository
from tests.stand_ins.svix import TOKEN, svix


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with svix() as server:
        yield Repository(tmp_path, server)


def test_the_mark_is_metadata_and_holds_no_secret(repository: Repository) -> None:
    repository.write("oncall")
    repository.reconcile()
    assert repository.endpoint["metadata"] == {
        "reconciler.owner": "platform",
        "reconciler.key": "oncall",
        "reconciler.v": "1",
        "reconciler.source": "oncall.yaml",
        "reconciler.auth": "signature",
    }


def test_a_mark_that_was_damaged_by_hand_is_unowned_and_adopted(repository: Repository) -> None:
    path = repository.write("oncall")
    repository.write("other")
    repository.reconcile()
    next(iter(repository.server.endpoints.values()))["metadata"].pop("reconciler.key")
    plan = repository.run("plan")
    assert plan.code == 6, plan.out
    assert "its mark cannot be read" in plan.out
    assert "not-owned" in plan.out
    adopted = repository.run("reconcile", "--yes", "--adopt")
    assert adopted.code == 0, adopted.out + adopted.err
    assert "No changes" in repository.run("plan").out
    path.unlink()
    repository.reconcile()
    assert repository.endpoint["uid"] == "other"


def test_a_mark_without_room_is_an_error_and_nothing_is_lost(repository: Repository) -> None:
    repository.write("oncall")
    repository.reconcile()
    repository.endpoint["metadata"]["notes"] = "x" * 4000
    before = dict(repository.endpoint)
    repository.write("oncall", version="2")
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert "no room for the mark of ownership" in ended.out
    assert repository.endpoint == before


def test_a_second_owner_s_endpoints_are_left_alone(repository: Repository) -> None:
    repository.write("oncall")
    repository.reconcile()
    second = repository.make_second("search", "search")
    second.write("find")
    second.reconcile()
    assert len(repository.server.endpoints) == 2
    assert "No changes" in repository.run("plan").out


def test_two_runs_at_once_lose_nothing(repository: Repository) -> None:
    second = repository.make_second("search", "search")
    repository.server.slow = 0.01
    for number in range(12):
        repository.write(f"platform-{number:02}")
        second.write(f"search-{number:02}")
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(lambda one: one.run("reconcile", "--yes"), (repository, second)))
    assert [one.code for one in ended] == [0, 0], ended[0].out + ended[1].out
    assert len(repository.server.endpoints) == 24
    for one in (repository, second):
        assert "No changes. 12 unchanged" in one.run("plan").out


def test_two_runs_of_one_owner_at_once_make_each_endpoint_once(repository: Repository) -> None:
    second = repository.make_second("again", "platform")
    repository.server.slow = 0.02
    for number in range(12):
        for one in (repository, second):
            one.write(f"hook-{number:02}")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda one: one.run("reconcile", "--yes"), (repository, second)))
    repository.reconcile()
    uids = [endpoint["uid"] for endpoint in repository.server.endpoints.values()]
    assert sorted(uids) == [f"hook-{number:02}" for number in range(12)]


def test_an_edit_between_plan_and_write_is_a_conflict(repository: Repository) -> None:
    path = repository.write("oncall")
    repository.reconcile()
    path.write_text(path.read_text().replace("For the rota", "For the night"))
    assert repository.run("plan", "--out", "saved.plan").code == 0
    repository.endpoint.update(description="by hand", updatedAt=repository.server.now())
    ended = repository.run("reconcile", "--plan", "saved.plan", "--yes")
    assert ended.code == 5, ended.out + ended.err
    assert repository.endpoint["description"] == "by hand"


@pytest.mark.parametrize("keeps_keys", [True, False])
def test_a_lost_answer_on_create_leaves_one_also_without_idempotency_keys(
    repository: Repository, keeps_keys: bool
) -> None:
    repository.write("oncall")
    repository.server.lose, repository.server.keeps_keys = 1, keeps_keys
    repository.reconcile()
    creates = [call for call in repository.server.calls if call[0] == "POST"]
    assert len(creates) == 2
    assert repository.endpoint["uid"] == "oncall"


def test_a_lost_answer_of_a_rotation_rotates_once(repository: Repository) -> None:
    repository.write("oncall")
    repository.reconcile()
    repository.write("oncall", version="2")
    repository.env["HOOK_KEY"] = NEW_KEY
    repository.server.lose = 1
    repository.reconcile()
    assert repository.endpoint["_key"] == NEW_KEY
    assert len(repository.endpoint["_old"]) == 1


@pytest.mark.parametrize(
    "fault",
    [
        (429, {"code": "rate_limit", "detail": "slow down"}, {"Retry-After": "1"}),
        (429, {"code": "rate_limit", "detail": "slow down"}),
        (500, b"<html>Internal error</html>"),
        (503, b"<html>Try again</html>"),
    ],
)
def test_a_limit_and_a_fault_are_waited_for(repository: Repository, fault: tuple[int, Any]) -> None:
    repository.write("oncall")
    repository.server.faults.append(fault)
    repository.reconcile()
    assert len(repository.server.endpoints) == 1


def test_a_token_without_a_right_and_an_application_that_is_not_there_are_named(
    repository: Repository,
) -> None:
    repository.write("oncall")
    repository.env["SVIX_TOKEN"] = "testsk_of_somebody_else"
    assert repository.run("plan").code == 3
    repository.env["SVIX_TOKEN"] = TOKEN
    repository.write_tenant("platform", "another-app")
    ended = repository.run("plan")
    assert ended.code == 1
    assert "there is no such application" in ended.err


def test_a_token_that_may_only_read_writes_nothing_and_says_so(repository: Repository) -> None:
    repository.write("oncall")
    repository.server.refused.add("POST")
    ended = repository.run("reconcile", "--yes")
    assert ended.code != 0
    assert "403: Insufficient access." in ended.out + ended.err
    assert repository.server.endpoints == {}


def test_an_event_type_that_the_environment_lacks_names_the_field(repository: Repository) -> None:
    path = repository.write("oncall")
    path.write_text(path.read_text().replace("user.signup", "user.signed"))
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert "422: body.filterTypes" in ended.out


def test_a_slow_product_ends_at_the_time_limit(repository: Repository) -> None:
    repository.write("oncall")
    repository.server.slow = 0.5
    ended = repository.run("plan", "--timeout", "0.1", "--deadline", "1.5")
    assert ended.code not in (0, 2)
    assert "did not answer within" in ended.err
