"""The recent deliveries of what a plan removes, by the log of each product."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.webhook import Use
from reconciler.providers.conformance.checks import recent_deliveries_are_counted
from reconciler.providers.conformance.runner import opened
from reconciler.providers.github.plugin import GitHub, Hooks
from reconciler.providers.http.client import Client
from tests.providers.github_repository import Repository
from tests.providers.svix_repository import Repository as SvixRepository
from tests.providers.test_fleet import NAMES, FleetRepository, fleet
from tests.providers.test_github import SAMPLES, empty_repository
from tests.providers.test_gitlab import Repository as GitLabRepository
from tests.stand_ins import github, gitlab, svix


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """A hook `ci`, and one of which the manifest is gone, `old`, made of more than one hook."""
    with github.github() as server:
        yield make_old(Repository(tmp_path, server))


__all__ = ["fleet"]  # a fixture


def make_old(repository: Any) -> Any:
    """A webhook that stays, and one whose manifest is removed."""
    for name in ("stays", "also", "old"):
        repository.write(name)
    repository.reconcile()
    (repository.folder / "old.yaml").unlink()
    return repository


def find_old(hooks: Mapping[Any, dict[str, Any]], read_url: Callable[[Any], str]) -> dict[str, Any]:
    [hook] = [hook for hook in hooks.values() if read_url(hook).endswith("/old")]
    return hook


def find_hook(repository: Repository) -> dict[str, Any]:
    return find_old(repository.server.hooks, lambda hook: hook["config"]["url"])


def count_reads(repository: Repository) -> int:
    return sum(path.endswith("/deliveries") for _, path in repository.server.calls)


def test_a_hook_that_delivered_today_is_not_deleted_before_that_is_accepted(
    repository: Repository,
) -> None:
    hook = find_hook(repository)
    for status in (200, 204, 502):
        github.log(hook, status)
    plan = repository.run("plan")
    assert plan.code == 6
    assert "use: delivered 2 in the last 24 h, failed 1" in plan.out
    assert "violation in-use: old: delivered 2 in the last 24 h" in plan.out
    assert repository.run("reconcile", "--yes").code == 6
    assert len(repository.server.hooks) == 3
    assert repository.run("reconcile", "--yes", "--accept-in-use").code == 0
    assert len(repository.server.hooks) == 2


def test_markdown_and_json_have_the_counts(repository: Repository) -> None:
    github.log(find_hook(repository), 200)
    [change] = repository.run("plan", "-o", "json").json["changes"]
    assert change["use"] == {"succeeded": 1, "failed": 0}
    assert "delivered 1 in the last 24 h" in repository.run("plan", "-o", "markdown").out


def test_pings_redeliveries_and_what_is_older_than_a_day_are_no_use(repository: Repository) -> None:
    hook = find_hook(repository)
    github.log(hook, 200, hours=25)
    github.log(hook, 200, hours=2, again=True)
    github.log(hook, 200, event="ping")
    plan = repository.run("plan")
    assert plan.code == 0
    assert "use: delivered 0 in the last 24 h" in plan.out


def test_the_log_is_read_until_a_delivery_is_older_than_a_day(repository: Repository) -> None:
    hook = find_hook(repository)
    for _ in range(350):
        github.log(hook, 200, hours=30)
    for _ in range(120):
        github.log(hook, 200)
    assert "delivered 120 in the last 24 h" in repository.run("plan").out
    assert count_reads(repository) == 2


def test_of_a_long_log_a_few_pages_are_read_and_the_plan_says_at_least(
    repository: Repository,
) -> None:
    hook = find_hook(repository)
    for _ in range(601):
        github.log(hook, 200)
    ended = repository.run("plan", "-o", "json")
    assert ended.json["changes"][0]["use"] == {"succeeded": 500, "failed": 0, "at_least": True}
    assert "old: delivered at least 500 in the last 24 h" in ended.json["violations"][0]["message"]
    assert count_reads(repository) == 5
    assert repository.run("plan", "--out", "plan.out").code == 6
    accepted = repository.run("reconcile", "--yes", "--plan", "plan.out", "--accept-in-use")
    assert accepted.code == 0, accepted.out + accepted.err


def test_only_what_is_removed_is_asked_for(repository: Repository) -> None:
    assert repository.run("plan").code == 0
    assert count_reads(repository) == 1
    repository.write("old", url="https://hooks.example.com/elsewhere")
    repository.write("new")
    repository.server.calls.clear()
    assert "1 to create, 1 to update, 0 to delete" in repository.run("plan").out
    assert count_reads(repository) == 0


@pytest.mark.parametrize("status", [403, 404])
def test_a_log_that_cannot_be_read_is_a_warning_and_the_use_stays_unknown(
    repository: Repository, status: int
) -> None:
    repository.server.log_fault = status, {"message": "Resource not accessible by integration"}
    plan = repository.run("plan")
    assert plan.code == 0
    assert "use: deliveries unknown" in plan.out
    assert "old (id " in plan.out
    assert "its recent deliveries are unknown: " in plan.out
    assert repository.run("reconcile", "--yes").code == 0
    assert len(repository.server.hooks) == 2


@pytest.mark.parametrize("at", ["yesterday", None])
def test_a_log_without_times_is_a_warning(repository: Repository, at: str | None) -> None:
    github.log(find_hook(repository), 200)
    find_hook(repository)["deliveries"][0]["delivered_at"] = at
    plan = repository.run("plan")
    assert plan.code == 0
    assert "the product's log of deliveries has no times" in plan.out


def test_a_saved_plan_is_carried_out_whatever_the_counts_are_if_they_are_accepted(
    repository: Repository,
) -> None:
    hook = find_hook(repository)
    saved = repository.run("plan", "--out", "plan.out", "-o", "json")
    assert saved.code == 0
    github.log(hook, 200)
    moved = repository.run("plan", "-o", "json")
    assert moved.code == 6
    assert moved.json["digest"] == saved.json["digest"]
    refused = repository.run("reconcile", "--yes", "--plan", "plan.out")
    assert refused.code == 6
    assert "delivered 1 in the last 24 h" in refused.out
    github.log(hook, 200)
    digest = saved.json["digest"]
    ended = repository.run("reconcile", "--yes", "--plan", "plan.out", "--accept", digest)
    assert ended.code == 0, ended.out + ended.err
    assert len(repository.server.hooks) == 2


def test_a_saved_plan_whose_hook_is_deleted_already_is_carried_out(repository: Repository) -> None:
    assert repository.run("plan", "--out", "plan.out").code == 0
    del repository.server.hooks[find_hook(repository)["id"]]
    ended = repository.run("reconcile", "--yes", "--plan", "plan.out")
    assert ended.code == 0, ended.out + ended.err
    assert "deliveries are unknown" not in ended.out


def test_an_endpoint_of_svix_that_got_messages_today_is_not_deleted(tmp_path: Path) -> None:
    with svix.svix() as server:
        repository = make_old(SvixRepository(tmp_path, server))
        old = server.find("old")
        assert old is not None
        for status, hours in ((200, 0), (204, 23), (200, 25), (500, 1)):
            server.log(old, f"msg_{hours}", status, hours)
        plan = repository.run("plan")
        assert plan.code == 6
        assert "use: delivered 2 in the last 24 h, failed 1" in plan.out
        stats = [path for _, path in server.calls if path.endswith("/stats")]
        assert stats == [f"/api/v1/app/{svix.APPLICATION}/endpoint/{old['id']}/stats"]


@pytest.mark.parametrize("answer", [[], {"success": "3", "fail": 0}, {"success": 3}])
def test_statistics_of_another_shape_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    with svix.svix() as server:
        repository = make_old(SvixRepository(tmp_path, server))
        monkeypatch.setattr(server, "count", lambda *_: answer)
        plan = repository.run("plan")
        assert plan.code == 0
        assert "old (id ep_" in plan.out
        assert "Svix answered statistics of another shape" in plan.out


def test_a_hook_of_gitlab_that_delivered_today_is_not_deleted(tmp_path: Path) -> None:
    with gitlab.gitlab() as server:
        repository = make_old(GitLabRepository(tmp_path, server))
        hook = find_old(server.hooks, lambda hook: hook["url"])
        for status, hours in (("200", 30), ("500", 2), ("internal error", 1), *[("201", 0)] * 25):
            gitlab.log(hook, status, hours=hours)
        plan = repository.run("plan")
        assert plan.code == 6
        assert "use: delivered 25 in the last 24 h, failed 2" in plan.out
        server.has_log = False
        before = repository.run("plan")
        assert before.code == 0
        assert "use: deliveries unknown" in before.out


def test_of_a_fleet_only_the_repository_in_use_refuses_the_removal(
    fleet: FleetRepository,
) -> None:
    fleet.write("stays")
    old = fleet.write("old")
    fleet.reconcile()
    old.unlink()
    place = fleet.place("svc-02")
    github.log(find_old(place.hooks, lambda hook: hook["config"]["url"]), 200)
    refused = fleet.run("plan", "-o", "json", "--max-deletes", str(len(NAMES)))
    in_use = [item["names"] for item in refused.json["violations"] if item["rule"] == "in-use"]
    assert in_use == [["old@acme/svc-02"]]
    uses = {item["name"]: item["use"]["succeeded"] for item in refused.json["changes"]}
    assert uses == {f"old@{name}": int(name == "acme/svc-02") for name in NAMES}
    place.log_fault = 403, {"message": "Resource not accessible by integration"}
    unknown = fleet.run("plan", "--max-deletes", str(len(NAMES)))
    assert "in-use" not in unknown.out
    assert "old@acme/svc-02 (id acme/svc-02#" in unknown.out


class CountsNothing(Hooks):
    async def find_use(self, held_id: str) -> Use:
        return Use()


class CountsPings(Hooks):
    async def find_use(self, held_id: str) -> Use:
        use = await super().find_use(held_id)
        return Use(use.succeeded + 1, use.failed)


@pytest.mark.parametrize("hooks", [CountsNothing, CountsPings])
def test_a_plug_in_that_counts_wrongly_is_caught(
    hooks: type[Hooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(GitHub):
        def session(self, http: Client, target: Mapping[str, Any]) -> Hooks:
            return hooks(http, f"/repos/{target['repository']}/hooks")

    async def check() -> None:
        async with opened(Wrong(), empty_repository, SAMPLES) as subject:
            await recent_deliveries_are_counted(subject)

    monkeypatch.setattr("reconciler.providers.conformance.use_check._LOOKS", 3)
    with pytest.raises(AssertionError, match="the counts are"):
        asyncio.run(check())
