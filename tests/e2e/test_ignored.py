"""Ignored fields and suspended webhooks against a served tenant, with the whole program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Ended, Tenant, run, tenant_manifest, webhook

UNRESOLVED = "{type: bearer, token: {fromEnv: NOT_SET}}"


class Repository:
    """A folder of manifests and the tenant that they are for."""

    def __init__(self, folder: Path, tenant: Tenant) -> None:
        self.folder, self.tenant = folder, tenant
        (folder / "tenant.yaml").write_text(tenant_manifest(tenant.url))

    def write(self, key: str, *lines: str, **fields: Any) -> None:
        text = webhook(key, extra="\n  ".join(lines), **fields)
        (self.folder / f"{key}.yaml").write_text(text)

    def run(self, command: str, *options: str) -> Ended:
        return run(command, ".", *options, cwd=self.folder, TENANT_TOKEN=self.tenant.token)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """A webhook that was created with an ignored field, and then switched off by hand."""
    with Tenant(tmp_path / "tenant") as tenant:
        (tmp_path / "repository").mkdir()
        found = Repository(tmp_path / "repository", tenant)
        found.write("one", "enabled: true", "ignore: [/spec/enabled]")
        assert found.run("reconcile", "--yes").code == 0
        assert tenant.by_name()["one"]["enabled"] is True
        tenant.edit("one", enabled=False)
        yield found


def test_an_ignored_field_is_no_change_no_drift_and_no_edit_of_an_export(
    repository: Repository,
) -> None:
    assert repository.run("plan", "--detailed-exitcode").code == 0
    assert repository.run("drift").code == 0
    exported = run(
        "export", ".", ".", "--dry-run", cwd=repository.folder, TENANT_TOKEN=repository.tenant.token
    )
    assert "enabled" not in exported.out


def test_an_update_of_another_field_keeps_it_also_by_a_saved_plan(repository: Repository) -> None:
    more = ("enabled: true", "ignore: [/spec/enabled]")
    for number, options in enumerate(([], ["--plan", "plan.json"])):
        repository.write("one", f"description: new {number}", *more)
        assert repository.run("plan", "--out", "plan.json").code == 0
        assert repository.run("reconcile", "--yes", *options).code == 0
        after = repository.tenant.by_name()["one"]
        assert (after["enabled"], after["description"]) == (False, f"new {number}")
    assert repository.run("plan", "--detailed-exitcode").code == 0


def test_without_the_pointer_the_manifest_counts_again(repository: Repository) -> None:
    repository.write("one", "enabled: true")
    assert repository.run("drift").code == 7
    assert repository.run("reconcile", "--yes").code == 0
    assert repository.tenant.by_name()["one"]["enabled"] is True


def test_a_suspended_webhook_stays_as_it_is_and_needs_no_secret(repository: Repository) -> None:
    repository.write("one", "description: new", "suspend: true", auth=UNRESOLVED)
    repository.write("two", "suspend: true")
    plan = repository.run("plan", "--detailed-exitcode")
    assert plan.code == 0
    assert plan.out.count("suspended: its manifest says suspend: true") == 2
    assert repository.run("drift").code == 0
    assert repository.run("reconcile", "--yes").code == 0
    found = repository.tenant.by_name()
    assert (list(found), found["one"]["description"]) == (["one"], "")
