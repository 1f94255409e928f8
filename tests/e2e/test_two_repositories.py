"""Two real repositories with one owner at one served tenant, and one that moves: the command as a
user types it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.manifests import revisions
from tests.support.processes import Ended, Tenant, run, tenant_manifest, webhook

TOKEN = "s3cr3t-never-print"
A, B = "forge.example/team-a/webhooks", "forge.example/team-b/webhooks"


class Repository:
    """A work tree with its manifests, a Tenant manifest and, if it has a url, a remote."""

    def __init__(self, folder: Path, tenant: Tenant, url: str | None = None) -> None:
        self.folder, self.tenant = revisions.new(folder), tenant
        (folder / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        if url is not None:
            revisions.git(folder, "remote", "add", "origin", url)

    def declare(self, *keys: str, host: str = "a.example", **more: str) -> None:
        for key in keys:
            (self.folder / f"{key}.yaml").write_text(
                webhook(key, url=f"https://{host}/{key}", **more)
            )

    def run(self, *command: str, **env: str) -> Ended:
        done = run(*command, cwd=self.folder, TENANT_TOKEN=self.tenant.token, **env)
        assert TOKEN not in done.out + done.err
        return done

    def reconcile(self, *options: str, **env: str) -> Ended:
        return self.run("reconcile", ".", "--yes", *options, **env)

    def plan(self, *options: str) -> dict[str, Any]:
        found: dict[str, Any] = self.run("plan", ".", "-o", "json", *options).json
        return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with Tenant(tmp_path_factory.mktemp("tenant")) as tenant:
        yield tenant


@pytest.fixture
def tenant(served: Tenant) -> Iterator[Tenant]:
    yield served
    for item in served.webhooks():
        served.call("DELETE", f"/webhooks/{item['id']}", If_Match=f'"{item["revision"]}"')


def marks(tenant: Tenant) -> dict[str, Any]:
    return {name: item["managed_by"]["repository"] for name, item in tenant.by_name().items()}


def two(
    folder: Path, tenant: Tenant, a: str | None, b: str | None
) -> tuple[Repository, Repository]:
    return Repository(folder / "a", tenant, a), Repository(folder / "b", tenant, b)


def test_a_second_repository_deletes_nothing_of_the_first(tmp_path: Path, tenant: Tenant) -> None:
    a, b = two(
        tmp_path,
        tenant,
        f"https://oauth2:{TOKEN}@Forge.example/team-a/webhooks.git",
        "git@forge.example:team-b/webhooks.git",
    )
    a.declare("one")
    b.declare("two")
    assert a.reconcile().code == 0
    assert marks(tenant) == {"one": A}
    before = tenant.webhooks()
    refused = b.reconcile()
    assert refused.code == 6, refused.out + refused.err
    assert "violation other-repository: one: " in refused.out
    assert A in refused.out
    assert B in refused.out
    assert tenant.webhooks() == before
    plan = b.plan()
    assert plan["repository"] == B
    assert {change["action"]: change["repository"] for change in plan["changes"]} == {
        "create": None,
        "delete": A,
    }
    for form in ("text", "markdown"):
        assert A in b.run("plan", ".", "-o", form).out
    accepted = b.reconcile("--accept", plan["digest"])
    assert accepted.code == 0, accepted.out
    assert marks(tenant) == {"two": B}


@pytest.mark.parametrize(
    ("url_a", "url_b"),
    [(None, None), ("git@forge.example:a/b", None), (None, "git@forge.example:a/b")],
)
def test_where_one_side_is_unknown_the_first_run_of_another_is_refused(
    tmp_path: Path, tenant: Tenant, url_a: str | None, url_b: str | None
) -> None:
    a, b = two(tmp_path, tenant, url_a, url_b)
    a.declare("one")
    b.declare("two")
    assert a.reconcile().code == 0
    before = tenant.webhooks()
    refused = b.reconcile("-o", "json")
    assert [found["rule"] for found in refused.json["violations"]] == [
        "another-repository-suspected"
    ]
    assert tenant.webhooks() == before
    listed = b.run("export", ".", "--dry-run", "-o", "json").json["files"]
    assert [(item["key"], item["sources"]) for item in listed] == [("one", ["one.yaml"])]
    assert b.reconcile("--accept", refused.json["digest"]).code == 0
    assert set(tenant.by_name()) == {"two"}


def test_equal_names_do_not_turn_everything_to_another_host(tmp_path: Path, tenant: Tenant) -> None:
    a, b = two(tmp_path, tenant, None, None)
    a.declare("one", "two", "three")
    b.declare("one", "two", "three", host="b.example")
    assert a.reconcile().code == 0
    refused = b.reconcile("-o", "json")
    assert refused.code == 6
    assert [found["rule"] for found in refused.json["violations"]] == [
        "another-repository-suspected"
    ]
    assert {item["url"].split("/")[2] for item in tenant.webhooks()} == {"a.example"}


def test_a_mark_of_before_gets_the_repository_and_the_next_plan_is_empty(
    tmp_path: Path, tenant: Tenant
) -> None:
    a, _ = two(tmp_path, tenant, None, None)
    a.declare("one", "two")
    assert a.reconcile().code == 0
    assert marks(tenant) == {"one": None, "two": None}
    revisions.git(a.folder, "remote", "add", "origin", "git@forge.example:team-a/webhooks.git")
    drift = a.run("drift", ".")
    assert (drift.code, "No drift." in drift.out) == (0, True)
    plan = a.plan()
    assert {change["reason"] for change in plan["changes"]} == {"ownership only"}
    assert a.reconcile().code == 0
    assert marks(tenant) == {"one": A, "two": A}
    assert a.plan()["changes"] == []
    revisions.git(a.folder, "remote", "remove", "origin")
    assert a.plan()["changes"] == []
    a.declare("one", host="new.example")
    assert a.reconcile().code == 0
    assert marks(tenant) == {"one": A, "two": A}


def test_a_repository_that_moved_says_so_until_it_is_marked_anew(
    tmp_path: Path, tenant: Tenant
) -> None:
    a, b = two(
        tmp_path,
        tenant,
        "git@forge.example:team-a/webhooks.git",
        "git@new.example:team-a/webhooks.git",
    )
    a.declare("one", "two")
    b.declare("one", "two")
    assert a.reconcile().code == 0
    kept = b.plan()
    assert (kept["changes"], len(kept["warnings"])) == ([], 2)
    b.declare("two", host="later.example")
    assert b.reconcile().code == 6
    drift = b.run("drift", ".", "--moved-from", A)
    assert (drift.code, "managed_by.repository" in drift.out) == (7, True)
    done = b.reconcile(RECONCILER_MOVED_FROM=f"git@forge.example:team-a/webhooks.git,{B}")
    assert done.code == 0, done.out + done.err
    assert marks(tenant) == dict.fromkeys(("one", "two"), "new.example/team-a/webhooks")
    assert b.plan()["changes"] == []
    wrong = b.run("plan", ".", "--moved-from", f"https://u:{TOKEN}@host")
    assert (wrong.code, "--moved-from" in wrong.err) == (64, True)


def test_a_saved_plan_carries_the_repository_and_its_refusal(
    tmp_path: Path, tenant: Tenant
) -> None:
    a, b = two(
        tmp_path,
        tenant,
        "git@forge.example:team-a/webhooks.git",
        "git@forge.example:team-b/webhooks.git",
    )
    a.declare("one")
    b.declare("one", host="b.example")
    assert a.run("plan", ".", "--out", "plan.json").code == 0
    revisions.git(a.folder, "remote", "remove", "origin")
    shown = a.run("show", "plan.json")
    assert f"repository {A}" in shown.out
    assert a.reconcile("--plan", "plan.json").code == 0
    assert marks(tenant) == {"one": A}

    assert b.run("plan", ".", "--out", "plan.json").code == 6
    refused = b.reconcile("--plan", "plan.json")
    assert (refused.code, "other-repository" in refused.out) == (6, True)
    digest = json.loads((b.folder / "plan.json").read_text())["plan"]["digest"]
    assert b.reconcile("--plan", "plan.json", "--moved-from", A).code == 64
    assert b.reconcile("--plan", "plan.json", "--accept", digest).code == 0
    assert marks(tenant) == {"one": B}

    b.declare("one", host="c.example")
    revisions.git(b.folder, "remote", "set-url", "origin", "git@forge.example:team-c/webhooks.git")
    assert b.run("plan", ".", "--moved-from", B, "--out", "plan.json").code == 0
    assert b.reconcile("--plan", "plan.json").code == 0
    assert marks(tenant) == {"one": "forge.example/team-c/webhooks"}


def test_a_suspicion_in_a_saved_plan_stays_one(tmp_path: Path, tenant: Tenant) -> None:
    a, b = two(tmp_path, tenant, None, None)
    a.declare("one")
    b.declare("two")
    assert a.reconcile().code == 0
    assert b.run("plan", ".", "--out", "plan.json").code == 6
    refused = b.reconcile("--plan", "plan.json")
    assert (refused.code, "another-repository-suspected" in refused.out) == (6, True)
    assert set(tenant.by_name()) == {"one"}


def test_adopt_marks_with_the_repository(tmp_path: Path, tenant: Tenant) -> None:
    a, b = two(
        tmp_path,
        tenant,
        "git@forge.example:team-a/webhooks.git",
        "git@forge.example:team-b/webhooks.git",
    )
    event = {"type": "elastio:recovery-point:create:started", "version": "v0", "severity": "info"}
    status, _ = tenant.call(
        "POST", "/webhooks", {"name": "one", "url": "https://a.example/one", "events": [event]}
    )
    assert status == 201
    a.declare("one")
    b.declare("one")
    assert a.run("adopt", "one", "--yes").code == 0
    assert marks(tenant) == {"one": A}
    refused = b.run("adopt", "one", "--yes")
    assert (refused.code, "other-repository" in refused.out) == (6, True)
    assert b.run("adopt", "one", "--yes", "--moved-from", A).code == 0
    assert marks(tenant) == {"one": B}
