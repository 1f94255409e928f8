"""The provider `github` against the stand-in that has the traps of GitHub's documentation."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.webhook import Subscription
from reconciler.providers.conformance import Place, Samples, conformance
from reconciler.providers.github.plugin import PLUGIN
from tests.providers.github_repository import Repository, verify
from tests.stand_ins.github import REPOSITORY, TOKEN, github, log, sign
from tests.support.forge_repository import KEY, NEW_KEY, read_ledger
from tests.support.receiver import Receiver


@asynccontextmanager
async def empty_repository(_endpoint: str) -> AsyncIterator[Place]:
    with github() as server:
        yield Place(server.url, TOKEN, {"repository": REPOSITORY}, deliver=server.push)


EVENTS = Subscription("push", None, None), Subscription("release", None, None)
OPTIONS = {"content_type": "json", "insecure_ssl": "1"}
SAMPLES = Samples(EVENTS, options=OPTIONS, verify=verify)
test_conformance = conformance(PLUGIN, empty_repository, SAMPLES)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with github() as server:
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
    [variable] = server.variables.values()
    assert variable["name"] == "RECONCILER_PLATFORM"
    assert set(read_ledger(variable["value"])) == {str(ident) for ident in server.hooks}
    for key in (KEY, TOKEN):
        assert key not in variable["value"]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"active": False}, "enabled"),
        ({"events": ["push", "release"]}, "event: release"),
        ({"config": {"url": "https://elsewhere.example.com/"}}, "url"),
        ({"config": {"insecure_ssl": "1"}}, "options.insecure_ssl"),
        ({"config": {"content_type": "form"}}, "options.content_type"),
    ],
)
def test_an_edit_by_hand_is_found_and_repaired_and_the_secret_stays(
    repository: Repository, edit: dict[str, Any], field: str
) -> None:
    repository.write("ci")
    repository.reconcile()
    hook = repository.hook
    before = json.loads(json.dumps(hook))
    hook["config"] |= edit.pop("config", {})
    hook |= edit
    hook["updated_at"] = repository.server.now()
    drift = repository.run("drift")
    assert drift.code == 7
    assert field in drift.out
    repository.reconcile()
    for one in (hook, before):
        one["events"].sort()
        one.pop("updated_at")
    assert hook == before


def test_a_secret_that_was_replaced_by_hand_is_noticed_and_sent_again(
    repository: Repository,
) -> None:
    repository.write("ci")
    repository.reconcile()
    repository.hook["config"]["secret"] = "by-hand"
    repository.hook["updated_at"] = repository.server.now()
    plan = repository.run("plan")
    assert "auth.secret" in plan.out
    repository.reconcile()
    assert repository.hook["config"]["secret"] == KEY


def test_no_update_of_another_field_removes_the_secret(repository: Repository) -> None:
    path = repository.write("ci")
    repository.reconcile()
    text = path.read_text()
    for changed in (
        text.replace("type: pull_request", "type: release"),
        text.replace("enabled: true", "enabled: false"),
        text.replace("content_type: json", "content_type: form"),
        text.replace("hooks.example.com/ci", "hooks.example.com/new"),
    ):
        path.write_text(changed)
        repository.reconcile()
        assert repository.hook["config"]["secret"] == KEY


def test_a_rotation_reaches_the_receiver_and_a_removed_key_is_removed(
    repository: Repository,
) -> None:
    with Receiver() as receiver:
        path = repository.write("ci", receiver.url())
        repository.reconcile()
        assert repository.run("test").code == 0
        repository.write("ci", receiver.url(), version="2")
        repository.env["HOOK_KEY"] = NEW_KEY
        repository.reconcile()
        assert repository.run("test").code == 0
        repository.remove_auth(path)
        repository.reconcile()
        assert repository.run("test").code == 0
        signed = [(item.header("X-Hub-Signature-256"), item.body) for item in receiver.requests]
    expected = [sign(KEY, signed[0][1]), sign(NEW_KEY, signed[1][1]), None]
    assert [signature for signature, _ in signed] == expected


def test_a_hook_whose_last_delivery_failed_is_a_warning_and_no_request_more(
    repository: Repository,
) -> None:
    repository.write("ci")
    repository.reconcile()
    repository.server.calls.clear()
    for status, said in ((200, ""), (502, "502"), (0, "it reached no endpoint")):
        log(repository.hook, status)
        for command in ("plan", "drift"):
            ended = repository.run(command)
            assert ended.code == 0
            ident = repository.hook["id"]
            warning = f"ci (id {ident}): GitHub says that its last delivery failed: {said}"
            assert (warning in ended.out) is bool(said), ended.out
    assert {path.rsplit("/", 1)[1] for _, path in repository.server.calls} == {"hooks", "variables"}
    repository.hook["active"] = False
    assert "last delivery failed" not in repository.run("plan").out


def test_the_verdict_of_a_test_is_that_of_the_delivery_log(repository: Repository) -> None:
    with Receiver() as receiver:
        repository.write("ci", receiver.url("/status/500"))
        repository.reconcile()
        ended = repository.run("test", "-o", "json")
    assert ended.code == 8
    assert [(item["verdict"], item["status_code"]) for item in ended.json["deliveries"]] == [
        ("receiver-error", 500)
    ]


def test_a_probe_is_signed_and_a_saved_hook_is_tested_with_its_own_key_only(
    repository: Repository,
) -> None:
    with Receiver() as receiver:
        repository.write("ci", receiver.url())
        repository.reconcile()
        probed = repository.run("test", "--via", "probe", "--allow-network", "127.0.0.0/8")
        checked = repository.run("test", "--check-auth")
        (first, *_) = receiver.requests
    assert probed.code == 0, probed.err
    assert first.header("X-Hub-Signature-256") == sign(KEY, first.body)
    assert "this product tests what is saved, so with no wrong credential" in checked.out
    assert checked.code == 8


def test_a_token_that_may_only_read_deletes_nothing_and_says_so(repository: Repository) -> None:
    path = repository.write("ci")
    repository.write("other")
    repository.reconcile()
    path.unlink()
    repository.server.refused.add("DELETE")
    ended = repository.run("reconcile", "--yes")
    assert ended.code != 0
    assert "permission" in ended.out + ended.err
    assert len(repository.server.hooks) == 2
    repository.server.refused.clear()
    repository.reconcile()
    assert len(repository.server.hooks) == 1


@pytest.mark.parametrize(
    "fault",
    [
        (403, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": "1"}),
        (
            403,
            {"message": "API rate limit exceeded"},
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 1)},
        ),
        (429, {"message": "slow down"}, {"Retry-After": "1"}),
        (502, "<html>Unicorn!</html>", {}),
    ],
)
def test_a_limit_and_a_fault_are_waited_for(
    repository: Repository, fault: tuple[int, Any, dict[str, str]]
) -> None:
    repository.write("ci")
    repository.server.faults.append(fault)
    assert repository.run("reconcile", "--yes").code == 0
    assert len(repository.server.hooks) == 1


def test_an_event_that_we_do_not_know_is_reported_and_kept_by_every_update(
    repository: Repository,
) -> None:
    path = repository.write("ci")
    repository.reconcile()
    repository.hook["events"].append("event_of_next_year")
    plan = repository.run("plan")
    assert "No changes" in plan.out
    assert "it receives event_of_next_year too" in plan.out
    path.write_text(path.read_text().replace("type: pull_request", "type: release"))
    repository.reconcile()
    assert repository.hook["events"] == ["push", "release", "event_of_next_year"]


def test_a_limit_costs_time_until_the_deadline_and_no_tries(repository: Repository) -> None:
    repository.write("ci")
    limit = (403, {"message": "secondary rate limit"}, {"Retry-After": "0"})
    repository.server.faults += [limit] * 8  # a request has six tries otherwise
    assert repository.run("plan", "--deadline", "60").code == 0
    assert repository.server.faults == []


def test_a_token_without_a_right_and_a_repository_that_is_not_there_are_named(
    repository: Repository,
) -> None:
    repository.write("ci")
    repository.env["GITHUB_TOKEN"] = "ghp_of_somebody_else"
    assert repository.run("plan").code == 3
    repository.env["GITHUB_TOKEN"] = TOKEN
    repository.write_tenant("platform", "{repository: acme/other}")
    ended = repository.run("plan")
    assert ended.code == 1
    assert "permission" in ended.err


def test_an_organisation_has_hooks_of_its_own(tmp_path: Path) -> None:
    with github("/orgs/acme") as server:
        repository = Repository(tmp_path, server)
        repository.write_tenant("platform", "{organization: acme}")
        repository.write("ci")
        repository.reconcile()
        assert len(server.hooks) == 1


def test_a_hook_of_a_service_is_never_touched(repository: Repository) -> None:
    repository.write("ci")
    repository.reconcile()
    service = {**repository.hook, "id": 1, "name": "email", "config": {"address": "a@b.example"}}
    before = json.dumps(service)
    repository.server.hooks[1] = service
    assert "No changes. 1 unchanged (0 unmanaged" in repository.run("plan").out
    repository.write("ci", "https://hooks.example.com/moved")
    repository.reconcile()
    assert json.dumps(repository.server.hooks[1]) == before


def test_many_tests_share_one_listing(repository: Repository) -> None:
    with Receiver() as receiver:
        for number in range(5):
            repository.write(f"hook-{number}", receiver.url(f"/status/20{number}"))
        repository.reconcile()
        repository.server.calls.clear()
        assert repository.run("test").code == 0
    listings = repository.server.calls.count(("GET", f"/repos/{REPOSITORY}/hooks"))
    assert listings <= 2  # one for the tests, one for what is switched off


@pytest.mark.parametrize("target", ["{}", f"{{repository: {REPOSITORY}, organization: acme}}"])
def test_a_target_that_is_not_one_place_says_what_to_give(
    repository: Repository, target: str
) -> None:
    repository.write_tenant("platform", target)
    ended = repository.run("validate")
    assert ended.code == 1
    assert "give 1 of repository, organization" in ended.err
