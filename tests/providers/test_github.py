"""The provider `github` against the stand-in that has the traps of GitHub's documentation."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.webhook import Subscription
from reconciler.providers.conformance import Place, Samples, conformance
from reconciler.providers.github.plugin import PLUGIN
from tests.stand_ins.github import REPOSITORY, TOKEN, Server, github, sign
from tests.support.processes import Ended, run
from tests.support.receiver import Receiver

KEY, NEW_KEY = "hook-key-0123456789", "hook-key-9876543210"
TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {{name: github}}
spec:
  provider: github
  url: {url}
  token: {{fromEnv: GITHUB_TOKEN}}
  owner: {owner}
  target: {target}
"""
WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {{name: {name}}}
spec:
  url: {url}
  enabled: true
  auth: {{type: signature, secret: {{fromEnv: HOOK_KEY}}, version: "{version}"}}
  events: [{{type: push}}, {{type: pull_request}}]
  options: {{content_type: json}}
"""


def verify(headers: Mapping[str, str], body: bytes, key: str) -> bool:
    return headers.get("x-hub-signature-256") == sign(key, body)


@asynccontextmanager
async def empty_repository(_endpoint: str) -> AsyncIterator[Place]:
    with github() as server:
        yield Place(server.url, TOKEN, {"repository": REPOSITORY})


EVENTS = Subscription("push", None, None), Subscription("release", None, None)
OPTIONS = {"content_type": "json", "insecure_ssl": "1"}
test_conformance = conformance(
    PLUGIN, empty_repository, Samples(EVENTS, options=OPTIONS, verify=verify)
)


class Repository:
    """Manifests in a folder, the stand-in, and the command."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.env = {"GITHUB_TOKEN": TOKEN, "HOOK_KEY": KEY}
        self.write_tenant("platform")

    def write_tenant(self, owner: str, target: str = f"{{repository: {REPOSITORY}}}") -> None:
        text = TENANT.format(url=self.server.url, owner=owner, target=target)
        (self.folder / "tenant.yaml").write_text(text)

    def write(self, name: str, url: str = "", version: str = "1") -> Path:
        path = self.folder / f"{name}.yaml"
        url = url or f"https://hooks.example.com/{name}"
        path.write_text(WEBHOOK.format(name=name, url=url, version=version))
        return path

    def run(self, *arguments: str) -> Ended:
        ended = run(arguments[0], ".", *arguments[1:], cwd=self.folder, **self.env)
        for secret in (TOKEN, KEY, NEW_KEY):
            assert secret not in ended.out + ended.err
        return ended

    def reconcile(self) -> None:
        ended = self.run("reconcile", "--yes")
        assert ended.code == 0, ended.out + ended.err
        plan = self.run("plan")
        assert "No changes" in plan.out, plan.out

    @property
    def hook(self) -> dict[str, Any]:
        [hook] = self.server.hooks.values()
        return hook


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
    ledger = json.loads(json.loads(variable["value"])["ledger"])
    assert set(ledger["webhooks"]) == {str(ident) for ident in server.hooks}
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
        lines = path.read_text().splitlines()
        path.write_text("\n".join(line for line in lines if "auth:" not in line) + "\n")
        repository.reconcile()
        assert repository.run("test").code == 0
        signed = [(item.header("X-Hub-Signature-256"), item.body) for item in receiver.requests]
    expected = [sign(KEY, signed[0][1]), sign(NEW_KEY, signed[1][1]), None]
    assert [signature for signature, _ in signed] == expected


def test_the_verdict_of_a_test_is_that_of_the_delivery_log(repository: Repository) -> None:
    with Receiver() as receiver:
        repository.write("ci", receiver.url("/status/500"))
        repository.reconcile()
        ended = repository.run("test", "-o", "json")
    assert ended.code == 8
    assert [(item["verdict"], item["status_code"]) for item in ended.json["deliveries"]] == [
        ("receiver-error", 500)
    ]


