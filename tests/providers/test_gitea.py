"""The provider `gitea` against the stand-in that has the traps of Gitea's source."""

from __future__ import annotations

import copy
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.webhook import Subscription
from reconciler.providers.conformance import Place, Samples, conformance
from reconciler.providers.gitea.plugin import PLUGIN
from tests.providers.gitea_repository import Repository, verify
from tests.stand_ins.gitea import GROUPS, REPOSITORY, TOKEN, gitea
from tests.support.forge_repository import KEY, read_ledger
from tests.support.receiver import Receiver


@asynccontextmanager
async def empty_repository(_endpoint: str) -> AsyncIterator[Place]:
    with gitea() as server:
        yield Place(server.url, TOKEN, {"repository": REPOSITORY})


EVENTS = Subscription("push", None, None), Subscription("issues", None, None)
OPTIONS = {"content_type": "form", "branch_filter": "release/*"}
test_conformance = conformance(
    PLUGIN, empty_repository, Samples(EVENTS, options=OPTIONS, verify=verify)
)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with gitea() as server:
        yield Repository(tmp_path, server)


def test_sixty_are_created_and_a_removed_manifest_deletes_its_hook_and_its_entry(
    repository: Repository,
) -> None:
    paths = [repository.write(f"hook-{number:02}") for number in range(60)]
    repository.reconcile()
    server = repository.server
    assert len(server.hooks) == 60
    paths[7].unlink()
    repository.reconcile()
    urls = {hook["config"]["url"] for hook in server.hooks.values()}
    assert len(urls) == 59
    assert "https://hooks.example.com/hook-07" not in urls
    [(name, value)] = repository.variables.items()
    assert name == "RECONCILER_PLATFORM"
    assert set(read_ledger(value)) == {str(ident) for ident in server.hooks}
    for key in (KEY, TOKEN):
        assert key not in value


@pytest.mark.parametrize("most", [7, 50])
def test_pages_end_where_one_is_empty_whatever_the_server_s_own_limit_is(
    repository: Repository, most: int
) -> None:
    repository.server.most = most
    for number in range(60):
        repository.server.add(config={"url": f"https://hooks.example.com/{number}"})
    assert "(60 unmanaged" in repository.run("plan").out


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"active": False}, "enabled"),
        ({"events": {"push", *GROUPS["pull_request"], "release"}}, "event: release"),
        ({"events": {"push", "pull_request"}}, "event: pull_request_only"),
        ({"config": {"url": "https://elsewhere.example.com/"}}, "url"),
        ({"config": {"content_type": "form"}}, "options.content_type"),
        ({"branch_filter": "*"}, "options.branch_filter"),
    ],
)
def test_an_edit_by_hand_is_found_and_repaired_and_the_secret_stays(
    repository: Repository, edit: dict[str, Any], field: str
) -> None:
    repository.write("ci")
    repository.reconcile()
    hook = repository.hook
    before = copy.deepcopy(hook)
    hook["config"] |= edit.get("config", {})
    hook |= {name: value for name, value in edit.items() if name != "config"}
    drift = repository.run("drift")
    assert drift.code == 7
    assert field in drift.out
    repository.reconcile()
    assert {**repository.hook, "updated_at": None} == {
        **before,
        "id": repository.hook["id"],
        "created_at": repository.hook["created_at"],
        "updated_at": None,
    }


@pytest.mark.parametrize("old_names", [False, True])
@pytest.mark.parametrize(
    "events", [["issues", "pull_request"], ["issues_only", "issue_label", "pull_request_review"]]
)
def test_what_gitea_makes_of_events_is_no_drift(
    repository: Repository, events: list[str], *, old_names: bool
) -> None:
    repository.server.old_names = old_names
    path = repository.write("ci")
    listed = ", ".join(f"{{type: {event}}}" for event in events)
    text = path.read_text().replace("{type: push}, {type: pull_request}", listed)
    path.write_text(text)
    repository.reconcile()
    path.write_text(text.replace("branch_filter: main", "branch_filter: next"))
    before = set(repository.hook["events"])
    repository.reconcile()
    assert repository.hook["events"] == before


def test_an_update_keeps_what_the_provider_does_not_know(repository: Repository) -> None:
    path = repository.write("ci")
    repository.reconcile()
    repository.hook["events"].add("action_run_failure")
    repository.hook["authorization_header"] = "Bearer header-of-somebody"
    plan = repository.run("plan")
    assert "No changes" in plan.out
    assert (
        "it has an Authorization header, which this provider does not manage, and keeps" in plan.out
    )
    assert "header-of-somebody" not in plan.out + plan.err
    path.write_text(path.read_text().replace("enabled: true", "enabled: false"))
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 0, ended.out + ended.err
    assert "header-of-somebody" not in ended.out + ended.err
    hook = repository.hook
    assert (hook["active"], hook["config"]["secret"]) == (False, KEY)
    assert "action_run_failure" in hook["events"]
    assert hook["authorization_header"] == "Bearer header-of-somebody"


