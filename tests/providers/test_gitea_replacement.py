"""A new secret at a product that keeps signing with the old one: a new hook replaces the old one, and
no event is lost, whenever the run ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.gitea_repository import Repository, find_keys
from tests.stand_ins.gitea import gitea
from tests.support.forge_repository import KEY, NEW_KEY, change_ledger, read_ledger
from tests.support.processes import start
from tests.support.receiver import Receiver

LEDGER = "RECONCILER_PLATFORM"
REASON = "replaced: this product keeps signing with the old secret"


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with gitea() as server:
        yield Repository(tmp_path, server)


def rotate(repository: Repository, url: str = "") -> None:
    """Git has a new key; nothing is reconciled yet."""
    repository.write("ci", url, version="2")
    repository.env["HOOK_KEY"] = NEW_KEY


def test_a_replacement_has_what_the_provider_does_not_manage(repository: Repository) -> None:
    repository.write("ci")
    repository.reconcile()
    [old] = repository.server.hooks
    repository.hook["events"].add("action_run_failure")
    repository.hook["authorization_header"] = "Bearer header-of-somebody"
    repository.hook["type"] = "forgejo"
    before = {name: repository.hook[name] for name in ("events", "authorization_header", "type")}
    rotate(repository)
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 0, ended.out + ended.err
    assert "header-of-somebody" not in ended.out + ended.err
    assert old not in repository.server.hooks
    assert {name: repository.hook[name] for name in before} == before


def list_keys(repository: Repository) -> list[str]:
    return sorted(entry["key"] for entry in read_ledger(repository.variables[LEDGER]).values())


def test_a_rotation_reaches_the_receiver_and_a_removed_key_is_removed(
    repository: Repository,
) -> None:
    with Receiver() as receiver:
        path = repository.write("ci", receiver.url())
        repository.reconcile()
        repository.server.push()
        rotate(repository, receiver.url())
        plan = repository.run("plan")
        assert f"ci  ci.yaml:1  {REASON}" in plan.out, plan.out
        repository.reconcile()
        repository.server.push()
        repository.remove_auth(path)
        repository.reconcile()
        repository.server.push()
        assert find_keys(receiver, KEY, NEW_KEY) == [KEY, NEW_KEY, ""]
        assert [request.header("X-Gitea-Signature") for request in receiver.requests][2] == ""
    assert list_keys(repository) == ["ci"]
    assert 0 not in repository.server.counts[repository.server.counts.index(1) :]


def test_an_adopted_hook_gets_its_secret_by_a_replacement(repository: Repository) -> None:
    url = "https://hooks.example.com/ci"
    made_by_hand = repository.server.add(config={"url": url, "secret": KEY})["id"]
    rotate(repository, url)
    ended = repository.run("reconcile", "--yes", "--adopt")
    assert ended.code == 0, ended.out + ended.err
    assert repository.hook["id"] != made_by_hand
    assert repository.hook["config"]["secret"] == NEW_KEY


def test_if_the_old_hook_cannot_be_deleted_the_next_run_deletes_it(repository: Repository) -> None:
    with Receiver() as receiver:
        repository.write("ci", receiver.url())
        repository.reconcile()
        [old] = repository.server.hooks
        rotate(repository, receiver.url())
        repository.server.rules["^DELETE"] = (500, "<html>crash</html>", {})
        assert repository.run("reconcile", "--yes", "--deadline", "5").code == 4
        assert len(repository.server.hooks) == 2
        assert list_keys(repository) == ["ci", "ci (replaced)"]
        repository.server.push()
        assert sorted(find_keys(receiver, KEY, NEW_KEY)) == sorted([KEY, NEW_KEY])
        repository.server.rules.clear()
        plan = repository.run("plan")
        assert "ci (replaced)" in plan.out
        assert "ours, no longer declared" in plan.out
        repository.reconcile()
    assert old not in repository.server.hooks
    assert (repository.hook["config"]["secret"], list_keys(repository)) == (NEW_KEY, ["ci"])


def test_a_run_that_is_killed_before_the_delete_is_finished_by_the_next_one(
    repository: Repository,
) -> None:
    repository.write("ci")
    repository.reconcile()
    [old] = repository.server.hooks
    rotate(repository)
    repository.server.rules["^DELETE"] = (500, "<html>late</html>", {"seconds": "2"})
    process = start("reconcile", ".", "--yes", cwd=repository.folder, **repository.env)
    deadline = time.monotonic() + 30
    while ("DELETE" not in dict(repository.server.calls)) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert len(repository.server.hooks) == 2
    repository.server.rules.clear()
    repository.reconcile()
    assert old not in repository.server.hooks
    assert (repository.hook["config"]["secret"], list_keys(repository)) == (NEW_KEY, ["ci"])


def retire(repository: Repository) -> None:
    """The ledger as a run leaves it that ends right after it has retired the old hook."""
    value = repository.variables[LEDGER]
    entries = read_ledger(value)
    for entry in entries.values():
        if entry["key"] == "ci":
            entry["key"] = "ci (replaced)"
    repository.variables[LEDGER] = change_ledger(value, entries)


def test_a_run_that_ended_before_the_new_hook_is_done_again(repository: Repository) -> None:
    repository.write("ci")
    repository.write("other")
    repository.reconcile()
    retire(repository)
    repository.env["HOOK_KEY"] = NEW_KEY
    for name in ("ci", "other"):
        repository.write(name, version="2")
    repository.reconcile()
    secrets = [hook["config"]["secret"] for hook in repository.server.hooks.values()]
    assert (secrets, list_keys(repository)) == ([NEW_KEY, NEW_KEY], ["ci", "other"])


def test_a_run_that_ended_before_the_new_hook_was_noted_names_both(repository: Repository) -> None:
    repository.write("ci")
    repository.reconcile()
    [old] = repository.server.hooks
    retire(repository)
    rotate(repository)
    new = repository.server.add(
        config={"url": "https://hooks.example.com/ci", "secret": NEW_KEY},
        events=["push", "pull_request"],
        branch_filter="main",
        active=True,
    )
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 6
    assert f"2 live webhooks could be it (ids {old}, {new['id']})" in ended.out
    assert set(repository.server.hooks) == {old, new["id"]}


@pytest.mark.parametrize("is_made", [False, True])
def test_a_replacement_that_fails_leaves_the_old_hook_and_its_mark(
    repository: Repository, *, is_made: bool
) -> None:
    repository.write("ci")
    repository.reconcile()
    before = dict(repository.hook), repository.variables[LEDGER]
    rotate(repository)
    if is_made:
        repository.server.forgotten.add("branch_filter")
    else:
        repository.server.rules["^POST .*/hooks$"] = (422, {"message": "refused"}, {})
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert ("holds something else: options" if is_made else "refused") in ended.out
    assert (dict(repository.hook), repository.variables[LEDGER]) == before
    repository.server.forgotten.clear()
    repository.server.rules.clear()
    repository.reconcile()
    assert repository.hook["config"]["secret"] == NEW_KEY


def test_an_answer_that_is_lost_makes_no_third_hook(repository: Repository) -> None:
    repository.write("ci")
    repository.reconcile()
    rotate(repository)
    repository.server.lost_answers = 1
    ended = repository.run("reconcile", "--yes", "--timeout", "2")
    assert ended.code == 0, ended.out + ended.err
    assert repository.hook["config"]["secret"] == NEW_KEY
    assert "No changes" in repository.run("plan").out


def test_a_protected_hook_is_replaced_and_stays_protected(repository: Repository) -> None:
    path = repository.write("ci", more="  protected: true\n")
    repository.reconcile()
    path.write_text(path.read_text().replace('version: "1"', 'version: "2"'))
    repository.env["HOOK_KEY"] = NEW_KEY
    repository.reconcile()
    assert repository.hook["config"]["secret"] == NEW_KEY
    [entry] = read_ledger(repository.variables[LEDGER]).values()
    assert entry["protected"] is True
