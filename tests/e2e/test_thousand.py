"""A thousand webhooks through a served tenant: create, nothing, three differences, repair, nothing."""

from __future__ import annotations

from pathlib import Path

from tests.support.processes import Tenant, run, tenant_manifest, webhook, write


def test_a_thousand_webhooks_are_created_once_and_three_differences_are_three_changes(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        repo = tmp_path / "repo"
        write(repo / "webhooks", 1000)
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        token = {"TENANT_TOKEN": tenant.token}
        made = run("reconcile", ".", "--yes", "-o", "json", cwd=repo, **token)
        assert made.code == 0, made.err
        assert made.json["summary"]["created"] == 1000
        assert len(tenant.webhooks()) == 1000

        none = run("plan", ".", "-o", "json", "--detailed-exitcode", "-vv", cwd=repo, **token)
        assert none.code == 0, none.out + none.err
        assert none.json["changes"] == []
        assert none.json["summary"]["keep"] == 1000
        requests = [line for line in none.err.splitlines() if "reconciler.http" in line]
        assert len(requests) == 2, requests  # 1,000 webhooks at 500 a page, and no other request
        assert all("GET" in line for line in requests)

        tenant.edit("hook-0001", description="by hand")
        tenant.remove("hook-0002")
        status, stranger = tenant.call("POST", "/webhooks", {"name": "stranger", "url": "https://example.com/theirs"})
        assert status == 201
        (repo / "webhooks" / "hook-0003.yaml").unlink()

        plan = run("plan", ".", "-o", "json", "--detailed-exitcode", cwd=repo, **token)
        assert plan.code == 2, plan.err
        assert plan.json["summary"] == {"create": 1, "update": 1, "delete": 1, "keep": 997, "unmanaged": 1, "out_of_scope": 0}
        by_action = {change["action"]: change for change in plan.json["changes"]}
        assert {action: (change["key"], change["file"], change["line"]) for action, change in by_action.items()} == {
            "create": ("hook-0002", "webhooks/hook-0002.yaml", 1),
            "update": ("hook-0001", "webhooks/hook-0001.yaml", 1),
            "delete": ("hook-0003", "webhooks/hook-0003.yaml", None),
        }
        assert [field["path"] for field in by_action["update"]["fields"]] == [["description"]]

        done = run("reconcile", ".", "--yes", cwd=repo, **token)
        assert done.code == 0, done.err
        assert tenant.by_name()["stranger"]["revision"] == stranger["revision"]
        last = run("plan", ".", "--detailed-exitcode", cwd=repo, **token)
        assert last.code == 0, last.out


def test_two_repositories_with_two_owners_never_touch_each_others_webhooks(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        for owner in ("payments", "search"):
            repo = tmp_path / owner
            repo.mkdir()
            (repo / f"{owner}.yaml").write_text(webhook(owner))
            (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url, owner))
            assert run("reconcile", ".", "--yes", cwd=repo, TENANT_TOKEN=tenant.token).code == 0
        (tmp_path / "payments" / "payments.yaml").write_text(webhook("other"))
        done = run("reconcile", ".", "--yes", "-o", "json", cwd=tmp_path / "payments", TENANT_TOKEN=tenant.token)
        assert done.json["summary"] == {
            "created": 1, "updated": 0, "deleted": 1, "unchanged": 0, "failed": 0, "skipped": 0,
        }  # fmt: skip
        assert sorted(tenant.by_name()) == ["other", "search"]
        (tmp_path / "payments" / "theirs.yaml").write_text(webhook("search"))
        refused = run("plan", ".", "-o", "json", cwd=tmp_path / "payments", TENANT_TOKEN=tenant.token)
        assert refused.code == 6
        assert [violation["rule"] for violation in refused.json["violations"]] == ["other-owner"]
