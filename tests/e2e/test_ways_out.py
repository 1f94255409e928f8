"""Each violation names a way out that lets the run go on: the plan is refused, the way is taken,
and reconcile carries it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Ended, Tenant, run, tenant_manifest, webhook

POLICY = """\
apiVersion: webhooks.reconciler/v1
kind: Policy
metadata: {name: documented}
spec: {message: say what it is for, schema: {properties: {description: {minLength: 1}}}}
"""


class Repository:
    """Manifests in a folder without Git, and the served tenant that they are for."""

    def __init__(self, folder: Path, tenant: Tenant) -> None:
        self.folder, self.tenant = folder, tenant
        folder.mkdir()
        (folder / "tenant.yaml").write_text(tenant_manifest(tenant.url))

    def declare(self, *keys: str, **more: Any) -> None:
        for key in keys:
            (self.folder / f"{key}.yaml").write_text(webhook(key, **more))

    def remove(self, *keys: str) -> None:
        for key in keys:
            (self.folder / f"{key}.yaml").unlink()

    def run(self, *command: str) -> Ended:
        return run(*command, cwd=self.folder, TENANT_TOKEN=self.tenant.token)

    def reconcile(self, *options: str) -> Ended:
        return self.run("reconcile", ".", "--yes", *options)

    def names(self) -> set[str]:
        return set(self.tenant.by_name())

    def refused(self, *rules: str) -> tuple[str, str]:
        """The message of the last of these violations, and the plan's digest; nothing was
        written.
        """
        before = self.tenant.webhooks()
        planned = self.run("plan", ".", "-o", "json")
        assert planned.code == 6, planned.out + planned.err
        assert [violation["rule"] for violation in planned.json["violations"]] == list(rules)
        assert self.reconcile().code == 6
        assert self.tenant.webhooks() == before
        return planned.json["violations"][-1]["message"], planned.json["digest"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with Tenant(tmp_path_factory.mktemp("tenant")) as tenant:
        yield tenant


@pytest.fixture
def at(served: Tenant, tmp_path: Path) -> Iterator[Repository]:
    yield Repository(tmp_path / "repository", served)
    for item in served.webhooks():
        if item["protected"]:
            served.edit(item["name"], protected=False)
    for item in served.webhooks():
        served.call("DELETE", f"/webhooks/{item['id']}", If_Match=f'"{item["revision"]}"')


def option_in(message: str, name: str) -> tuple[str, str]:
    """The option with its number, as the message says it."""
    found = re.search(rf"({name}) (\d+)", message)
    assert found, message
    return found[1], found[2]


def test_delete_limit(at: Repository) -> None:
    at.declare(*"abcde")
    assert at.reconcile().code == 0
    at.remove(*"abcd")
    message, _ = at.refused("delete-limit")
    option, number = option_in(message, "--max-deletes")
    assert at.reconcile(option, str(int(number) - 1)).code == 6
    assert at.reconcile(option, number).code == 0
    assert at.names() == {"e"}


def test_update_limit(at: Repository) -> None:
    keys = [f"hook-{number}" for number in range(10)]
    at.declare(*keys)
    assert at.reconcile().code == 0
    at.declare(*keys[:4], extra="description: another")
    message, _ = at.refused("update-limit")
    option, number = option_in(message, "--max-updates")
    assert at.reconcile(option, str(int(number) - 1)).code == 6
    assert at.reconcile(option, number).code == 0


def test_empty_set(at: Repository) -> None:
    at.declare("a", "b")
    assert at.reconcile().code == 0
    at.remove("a", "b")
    message, digest = at.refused("delete-limit", "empty-set")
    assert at.reconcile("--accept", digest).code == 6
    assert "keep one declared until last and delete that one at the tenant" in message
    at.declare("b")
    assert at.reconcile().code == 0
    at.remove("b")
    at.tenant.remove("b")
    assert at.reconcile().code == 0
    assert at.names() == set()


def test_not_owned(at: Repository) -> None:
    at.tenant.call("POST", "/webhooks", {"name": "a", "url": "https://hooks.example.com/by-hand"})
    at.declare("a")
    message, _ = at.refused("not-owned")
    assert "--adopt takes it over" in message
    assert at.reconcile("--adopt").code == 0
    assert at.tenant.by_name()["a"]["managed_by"]["owner"] == "payments"


@pytest.mark.parametrize("way", ["rename", "adopt"])
def test_other_owner(at: Repository, way: str) -> None:
    at.declare("a")
    (at.folder / "tenant.yaml").write_text(tenant_manifest(at.tenant.url, owner="search"))
    assert at.reconcile().code == 0
    (at.folder / "tenant.yaml").write_text(tenant_manifest(at.tenant.url))
    message, _ = at.refused("other-owner")
    if way == "rename":
        assert "give yours a different name" in message
        at.declare("a", name="Another")
    else:
        command = message.partition("agreed with them, reconciler ")[2].split()
        assert at.run(*command, "--yes").code == 0
    assert at.reconcile().code == 0
    assert at.names() == ({"a", "Another"} if way == "rename" else {"a"})


def test_protected(at: Repository) -> None:
    at.declare("a", "b", extra="protected: true")
    assert at.reconcile().code == 0
    at.remove("a")
    message, digest = at.refused("protected")
    assert at.reconcile("--accept", digest).code == 6
    assert "first declare protected: false, reconcile, then remove it" in message
    at.declare("a", extra="protected: false")
    assert at.reconcile().code == 0
    at.remove("a")
    assert at.reconcile().code == 0
    assert at.names() == {"b"}


@pytest.mark.parametrize("way", ["rename", "delete"])
def test_ambiguous_name(at: Repository, way: str) -> None:
    at.declare("a", name="Old")
    assert at.reconcile().code == 0
    at.tenant.call("POST", "/webhooks", {"name": "New", "url": "https://hooks.example.com/by-hand"})
    at.declare("a", name="New")
    message, _ = at.refused("ambiguous-name")
    assert "rename or delete all but one of them at the tenant" in message
    if way == "rename":
        held = at.tenant.by_name()["New"]
        at.tenant.call(
            "PATCH",
            f"/webhooks/{held['id']}",
            {"name": "By hand"},
            If_Match=f'"{held["revision"]}"',
        )
    else:
        at.tenant.remove("New")
    assert at.reconcile().code == 0
    assert at.names() == ({"New", "By hand"} if way == "rename" else {"New"})


def test_name_cycle(at: Repository) -> None:
    at.declare("a", name="One")
    at.declare("b", name="Two")
    assert at.reconcile().code == 0
    ids = {name: item["id"] for name, item in at.tenant.by_name().items()}
    at.declare("a", name="Two")
    at.declare("b", name="One")
    message, _ = at.refused("name-cycle")
    assert "give one of them a third spec.name, reconcile, then the name that it wants" in message
    at.declare("a", name="Three")
    assert at.reconcile().code == 0
    at.declare("a", name="Two")
    assert at.reconcile().code == 0
    assert {name: item["id"] for name, item in at.tenant.by_name().items()} == {
        "One": ids["Two"],
        "Two": ids["One"],
    }


@pytest.mark.parametrize("way", ["change", "accept"])
def test_policy(at: Repository, way: str) -> None:
    at.declare("a")
    (at.folder / "policies").mkdir()
    (at.folder / "policies/documented.yaml").write_text(POLICY)
    _, digest = at.refused("policy/documented")
    if way == "change":
        at.declare("a", extra="description: for the test")
    assert at.reconcile(*(("--accept", digest) if way == "accept" else ())).code == 0


@pytest.mark.parametrize(
    "rule", ["delete-limit", "update-limit", "no-longer-selected", "source-unclear"]
)
def test_a_digest_that_is_accepted_lets_that_plan_pass(at: Repository, rule: str) -> None:
    keys = [f"hook-{number}" for number in range(10)]
    at.declare(*keys)
    assert at.reconcile().code == 0
    if rule == "delete-limit":
        at.remove(*keys[:4])
    elif rule == "update-limit":
        at.declare(*keys[:4], extra="description: another")
    elif rule == "no-longer-selected":
        manifest = (at.folder / "tenant.yaml").read_text()
        (at.folder / "tenant.yaml").write_text(
            manifest.replace("spec: {", "spec: {select: {matchLabels: {team: test}}, ")
        )
        (at.folder / "hook-0.yaml").write_text(
            webhook("hook-0").replace("team: test", "team: other")
        )
    else:
        (at.folder / "hook-0.yaml").rename(at.folder / "hook-0.txt")
        (at.folder / "hook-0.yaml").write_text("# removed\n")
    _, digest = at.refused(rule)
    assert at.reconcile("--accept", digest).code == 0
