"""A thousand webhooks through a served tenant: create, nothing, three differences, repair,
nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import Tenant, run, tenant_manifest, webhook, write
from tests.support.wire import proxy


@pytest.mark.long
def test_a_thousand_webhooks_are_created_once_and_three_differences_are_three_changes(
    tmp_path: Path,
) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        repo = tmp_path / "repo"
        write(repo / "webhooks", 1000)
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        token = {"TENANT_TOKEN": tenant.token}
        made = run("reconcile", ".", "--yes", "-o", "json", cwd=repo, **token)
        assert made.code == 0, made.err
        assert made.json["summary"]["created"] == 1000
        assert len(tenant.webhooks()) == 1000

        with proxy(
            tenant.url
        ) as between:  # what the tenant sees of runs that have nothing to change
            (repo / "tenant.yaml").write_text(tenant_manifest(between.url))
            none = run("plan", ".", "-o", "json", "--detailed-exitcode", cwd=repo, **token)
            idle = run("reconcile", ".", "--yes", "-o", "json", cwd=repo, **token)
            (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
            seen = [
                f"{asked.method} {asked.target.partition('&cursor=')[0]}" for asked in between.asked
            ]
        assert none.code == idle.code == 0, none.out + none.err + idle.err
        assert none.json["changes"] == idle.json["outcomes"] == []
        assert none.json["summary"]["keep"] == idle.json["summary"]["unchanged"] == 1000
        assert (
            seen == ["GET /public-api/v1/webhooks?limit=500"] * 4
        )  # 1,000 webhooks at 500 a page, and no other request

        tenant.edit("hook-0001", description="by hand")
        tenant.remove("hook-0002")
        status, _ = tenant.call(
            "POST", "/webhooks", {"name": "stranger", "url": "https://example.com/theirs"}
        )
        assert status == 201
        stranger = tenant.by_name()["stranger"]
        (repo / "webhooks" / "hook-0003.yaml").unlink()

        plan = run("plan", ".", "-o", "json", "--detailed-exitcode", cwd=repo, **token)
        assert plan.code == 2, plan.err
        assert plan.json["summary"] == {
            "create": 1,
            "update": 1,
            "delete": 1,
            "keep": 997,
            "unmanaged": 1,
            "out_of_scope": 0,
        }
        by_action = {change["action"]: change for change in plan.json["changes"]}
        assert {
            action: (change["key"], change["file"], change["line"])
            for action, change in by_action.items()
        } == {
            "create": ("hook-0002", "webhooks/hook-0002.yaml", 1),
            "update": ("hook-0001", "webhooks/hook-0001.yaml", 1),
            "delete": ("hook-0003", "webhooks/hook-0003.yaml", None),
        }
        assert [field["path"] for field in by_action["update"]["fields"]] == [["description"]]

        assert "description" not in (repo / "webhooks" / "hook-0001.yaml").read_text()
        done = run("reconcile", ".", "--yes", "-o", "json", cwd=repo, **token)
        assert done.code == 0, done.err
        summary = {
            "created": 1,
            "updated": 1,
            "deleted": 1,
            "unchanged": 997,
            "failed": 0,
            "skipped": 0,
        }
        assert done.json["summary"] == summary
        after = tenant.by_name()
        assert after["stranger"] == stranger
        assert after["hook-0001"]["description"] == ""
        assert len(after) == 1000
        assert "hook-0003" not in after
        last = run("plan", ".", "--detailed-exitcode", cwd=repo, **token)
        assert last.code == 0, last.out


def test_two_repositories_with_two_owners_never_touch_each_others_webhooks(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        for owner in ("payments", "search"):
            repo = tmp_path / owner
            repo.mkdir()
            (repo / f"{owner}.yaml").write_text(webhook(owner))
            # so that replacing everything is not taken for another's
            known = f", repository: forge.example/acme/{owner}}}\n"
            (repo / "tenant.yaml").write_text(
                tenant_manifest(tenant.url, owner).removesuffix("}\n") + known
            )
            assert run("reconcile", ".", "--yes", cwd=repo, TENANT_TOKEN=tenant.token).code == 0
        (tmp_path / "payments" / "payments.yaml").write_text(webhook("other"))
        done = run(
            "reconcile",
            ".",
            "--yes",
            "-o",
            "json",
            cwd=tmp_path / "payments",
            TENANT_TOKEN=tenant.token,
        )
        assert done.json["summary"] == {
            "created": 1, "updated": 0, "deleted": 1, "unchanged": 0, "failed": 0, "skipped": 0,
        }  # fmt: skip
        assert sorted(tenant.by_name()) == ["other", "search"]
        (tmp_path / "payments" / "theirs.yaml").write_text(webhook("search"))
        refused = run(
            "plan", ".", "-o", "json", cwd=tmp_path / "payments", TENANT_TOKEN=tenant.token
        )
        assert refused.code == 6
        assert [violation["rule"] for violation in refused.json["violations"]] == ["other-owner"]
