"""The provider `gitlab` against the stand-in that has the traps of GitLab's documentation."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model.webhook import Subscription
from reconciler.providers.conformance import Place, Samples, conformance
from reconciler.providers.gitlab.plugin import PLUGIN
from tests.stand_ins.gitlab import FLAGS, OTHERS, PROJECT, TEXTS, TOKEN, Server, gitlab
from tests.support.product_repository import ProductRepository
from tests.support.receiver import Receiver

KEY, NEW_KEY = "hook-token-0123456789", "hook-token-9876543210"
TENANT = """apiVersion: webhooks.reconciler/v1
kind: Tenant
metadata: {{name: gitlab}}
spec:
  provider: gitlab
  url: {url}
  token: {{fromEnv: GITLAB_TOKEN}}
  owner: platform
  target: {{project: {project}}}
"""
WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {{name: {name}}}
spec:
  url: {url}
  description: For the rota
  auth: {{type: token, value: {{fromEnv: HOOK_TOKEN}}, version: "{version}"}}
  events: [{{type: merge_requests_events}}, {{type: tag_push_events}}]
  options: {{push_events_branch_filter: main}}
"""


@asynccontextmanager
async def empty_project(_endpoint: str) -> AsyncIterator[Place]:
    with gitlab() as server:
        yield Place(server.url, TOKEN, {"project": PROJECT}, deliver=server.push)


EVENTS = Subscription("push_events", None, None), Subscription("releases_events", None, None)
OPTIONS = {
    "enable_ssl_verification": False,
    "push_events_branch_filter": "release/*",
    "branch_filter_strategy": "all_branches",
    "custom_webhook_template": "{}",
}
test_conformance = conformance(PLUGIN, empty_project, Samples(EVENTS, options=OPTIONS))


