"""Commits and plans that are refused: nothing is written, and everybody is told once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.continuous.agent.running import Agent, Repository, wait_for
from tests.stand_ins import github
from tests.support.processes import Tenant
from tests.support.receiver import SIGNING_KEY, Receiver


class Told:
    """Who is told: a receiver of CloudEvents, and a forge."""

    def __init__(self, receiver: Receiver, forge: github.Server, folder: Path) -> None:
        self.receiver, self.forge = receiver, forge
        files = {"url": receiver.url("/signed"), "key": SIGNING_KEY, "token": github.TOKEN}
        for name, text in files.items():
            (folder / name).write_text(text)
        self.options = (
            *("--events-url-file", str(folder / "url"), "--events-key-file", str(folder / "key")),
            *("--allow-network", "127.0.0.0/8", "--allow-port", str(receiver.port)),
            *("--status-token-file", str(folder / "token"), "--forge", "github"),
            *("--status-repository", "https://github.example.com/acme/api"),
            *("--forge-url", forge.url, "--page-url", "https://agent.example.com/"),
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """Those whose signature the package of Standard Webhooks accepts: all."""
        for request in self.receiver.requests:
            Webhook(SIGNING_KEY).verify(request.body, dict(request.headers))
        return [json.loads(request.body) for request in self.receiver.requests]

    def count(self, kind: str) -> int:
        return [event["type"] for event in self.events].count(f"reconciler.{kind}")

    def wait_event(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = wait_for(
            lambda: next((e for e in self.events if e["type"] == f"reconciler.{kind}"), None),
            lambda: str(self.events),
        )
        return found

    def wait_status(self, revision: str, state: str) -> dict[str, Any]:
        found: dict[str, Any] = wait_for(
            lambda: next((s for s in self.list_statuses(revision) if s["state"] == state), None),
            lambda: str(self.forge.statuses),
        )
        return found

    def list_statuses(self, revision: str) -> list[dict[str, Any]]:
        with self.forge.lock:
            return [dict(one) for one in self.forge.statuses if one["commit"] == revision]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with Receiver() as receiver, github.github() as forge:
        yield Told(receiver, forge, tmp_path)


class Scene:
    """An agent that applied a first commit with ten webhooks."""

    def __init__(self, repository: Repository, told: Told, agent: Agent, tenant: Tenant) -> None:
        self.repository, self.told, self.agent, self.tenant = repository, told, agent, tenant

    def push(self) -> str:
        """The forge knows the commit before the agent does."""
        revision = self.repository.commit()
        self.told.forge.commits.add(revision)
        self.repository.send()
        return revision


@pytest.fixture
def scene(tmp_path: Path, repository: Repository, tenant: Tenant, told: Told) -> Iterator[Scene]:
    repository.declare_tenant(tenant)
    repository.declare(*(f"hook-{number}" for number in range(10)))
    options = ("--mode", "apply", "--interval", "1", *told.options)
    agent = Agent(tmp_path, repository.bare, *options, TENANT_TOKEN=tenant.token)
    scene = Scene(repository, told, agent, tenant)
    revision = scene.push()
    with agent:
        agent.wait_applied(revision)
        assert told.wait_status(revision, "success")["context"] == "reconciler/production"
        assert len(told.wait_event("applied")["data"]["lines"]) == 10
        yield scene


def test_an_invalid_commit_is_reported_with_file_and_line_and_the_next_one_recovers(
    scene: Scene,
) -> None:
    before = scene.tenant.webhooks()
    text = (scene.repository.tree / "webhooks" / "hook-3.yaml").read_text()
    scene.repository.write("hook-3", text.replace("url: https://", "url: ftp://"))
    scene.repository.remove("hook-4")  # what it also says is not done
    revision = scene.push()
    place = "webhooks/hook-3.yaml:5"
    run = scene.agent.wait(lambda run: run["revision"] == revision and run["state"] == "failed")
    (problem,) = run["problems"]
    assert (problem["file"], problem["line"]) == ("webhooks/hook-3.yaml", 5)
    assert place in run["message"]
    assert place in scene.told.wait_status(revision, "error")["description"]
    event = scene.told.wait_event("failed")
    assert place in event["data"]["lines"][0]
    assert event["data"]["revision"] == revision
    assert scene.agent.tenant()["phase"] == "backing-off"
    assert scene.tenant.webhooks() == before
    first = run["id"]
    scene.agent.wait(lambda run: run["id"] != first)  # it is tried again, and told once
    scene.repository.write("hook-3", text)
    scene.agent.wait_applied(revision := scene.push())
    scene.told.wait_event("recovered")
    assert scene.told.wait_status(revision, "success")["description"].startswith("applied")
    assert scene.tenant.by_name().keys() == {f"hook-{n}" for n in range(10) if n != 4}
    assert (scene.told.count("failed"), scene.told.count("recovered")) == (1, 1)


@pytest.mark.long
def test_a_refused_plan_is_reported_once_and_applied_after_its_digest_is_accepted_in_git(
    scene: Scene,
) -> None:
    before = scene.tenant.webhooks()
    scene.repository.remove("hook-1", "hook-2", "hook-3", "hook-4")
    revision = scene.push()
    run = scene.agent.wait(lambda run: run["state"] == "refused")
    assert scene.agent.tenant()["phase"] == "stalled"
    assert [item["rule"] for item in run["violations"]] == ["delete-limit"]
    event = scene.told.wait_event("refused")
    assert event["data"]["digest"] == run["digest"]
    assert "delete-limit" in scene.told.wait_status(revision, "failure")["description"]
    first = run["id"]
    run = scene.agent.wait(lambda run: run["id"] != first)  # an interval later
    assert run["state"] == "refused"
    time.sleep(0.5)
    assert scene.told.count("refused") == 1
    states = [status["state"] for status in scene.told.list_statuses(revision)]
    assert states.count("failure") == 1
    assert scene.tenant.webhooks() == before
    accept = f"accept: ['{run['digest']}']"
    scene.repository.declare_tenant(scene.tenant, f"interval: 10s\n{accept}")
    revision = scene.push()
    run = scene.agent.wait_applied(revision)
    assert run["summary"]["delete"] == 4
    assert len(scene.tenant.webhooks()) == 6
    assert scene.told.wait_status(revision, "success")
    scene.told.wait_event("recovered")
    assert scene.agent.metric('reconciler_guard_refusals_total{tenant="production"}') >= 2