def test_a_delivery_moves_the_time_of_the_last_write_and_is_no_change(
    repository: Repository,
) -> None:
    path = repository.write("ci")
    repository.reconcile()
    path.write_text(path.read_text().replace("enabled: true", "enabled: false"))
    assert repository.run("plan", "--out", "saved.plan").code == 0
    repository.hook["updated_at"] = repository.server.now()
    ended = repository.run("reconcile", "--plan", "saved.plan", "--yes")
    assert ended.code == 0, ended.out + ended.err
    assert "No changes" in repository.run("plan").out


def test_a_rename_changes_the_ledger_alone(repository: Repository) -> None:
    path = repository.write("before", "https://hooks.example.com/x")
    repository.reconcile()
    before = copy.deepcopy(repository.hook)
    path.unlink()
    repository.write("after", "https://hooks.example.com/x", more="  previously: [before]\n")
    repository.reconcile()
    assert repository.hook == before


def test_hooks_made_by_hand_are_exported_and_adopted_and_nothing_of_them_changes(
    repository: Repository,
) -> None:
    server = repository.server
    for number in range(5):
        server.add(
            config={"url": f"https://hooks.example.com/{number}", "secret": "by-hand"},
            events=["issues_only", "pull_request"][: 1 + number % 2],
            active=number % 3 > 0,
        )
    before = copy.deepcopy(server.hooks)
    repository.export_and_adopt()
    assert "No changes. 5 unchanged" in repository.run("plan").out
    assert server.hooks == before
    assert {method for method, path in server.calls if "/hooks" in path} == {"GET"}


def test_hooks_of_chat_services_are_never_touched_and_never_listed(repository: Repository) -> None:
    for kind in ("slack", "discord", "msteams"):
        repository.server.add(type=kind, config={"url": f"https://{kind}.example.com/x"})
    before = copy.deepcopy(repository.server.hooks)
    repository.write("ci")
    repository.reconcile()
    assert "(0 unmanaged" in repository.run("plan").out
    exported = repository.call("export", "out", ".")
    assert "0 new" in exported.out
    assert {ident: repository.server.hooks[ident] for ident in before} == before


def test_hooks_of_the_kinds_forgejo_and_gogs_are_managed_as_they_are(
    repository: Repository,
) -> None:
    for kind in ("forgejo", "gogs"):
        url = f"https://hooks.example.com/{kind}"
        repository.server.add(type=kind, config={"url": url}, active=True, events=["push"])
        path = repository.write(kind, url)
        repository.remove_auth(path)
    ended = repository.run("reconcile", "--yes", "--adopt")
    assert ended.code == 0, ended.out + ended.err
    assert "No changes" in repository.run("plan").out
    hooks = repository.server.hooks.values()
    assert {hook["type"]: hook["branch_filter"] for hook in hooks} == {
        "forgejo": "main",
        "gogs": "main",
    }


def test_an_organisation_has_hooks_of_its_own_which_gitea_does_not_test(tmp_path: Path) -> None:
    with gitea("/orgs/acme.inc") as server, Receiver() as receiver:
        repository = Repository(tmp_path, server)
        repository.write_tenant("platform", "{organization: acme.inc}")
        repository.write("ci", receiver.url())
        repository.reconcile()
        assert len(server.hooks) == 1
        ended = repository.run("test")
    assert ended.code == 1
    assert "Gitea tests hooks of repositories only; use --via probe" in ended.err


def test_a_test_is_sent_and_claims_nothing_that_gitea_does_not_tell(repository: Repository) -> None:
    with Receiver() as receiver:
        repository.write("ci", receiver.url())
        repository.reconcile()
        ended = repository.run("test", "-o", "json")
        assert receiver.wait(1, seconds=10)
    [delivery] = ended.json["deliveries"]
    assert ended.code == 8
    assert (delivery["verdict"], delivery["passed"], delivery["tested"]) == (
        "interrupted",
        False,
        False,
    )
    assert delivery["detail"] == "Gitea sent it; it does not tell what the endpoint answered"


def test_two_owners_at_once_lose_nothing(repository: Repository) -> None:
    second = repository.make_second("search")
    for number in range(6):
        repository.write(f"one-{number}")
        second.write(f"two-{number}")
    runs = [threading.Thread(target=one.reconcile) for one in (repository, second)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(repository.server.hooks) == 12
    for one in (repository, second):
        assert "No changes. 6 unchanged" in one.run("plan").out


def test_an_archived_repository_whose_server_refuses_writes_says_so(
    repository: Repository,
) -> None:
    repository.write("ci")
    repository.server.rules["^POST"] = (423, {"message": "repo is archived"}, {})
    ended = repository.run("reconcile", "--yes")
    assert ended.code == 4
    assert "repo is archived" in ended.out + ended.err
    repository.server.rules.clear()
    repository.reconcile()


def test_what_gitea_cannot_hold_is_an_error_with_its_place(repository: Repository) -> None:
    path = repository.write("ci")
    text = path.read_text()
    for wrong, rule in (
        (text.replace("type: pull_request", "type: pull_requests"), "provider/event"),
        (text.replace("type: signature, secret", "type: bearer, token"), "provider/auth"),
        (text.replace("  url:", "  description: x\n  url:"), "provider/field"),
        (text.replace("branch_filter: main", "http_method: GET"), "provider/option"),
    ):
        path.write_text(wrong)
        ended = repository.run("validate")
        assert ended.code == 1
        assert f"[{rule}]" in ended.err
