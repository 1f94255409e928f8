"""Whose a GitHub hook is: the ledger in Actions variables, and what people and other runs do to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.github_repository import Repository
from tests.stand_ins.github import REPOSITORY, github
from tests.support.forge_repository import change_ledger, read_ledger


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with github() as server:
        yield Repository(tmp_path, server)


def test_a_rename_changes_the_ledger_alone(repository: Repository) -> None:
    path = repository.write("before", "https://hooks.example.com/x")
    repository.reconcile()
    ident = repository.hook["id"]
    path.unlink()
    repository.write("after", "https://hooks.example.com/x", more="  previously: [before]\n")
    repository.reconcile()
    assert repository.hook["id"] == ident


def test_a_second_owner_s_hooks_are_left_alone(repository: Repository) -> None:
    repository.write("ci")
    repository.reconcile()
    second = repository.make_second("search-team")
    second.write("search")
    second.reconcile()
    assert len(repository.server.hooks) == 2
    assert set(repository.server.variables) == {"RECONCILER_PLATFORM", "RECONCILER_SEARCH_TEAM"}
    assert "No changes" in repository.run("plan").out


def test_a_hook_whose_ledger_was_not_written_is_unowned_and_adopted(
    repository: Repository,
) -> None:
    repository.write("ci")
    repository.reconcile()
    repository.server.variables.clear()
    plan = repository.run("plan")
    assert plan.code == 6, plan.out
    assert "not-owned" in plan.out
    adopted = repository.run("reconcile", "--yes", "--adopt")
    assert adopted.code == 0, adopted.out + adopted.err
    assert "No changes" in repository.run("plan").out
    assert len(repository.server.hooks) == 1


def test_hooks_made_by_hand_are_exported_and_adopted_and_nothing_of_them_changes(
    repository: Repository,
) -> None:
    server = repository.server
    for number in range(30):
        ident = number + 1
        server.hooks[ident] = {
            "id": ident,
            "name": "web",
            "active": number % 3 > 0,
            "events": ["push"],
            "config": {
                "url": f"https://hooks.example.com/{number}",
                "content_type": "json",
                "insecure_ssl": "0",
                **({"secret": "by-hand"} if number % 2 else {}),
            },
            "created_at": server.now(),
            "updated_at": server.now(),
            "deliveries": [],
        }
    before = json.loads(json.dumps(server.hooks))
    texts = repository.export_and_adopt()
    assert len(texts) == 30
    assert len(set(re.findall(r"fromEnv: (\w+)", "".join(texts)))) == 15
    assert "No changes. 30 unchanged" in repository.run("plan").out
    assert json.loads(json.dumps(server.hooks)) == before
    assert {method for method, path in server.calls if "/hooks" in path} == {"GET"}


def test_owners_with_like_names_have_a_variable_each(repository: Repository) -> None:
    owners = ("team-a", "team_a", "Team.A")
    repositories = []
    for number, owner in enumerate(owners):
        one = repository.make_second(owner)
        one.write(f"hook-{number}")
        one.reconcile()
        repositories.append(one)
    assert len(repository.server.variables) == 3
    for one in repositories:
        assert "No changes" in one.run("plan").out


def test_a_variable_that_is_something_else_is_never_overwritten(repository: Repository) -> None:
    variables = repository.server.variables
    variables["RECONCILER_PLATFORM"] = {"name": "RECONCILER_PLATFORM", "value": "precious"}
    repository.write("ci")
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert "RECONCILER_PLATFORM is no ledger of platform" in ended.out
    assert variables["RECONCILER_PLATFORM"]["value"] == "precious"


def test_two_owners_may_use_one_key_and_one_adopts_from_the_other(repository: Repository) -> None:
    second = repository.make_second("search")
    repository.write("ci", "https://hooks.example.com/one")
    second.write("ci", "https://hooks.example.com/two")
    repository.reconcile()
    second.reconcile()
    assert "No changes" in repository.run("plan").out
    second.write("third", "https://hooks.example.com/one")
    adopted = second.call("adopt", "third", "--adopt-from", "platform", "--yes")
    assert adopted.code == 0, adopted.out + adopted.err
    plan = second.run("plan")
    assert "warning" not in plan.out
    assert "No changes. 2 unchanged" in plan.out


def test_what_moved_in_the_ledger_after_the_plan_is_a_conflict(repository: Repository) -> None:
    path = repository.write("ci")
    repository.write("other")
    repository.reconcile()
    path.unlink()
    assert repository.run("plan", "--out", "saved.plan").code == 0
    variable = repository.server.variables["RECONCILER_PLATFORM"]
    entries = read_ledger(variable["value"])
    for entry in entries.values():
        entry["protected"] = True
    variable["value"] = change_ledger(variable["value"], entries)
    ended = repository.run("reconcile", "--plan", "saved.plan", "--yes")
    assert ended.code == 5, ended.out + ended.err
    assert len(repository.server.hooks) == 2


def test_a_saved_plan_that_adopts_is_carried_out(repository: Repository) -> None:
    repository.write("ci")
    repository.reconcile()
    repository.server.variables.clear()
    assert repository.run("plan", "--adopt", "--out", "saved.plan").code == 0
    ended = repository.run("reconcile", "--plan", "saved.plan", "--yes")
    assert ended.code == 0, ended.out + ended.err
    assert "No changes" in repository.run("plan").out


def test_a_hook_that_a_manifest_declares_is_not_exported_again(repository: Repository) -> None:
    repository.write("ci")
    repository.reconcile()
    repository.server.variables.clear()
    ended = repository.call("export", "out", ".")
    assert ended.code == 0, ended.err
    assert "0 new" in ended.out


@pytest.mark.parametrize("text", ["", "{", "[]", '{"owner": 1}', '{"owner": "x", "ledger": "{}"}'])
def test_a_ledger_that_somebody_edited_makes_its_hooks_unowned_and_deletes_nothing(
    repository: Repository, text: str
) -> None:
    path = repository.write("ci")
    repository.write("other")
    repository.reconcile()
    repository.server.variables["RECONCILER_PLATFORM"]["value"] = text
    path.unlink()
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 6, ended.out
    assert len(repository.server.hooks) == 2


def test_an_entry_counts_only_for_the_hook_that_was_created_then(repository: Repository) -> None:
    path = repository.write("ci")
    repository.write("other")
    repository.reconcile()
    hook = next(
        hook for hook in repository.server.hooks.values() if hook["config"]["url"].endswith("ci")
    )
    hook["created_at"] = "2020-01-01T00:00:00Z"
    path.unlink()
    assert "No changes" in repository.run("plan").out


def test_two_repositories_are_two_tenants_of_one_owner(repository: Repository) -> None:
    repository.write("ci")
    first = (repository.folder / "tenant.yaml").read_text()
    second = first.replace("name: github", "name: web").replace(REPOSITORY, "acme/web")
    (repository.folder / "web.yaml").write_text(second)
    assert repository.run("validate").code == 0
    again = first.replace("name: github", "name: again").replace(REPOSITORY, REPOSITORY.upper())
    (repository.folder / "again.yaml").write_text(again)
    refused = repository.run("validate")
    assert refused.code == 1
    assert "[tenant/same-target]" in refused.err