class Repository(ProductRepository):
    """Manifests, and the stand-in."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.server = server
        tenant = TENANT.format(url=server.url, project=PROJECT)
        env = {"GITLAB_TOKEN": TOKEN, "HOOK_TOKEN": KEY}
        super().__init__(folder, tenant, WEBHOOK, env, (TOKEN, KEY, NEW_KEY))


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with gitlab() as server:
        yield Repository(tmp_path, server)


def test_sixty_are_created_and_a_removed_manifest_deletes_its_hook(repository: Repository) -> None:
    paths = [repository.write(f"hook-{number:02}") for number in range(60)]
    repository.reconcile()
    hooks = repository.server.hooks
    assert len(hooks) == 60
    assert {hook["push_events"] for hook in hooks.values()} == {False}
    paths[7].unlink()
    repository.reconcile()
    assert "hook-07" not in {hook["name"] for hook in hooks.values()}
    assert len(hooks) == 59


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"name": "by hand"}, "name"),
        ({"description": "by hand\n{}"}, "description"),
        ({"url": "https://elsewhere.example.com/"}, "url"),
        ({"push_events": True}, "events"),
        ({"enable_ssl_verification": False}, "options.enable_ssl_verification"),
        ({"branch_filter_strategy": "regex"}, "options.branch_filter_strategy"),
        ({"push_events_branch_filter": ""}, "options.push_events_branch_filter"),
        ({"custom_webhook_template": "{}"}, "options.custom_webhook_template"),
    ],
)
def test_an_edit_by_hand_is_found_and_repaired(
    repository: Repository, edit: dict[str, Any], field: str
) -> None:
    repository.write("oncall")
    repository.reconcile()
    [hook] = repository.server.hooks.values()
    before = dict(hook)
    hook |= {
        name: value.format(before[name]) if name == "description" else value
        for name, value in edit.items()
    }
    drift = repository.run("drift")
    assert drift.code == 7
    assert field in drift.out
    repository.reconcile()
    empty = {"custom_webhook_template": ""}
    assert {**hook, **empty} == {**before, **empty}


def test_a_new_url_gets_the_token_again_and_a_rename_keeps_it(repository: Repository) -> None:
    path = repository.write("oncall")
    repository.reconcile()
    repository.write("oncall", "https://hooks.example.com/new")
    repository.reconcile()
    [hook] = repository.server.hooks.values()
    assert (hook["url"], hook["token"]) == ("https://hooks.example.com/new", KEY)
    path.unlink()
    repository.write("renamed", "https://hooks.example.com/new", more="  previously: [oncall]\n")
    repository.reconcile()
    [after] = repository.server.hooks.values()
    assert (after["id"], after["name"], after["token"]) == (hook["id"], "renamed", KEY)


def test_a_rotation_reaches_the_receiver_and_a_removed_token_is_removed(
    repository: Repository,
) -> None:
    with Receiver() as receiver:
        path = repository.write("oncall", receiver.url())
        repository.reconcile()
        assert repository.run("test").code == 0
        repository.write("oncall", receiver.url(), version="2")
        repository.env["HOOK_TOKEN"] = NEW_KEY
        repository.reconcile()
        assert repository.run("test").code == 0
        repository.remove_auth(path)
        repository.reconcile()
        assert repository.run("test").code == 0
        tokens = [request.header("X-Gitlab-Token") for request in receiver.requests]
    assert tokens == [KEY, NEW_KEY, None]


def test_a_test_says_what_the_endpoint_answered(repository: Repository) -> None:
    with Receiver() as receiver:
        repository.write("oncall", receiver.url("/status/204"))
        repository.reconcile()
        good = repository.run("test", "-o", "json").json["deliveries"]
        repository.write("oncall", receiver.url("/status/500"))
        repository.reconcile()
        bad = repository.run("test", "-o", "json")
    assert [(item["verdict"], item["status_code"]) for item in good] == [("delivered", 204)]
    assert bad.code == 8


def test_hooks_made_by_hand_are_exported_and_adopted_and_keep_their_fields(
    repository: Repository,
) -> None:
    server = repository.server
    for number in range(5):
        server.hooks[number + 1] = {
            "id": number + 1,
            **FLAGS,
            **TEXTS,
            **OTHERS,
            "log": [],
            "name": f"By hand {number}" if number else None,
            "url": f"https://hooks.example.com/{number}",
        }
    before = json.loads(json.dumps(server.hooks))
    repository.export_and_adopt()
    assert "No changes. 5 unchanged" in repository.run("plan").out
    after = json.loads(json.dumps(server.hooks))
    for hooks in (before, after):
        for hook in hooks.values():
            hook.pop("description")
    assert after == before


@pytest.mark.parametrize(
    ("status", "until", "said"),
    [
        ("disabled", None, "GitLab switched it off after failures"),
        ("temporarily_disabled", "2026-12-01T00:00:00Z", "until 2026-12-01T00:00:00Z"),
    ],
)
def test_a_hook_that_gitlab_disabled_is_reported_by_plan_and_drift(
    repository: Repository, status: str, until: str | None, said: str
) -> None:
    repository.write("oncall")
    repository.reconcile()
    [hook] = repository.server.hooks.values()
    hook |= {"alert_status": status, "disabled_until": until}
    for command in ("plan", "drift"):
        ended = repository.run(command)
        assert ended.code == 0
        assert said in ended.out, ended.out


def test_an_event_that_we_do_not_know_is_reported_and_kept_by_every_update(
    repository: Repository,
) -> None:
    path = repository.write("oncall")
    repository.reconcile()
    [hook] = repository.server.hooks.values()
    hook["events_of_next_year_events"] = True
    plan = repository.run("plan")
    assert "No changes" in plan.out
    assert "it receives events_of_next_year_events too" in plan.out
    path.write_text(path.read_text().replace("tag_push_events", "job_events"))
    repository.reconcile()
    assert hook["job_events"]
    assert hook["events_of_next_year_events"]


def test_what_gitlab_cannot_hold_is_an_error_with_its_place(repository: Repository) -> None:
    path = repository.write("oncall")
    text = path.read_text()
    for wrong, rule in (
        (text.replace("tag_push_events", "tag_pushes"), "provider/event"),
        (text.replace("type: token, value", "type: bearer, token"), "provider/auth"),
        (text.replace("  url:", "  enabled: false\n  url:"), "provider/field"),
        (text.replace("push_events_branch_filter: main", "branch: main"), "provider/option"),
    ):
        path.write_text(wrong)
        ended = repository.run("validate")
        assert ended.code == 1
        assert f"[{rule}]" in ended.err


def test_a_token_without_a_right_and_a_project_that_is_not_there_are_named(
    repository: Repository,
) -> None:
    repository.write("oncall")
    repository.env["GITLAB_TOKEN"] = "glpat-of-somebody-else"
    assert repository.run("plan").code == 3
    repository.env["GITLAB_TOKEN"] = TOKEN
    tenant = TENANT.format(url=repository.server.url, project="acme/other")
    (repository.folder / "tenant.yaml").write_text(tenant)
    ended = repository.run("plan")
    assert ended.code == 1
    assert "404" in ended.err
