"""Saved plans against a served tenant: what was approved is what is applied, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Ended, Tenant, run, tenant_manifest, webhook

TOKENS = {"A_TOKEN": "tk-93be77d210", "A_URL": "https://hooks.example.com/sp-771f3ce9d4"}
BEARER = "{type: bearer, token: {fromEnv: A_TOKEN}, version: '1'}"

HELD = {"type": "bearer"}


class Repository:
    """A folder of manifests and the tenant that they are for."""

    def __init__(self, folder: Path, tenant: Tenant) -> None:
        self.folder, self.tenant = folder, tenant
        self.env = {"TENANT_TOKEN": tenant.token, **TOKENS}
        (folder / "tenant.yaml").write_text(tenant_manifest(tenant.url))

    def write(self, key: str, **fields: Any) -> None:
        (self.folder / f"{key}.yaml").write_text(webhook(key, **fields))

    def run(self, command: str, *options: str) -> Ended:
        return run(command, *options, cwd=self.folder, **self.env)

    def plan(self, *options: str) -> Ended:
        return self.run("plan", ".", "--out", "plan.json", *options)

    def apply(self, *options: str) -> Ended:
        return self.run("reconcile", ".", "--plan", "plan.json", "--yes", *options)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """Four webhooks, all as declared; then one is to be updated, one deleted, one created."""
    with Tenant(tmp_path / "tenant") as tenant:
        folder = tmp_path / "repository"
        folder.mkdir()
        found = Repository(folder, tenant)
        for key in ("kept", "other", "gone"):
            found.write(key)
        found.write("changed", url="{fromEnv: A_URL}", auth=BEARER)
        assert found.run("reconcile", ".", "--yes").code == 0
        found.write("changed", url="{fromEnv: A_URL}", auth=BEARER, extra="description: new")
        found.write("made", url="https://hooks.example.com/made", auth=BEARER)
        (folder / "gone.yaml").unlink()
        yield found


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_saved_plan_is_shown_as_plan_showed_it(repository: Repository, form: str) -> None:
    planned = repository.plan("-o", form)
    assert planned.code == 0
    assert run("show", "plan.json", "-o", form, cwd=repository.folder).out == planned.out


def test_a_saved_plan_is_carried_out_and_nothing_else(repository: Repository) -> None:
    repository.plan()
    repository.write(
        "later", url="https://hooks.example.com/later"
    )  # Git went on: not part of the plan
    repository.tenant.edit("kept", description="somebody's")  # so did the tenant, elsewhere

    ended = repository.apply("-o", "json")

    assert ended.code == 0, ended.err
    assert [(item["status"], item["name"]) for item in ended.json["outcomes"]] == [
        ("created", "made"),
        ("updated", "changed"),
        ("deleted", "gone"),
    ]
    assert sorted(repository.tenant.by_name()) == ["changed", "kept", "made", "other"]


@pytest.mark.parametrize(
    ("name", "edit", "field"),
    [
        (
            "changed",
            {
                "url": "https://hooks.example.com/elsewhere",
                "auth": {**HELD, "token": "t", "credential_version": "1"},
            },
            "url",
        ),
        ("changed", {"enabled": False}, "enabled"),
        ("changed", {"description": "by hand"}, "description"),
        ("changed", {"auth": {"type": "none"}}, "auth.type"),
        ("changed", {"protected": True}, "protected"),
        ("gone", {"description": "by hand"}, "description"),
        (
            "gone",
            {
                "events": [
                    {
                        "type": "elastio:recovery-point:create:failed",
                        "version": "v0",
                        "severity": "critical",
                    }
                ]
            },
            "events",
        ),
        ("gone", {"url": "https://elsewhere.example.com/"}, "url"),
        ("gone", {"url": "https://hooks.example.com/another"}, "url"),
    ],
)
def test_what_moved_at_the_tenant_is_5_and_named_and_nothing_is_written(
    repository: Repository, name: str, edit: dict[str, Any], field: str
) -> None:
    repository.plan()
    repository.tenant.edit(name, **edit)
    before = repository.tenant.webhooks()

    ended = repository.apply("-o", "json")

    assert ended.code == 5
    assert f"{name}: " in ended.json["message"]
    assert field in ended.json["message"].partition(f"{name}: ")[2]
    assert repository.tenant.webhooks() == before


def test_a_plan_that_was_carried_out_is_not_carried_out_again(repository: Repository) -> None:
    repository.plan()
    assert repository.apply().code == 0
    ended = repository.apply()
    assert ended.code == 5
    assert "made: it was created since it was planned" in ended.err


def test_a_webhook_to_update_that_is_gone_is_5_and_one_to_delete_is_deleted(
    repository: Repository,
) -> None:
    repository.plan()
    repository.tenant.remove("gone")
    assert repository.apply().code == 0
    repository.write("changed", extra="description: newer")
    repository.plan()
    repository.tenant.remove("changed")
    ended = repository.apply()
    assert (ended.code, "changed: it was deleted" in ended.err) == (5, True)


def test_a_secret_url_that_is_another_than_planned_is_5(repository: Repository) -> None:
    repository.plan()
    repository.env["A_URL"] = "https://hooks.example.com/another"
    ended = repository.apply()
    assert (ended.code, "changed: url" in ended.err) == (5, True)
    assert "another" not in ended.err


def test_a_credential_that_is_another_than_planned_is_5_under_a_fingerprint_key(
    repository: Repository,
) -> None:
    repository.env["RECONCILER_FINGERPRINT_KEY"] = "key"
    repository.write(
        "made",
        url="https://hooks.example.com/made",
        auth="{type: bearer, token: {fromEnv: A_TOKEN}}",
    )
    repository.plan()
    repository.env["A_TOKEN"] = "tk-another"
    ended = repository.apply()
    assert (ended.code, "made: auth.token" in ended.err) == (5, True)


def test_a_reference_that_no_longer_resolves_is_reported_before_anything_is_written(
    repository: Repository,
) -> None:
    repository.plan()
    del repository.env["A_TOKEN"]
    before = repository.tenant.webhooks()
    ended = repository.apply("-o", "json")
    assert ended.code == 1
    assert [problem["rule"] for problem in ended.json["problems"]] == ["secret/unresolved"]
    assert repository.tenant.webhooks() == before


def test_a_plan_for_another_tenant_or_owner_is_5(repository: Repository, tmp_path: Path) -> None:
    repository.plan()
    with Tenant(tmp_path / "another") as another:
        (repository.folder / "tenant.yaml").write_text(tenant_manifest(another.url))
        assert repository.apply().code == 5
        assert another.webhooks() == []
    (repository.folder / "tenant.yaml").write_text(
        tenant_manifest(repository.tenant.url, owner="somebody")
    )
    ended = repository.apply()
    assert (ended.code, "the owner payments, this run for somebody" in ended.err) == (5, True)


def test_the_tenant_never_comes_out_of_the_plan_file(repository: Repository) -> None:
    repository.plan()
    ended = repository.run("reconcile", "--plan", "plan.json", "--yes")
    assert (ended.code, "which tenant?" in ended.err) == (64, True)


@pytest.mark.parametrize(
    "option", [("--only", "made"), ("--max-deletes", "5"), ("--no-prune",), ("--adopt",)]
)
def test_what_the_plan_has_decided_is_not_decided_again(
    repository: Repository, option: tuple[str, ...]
) -> None:
    repository.plan()
    ended = repository.apply(*option)
    assert (ended.code, "the saved plan has decided that already" in ended.err) == (64, True)


@pytest.mark.parametrize("name", ["url", "urlFrom"])
def test_a_plan_that_was_made_without_values_is_applied_and_leaves_what_it_did_not_compare(
    repository: Repository, name: str
) -> None:
    file = repository.folder / "changed.yaml"
    file.write_text(file.read_text().replace("  url:", f"  {name}:"))
    before, env = repository.tenant.by_name()["changed"], dict(repository.env)
    del repository.env["A_URL"]
    repository.plan()
    repository.env.update(env)
    repository.env["A_URL"] = "https://hooks.example.com/not-looked-up"
    assert repository.apply().code == 0
    after = repository.tenant.by_name()["changed"]
    assert (after["url"], after["description"]) == (before["url"], "new")


AUTHS = {
    "none": "{type: none}",
    "versioned": BEARER,
    "bare": "{type: bearer, token: {fromEnv: A_TOKEN}}",
    "key": "{type: apiKey, header: X-Key, value: {fromEnv: A_TOKEN}}",
    "basic": "{type: basic, username: alice, password: {fromEnv: A_TOKEN}}",
    "user": "{type: basic, username: {fromEnv: A_TOKEN}, password: {fromEnv: A_TOKEN}}",
}


@pytest.mark.parametrize("key", [{}, {"RECONCILER_FINGERPRINT_KEY": "key"}], ids=["", "key"])
def test_every_authentication_is_created_kept_and_sent_again_by_saved_plans(
    repository: Repository, key: dict[str, str]
) -> None:
    repository.env.update(key)
    for extra, options in (("", ()), ("description: x", ()), ("", ("--resend-credentials",))):
        for name, auth in AUTHS.items():
            repository.write(f"auth-{name}", url="{fromEnv: A_URL}", auth=auth, extra=extra)
        planned = repository.plan(*options, "--max-updates", "99")
        assert TOKENS["A_TOKEN"] not in (repository.folder / "plan.json").read_text()
        ended = repository.apply()
        assert ended.code == 0, (planned.out, ended.err)
        digests = [
            out.partition("digest ")[2].partition("\n")[0] for out in (planned.out, ended.out)
        ]
        assert digests[0] == digests[1]
        assert "No changes." in repository.run("plan", ".").out


def test_a_narrowed_plan_is_carried_out_as_it_was_narrowed(repository: Repository) -> None:
    repository.plan("--only", "changed")
    ended = repository.apply("-o", "json")
    assert [item["name"] for item in ended.json["outcomes"]] == ["changed"]