def test_what_only_github_can_send_is_not_tested_and_says_so(repository: Repository) -> None:
    with Receiver() as receiver:
        repository.write("ci", receiver.url())
        repository.reconcile()
        probed = repository.run("test", "--via", "probe")
        checked = repository.run("test", "--check-auth")
    assert "only its product can authenticate by product; use --via tenant" in probed.err
    assert "this product tests what is saved, so with no wrong credential" in checked.out
    assert (probed.code, checked.code) == (1, 8)


def test_a_rename_changes_the_ledger_alone(repository: Repository) -> None:
    path = repository.write("before", "https://hooks.example.com/x")
    repository.reconcile()
    ident = repository.hook["id"]
    path.unlink()
    renamed = repository.write("after", "https://hooks.example.com/x")
    renamed.write_text(renamed.read_text() + "  previously: [before]\n")
    repository.reconcile()
    assert repository.hook["id"] == ident


def test_a_second_owner_s_hooks_are_left_alone(repository: Repository, tmp_path: Path) -> None:
    repository.write("ci")
    repository.reconcile()
    other = tmp_path.with_name(f"{tmp_path.name}-other")
    other.mkdir()
    second = Repository(other, repository.server)
    second.write_tenant("search-team")
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
    server, folder = repository.server, repository.folder
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
    exported = run("export", "out", "tenant.yaml", cwd=folder, **repository.env)
    assert exported.code == 0, exported.err
    texts = [path.read_text() for path in (folder / "out").iterdir()]
    assert len(texts) == 30
    variables = re.findall(r"fromEnv: (\w+)", "".join(texts))
    assert len(set(variables)) == 15
    repository.env |= {name: f"value-of-{name}" for name in variables}
    adopted = run("adopt", "--all", "--yes", cwd=folder, **repository.env)
    assert adopted.code == 0, adopted.out + adopted.err
    assert "Report: 0 created, 30 updated" in adopted.out
    assert "No changes. 30 unchanged" in repository.run("plan").out
    assert json.loads(json.dumps(server.hooks)) == before
    assert {method for method, path in server.calls if "/hooks" in path} == {"GET"}


def test_owners_with_like_names_have_a_variable_each(
    repository: Repository, tmp_path: Path
) -> None:
    owners = ("team-a", "team_a", "Team.A")
    repositories = []
    for number, owner in enumerate(owners):
        folder = tmp_path.with_name(f"{tmp_path.name}-{number}")
        folder.mkdir()
        one = Repository(folder, repository.server)
        one.write_tenant(owner)
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


def test_two_owners_may_use_one_key_and_one_adopts_from_the_other(
    repository: Repository, tmp_path: Path
) -> None:
    folder = tmp_path.with_name(f"{tmp_path.name}-other")
    folder.mkdir()
    second = Repository(folder, repository.server)
    second.write_tenant("search")
    repository.write("ci", "https://hooks.example.com/one")
    second.write("ci", "https://hooks.example.com/two")
    repository.reconcile()
    second.reconcile()
    assert "No changes" in repository.run("plan").out
    third = folder / "third.yaml"
    third.write_text(WEBHOOK.format(name="third", url="https://hooks.example.com/one", version="1"))
    adopt = ("adopt", "third", "--adopt-from", "platform", "--yes")
    adopted = run(*adopt, cwd=folder, **second.env)
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
    value = json.loads(repository.server.variables["RECONCILER_PLATFORM"]["value"])
    ledger = json.loads(value["ledger"])
    for entry in ledger["webhooks"].values():
        entry["protected"] = True
    value["ledger"] = json.dumps(ledger)
    repository.server.variables["RECONCILER_PLATFORM"]["value"] = json.dumps(value)
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
    ended = run("export", "out", ".", cwd=repository.folder, **repository.env)
    assert ended.code == 0, ended.err
    assert "0 new" in ended.out


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


def test_a_hook_of_a_service_is_never_touched(repository: Repository) -> None:
    repository.write("ci")
    repository.reconcile()
    service = {**repository.hook, "id": 1, "name": "email", "config": {"address": "a@b.example"}}
    repository.server.hooks[1] = service
    assert "No changes" in repository.run("plan").out
    assert repository.server.hooks[1] is service
