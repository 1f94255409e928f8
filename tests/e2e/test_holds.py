"""A suspended Tenant, windows of writing, and plans that Git accepts, with the whole program."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.environments import SCHEMAS, codes, count_webhooks, manifest
from tests.support.processes import Ended, run, webhook

NEVER = "windows: [{cron: '0 0 29 2 *', duration: 1m}]"  # a minute in four years
ALWAYS = "windows: [{cron: '* * * * *', duration: 1h}]"
KNOWN = ", repository: forge.example/acme/webhooks"


class Repository:
    """Webhooks for embedded tenants, switched off."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.say("a")

    def say(self, name: str, extra: str = "") -> None:
        """What the Tenant of that name says besides."""
        more = f"{KNOWN}, {extra}" if extra else KNOWN
        (self.folder / f"t-{name}.yaml").write_text(manifest(name, f"{name}.db", extra=more))

    def declare(self, *keys: str) -> None:
        for file in self.folder.glob("w-*.yaml"):
            file.unlink()
        for key in keys:
            (self.folder / f"w-{key}.yaml").write_text(webhook(key, extra="enabled: false"))

    def run(self, command: str, *options: str) -> Ended:
        return run(command, ".", *options, cwd=self.folder)

    def count(self, name: str = "a") -> int:
        file = self.folder / f"{name}.db"
        return count_webhooks(file) if file.exists() else 0


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path)
    found.declare("one")
    return found


def test_a_suspended_tenant_is_planned_with_a_warning_and_not_written(
    repository: Repository,
) -> None:
    repository.say("a", "suspend: true")
    plan = repository.run("plan", "--detailed-exitcode")
    assert plan.code == 2
    assert "warning: t-a.yaml:4:" in plan.out
    assert "nothing will be written to it" in plan.out
    drift = repository.run("drift")
    assert "nothing will be written to it" in drift.out
    digest = repository.run("plan", "-o", "json").json["digest"]
    for options in ([], ["--accept", digest]):
        refused = repository.run("reconcile", "--yes", *options)
        assert refused.code == 6
        assert "violation suspended: t-a.yaml:4:" in refused.out
    assert repository.count() == 0


def test_a_suspended_tenant_without_changes_is_no_refusal(repository: Repository) -> None:
    assert repository.run("reconcile", "--yes").code == 0
    repository.say("a", "suspend: true")
    assert repository.run("reconcile", "--yes").code == 0


def test_a_saved_plan_is_held_by_the_tenant_of_now(repository: Repository) -> None:
    assert repository.run("plan", "--out", "plan.json").code == 0
    repository.say("a", "suspend: true")
    assert repository.run("reconcile", "--yes", "--plan", "plan.json").code == 6
    repository.say("a")
    assert repository.run("reconcile", "--yes", "--plan", "plan.json").code == 0
    assert repository.count() == 1


def test_outside_of_its_windows_a_tenant_is_planned_and_not_written(repository: Repository) -> None:
    repository.say("a", NEVER)
    plan = repository.run("plan", "--detailed-exitcode")
    assert (plan.code, "window" in plan.out) == (2, False)
    refused = repository.run("reconcile", "--yes")
    assert refused.code == 6
    assert "violation outside-window: t-a.yaml:4:" in refused.out
    assert "-02-29 00:00 UTC" in refused.out
    assert repository.count() == 0
    repository.say("a", ALWAYS)
    assert repository.run("reconcile", "--yes").code == 0
    repository.say("a", NEVER)
    assert repository.run("reconcile", "--yes").code == 0


def test_with_all_tenants_a_held_one_keeps_all_from_their_turn(repository: Repository) -> None:
    repository.say("b", "suspend: true")
    refused = repository.run("reconcile", "--all-tenants", "--yes", "-o", "json")
    assert refused.code == 6
    found = {part["tenant"]: part for part in refused.json["runs"]}
    assert codes(found) == {"a": None, "b": 6}
    assert (repository.count("a"), repository.count("b")) == (0, 0)
    repository.say("b")
    assert repository.run("reconcile", "--all-tenants", "--yes").code == 0
    repository.say("b", "suspend: true")
    assert repository.run("reconcile", "--all-tenants", "--yes").code == 0


def test_a_plan_that_the_tenant_accepts_passes_and_no_other(repository: Repository) -> None:
    repository.declare("one", "two", "three", "four")
    assert repository.run("reconcile", "--yes").code == 0
    repository.declare("one", "two")
    refused = repository.run("plan", "-o", "json")
    assert refused.code == 6
    repository.say("a", f"accept: ['{refused.json['digest']}']")
    accepted = repository.run("plan", "--detailed-exitcode", "-o", "json")
    assert accepted.code == 2
    Draft202012Validator(SCHEMAS["plan"]).validate(accepted.json)
    [violation] = accepted.json["violations"]
    assert (violation["rule"], violation["accepted"]) == ("delete-limit", True)
    assert "violation delete-limit (accepted): " in repository.run("plan").out
    repository.declare("one")
    assert repository.run("reconcile", "--yes").code == 6
    repository.declare("one", "two")
    assert repository.run("plan", "--out", "plan.json").code == 0
    assert "(accepted)" in run("show", "plan.json", cwd=repository.folder).out
    repository.say("a")
    assert repository.run("reconcile", "--yes", "--plan", "plan.json").code == 6
    repository.say("a", f"accept: ['{refused.json['digest']}']")
    assert repository.run("reconcile", "--all-tenants", "--yes").code == 0
    assert repository.count() == 2
