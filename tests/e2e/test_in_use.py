"""Delivery evidence: what delivered lately is not deleted unawares, one plan may pass, and a rename
keeps the history.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Ended, Tenant, run, tenant_manifest, webhook
from tests.support.receiver import Receiver

EVENT = {
    "type": "elastio:recovery-point:create:started",
    "version": "v0",
    "severity": "info",
    "event": {},
}


class Used:
    """A webhook `used` that has delivered one event, and `other`, that has not."""

    def __init__(self, folder: Path, tenant: Tenant, url: str) -> None:
        self.folder, self.tenant, self.url = folder, tenant, url
        folder.mkdir()
        (folder / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        (folder / "used.yaml").write_text(webhook("used", url=url))
        (folder / "other.yaml").write_text(webhook("other"))
        assert self.run("reconcile", "--yes").code == 0
        self.tenant.edit("other", enabled=False)
        assert tenant.call("POST", "/events", EVENT)[0] in {200, 202}
        end = time.monotonic() + 20
        while not self.delivered("used") and time.monotonic() < end:
            time.sleep(0.05)
        assert self.delivered("used") == 1

    def delivered(self, name: str) -> int:
        count: int = self.tenant.by_name()[name]["invocations"]["last_day"]["succeeded"]
        return count

    def run(self, command: str, *options: str) -> Ended:
        return run(command, ".", *options, cwd=self.folder, TENANT_TOKEN=self.tenant.token)


@pytest.fixture
def used(tmp_path: Path) -> Iterator[Used]:
    with (
        Receiver() as receiver,
        Tenant(tmp_path / "tenant", "--allow-network", "127.0.0.0/8") as tenant,
    ):
        yield Used(tmp_path / "repository", tenant, receiver.url("/ok"))


def test_what_delivered_lately_is_deleted_only_where_that_is_accepted(used: Used) -> None:
    (used.folder / "used.yaml").unlink()

    refused = used.run("reconcile", "--yes", "-o", "json")
    assert refused.code == 6
    assert [(found["rule"], found["names"]) for found in refused.json["violations"]] == [
        ("in-use", ["used"])
    ]
    assert sorted(used.tenant.by_name()) == ["other", "used"]

    assert used.run("reconcile", "--yes", "--accept-in-use").code == 0
    assert sorted(used.tenant.by_name()) == ["other"]


def test_one_plan_is_accepted_and_no_other(used: Used) -> None:
    (used.folder / "used.yaml").unlink()
    digest = used.run("plan", "-o", "json", "--out", "plan.json").json["digest"]

    assert used.run("reconcile", "--yes", "--plan", "plan.json").code == 6
    assert used.run("reconcile", "--yes", "--accept", "sha256:" + "0" * 64).code == 5
    assert sorted(used.tenant.by_name()) == ["other", "used"]
    assert used.run("reconcile", "--yes", "--plan", "plan.json", "--accept", digest).code == 0
    assert sorted(used.tenant.by_name()) == ["other"]


def test_protection_is_never_accepted(used: Used) -> None:
    used.tenant.edit("used", protected=True)
    (used.folder / "used.yaml").unlink()
    digest = used.run("plan", "-o", "json").json["digest"]
    assert used.run("reconcile", "--yes", "--accept", digest).code == 6
    assert sorted(used.tenant.by_name()) == ["other", "used"]


def test_a_rename_is_offered_and_keeps_id_counts_and_history(used: Used) -> None:
    before = used.tenant.by_name()["used"]
    (used.folder / "used.yaml").unlink()
    renamed = used.folder / "renamed.yaml"
    renamed.write_text(webhook("renamed", url=used.url))
    offered = used.run("plan", "-o", "json").json
    assert [
        warning for warning in offered["warnings"] if 'add to spec: previously: ["used"]' in warning
    ] != []

    renamed.write_text(webhook("renamed", url=used.url, extra='previously: ["used"]'))
    planned = used.run("plan", "-o", "json", "--out", "plan.json").json
    assert [(change["action"], change["id"]) for change in planned["changes"]] == [
        ("update", before["id"])
    ]
    assert used.run("reconcile", "--yes", "--plan", "plan.json").code == 0

    after = used.tenant.by_name()["renamed"]
    assert (after["id"], used.delivered("renamed")) == (before["id"], 1)
    _, history = used.tenant.call("GET", f"/webhooks/{after['id']}/deliveries")
    assert len(history["items"]) == 1
    assert used.run("plan", "--detailed-exitcode").code == 0
