"""What a fleet must not do: delete what is another's, write where nobody meant it, hide a change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.core.change import Action, Change, FieldChange, Plan, TenantRef
from reconciler.core.model.scopes import ScopeFailure, Scopes
from reconciler.core.model.webhook import Live, Webhook
from reconciler.core.results.drift import Drift, find_drift, find_news
from reconciler.rendering.groups import group_changes
from tests.providers.fleet_repository import ALL, NAMES, FleetRepository, add_hook, fleet
from tests.providers.test_fleet import WEBHOOK
from tests.stand_ins import gitlab
from tests.stand_ins.fleet import fleet_of
from tests.support.forge_repository import TENANT
from tests.support.product_repository import ProductRepository

__all__ = ["fleet"]


def test_a_repository_that_joins_with_hooks_of_another_git_repository_is_suspected(
    fleet: FleetRepository,
) -> None:
    folder = fleet.folder.with_name("theirs")
    folder.mkdir()
    theirs = FleetRepository(folder, fleet.fleet)
    theirs.write_tenant("platform", "{repository: acme/web}")
    theirs.write("theirs")
    theirs.reconcile()
    fleet.write("ci")
    fleet.write_tenant("platform", "{organization: acme, repositories: {exclude: web}}")
    fleet.reconcile()
    fleet.write_tenant("platform", ALL)
    ended = fleet.run("reconcile", "--yes")
    assert ended.code == 6
    assert "another-repository-suspected" in ended.out
    assert "has the key of one that is live in acme/web;" in ended.out
    assert fleet.count()["web"] == 1


def test_a_webhook_for_some_repositories_goes_to_no_tenant_that_is_one_repository(
    fleet: FleetRepository,
) -> None:
    path = fleet.write("ci")
    fleet.narrow(path, '{match: "svc-*"}')
    fleet.write_tenant("platform", "{repository: acme/web}")
    ended = fleet.run("reconcile", "--yes")
    assert ended.code == 1
    assert "ci.yaml:6:3: error: Tenant github has no repositories in its target" in ended.err
    assert fleet.count() == {}
    fleet.write_tenant("platform", ALL)
    fleet.reconcile()


def test_changes_of_two_manifests_are_two_entries(tmp_path: Path) -> None:
    webhook, env = WEBHOOK.replace("EVENT", "push_events"), {"GITLAB_TOKEN": gitlab.TOKEN}
    target = "{group: acme, projects: {}}"
    with fleet_of("gitlab", NAMES) as server:
        tenant = TENANT.format(
            provider="gitlab",
            url=server.url,
            variable="GITLAB_TOKEN",
            owner="platform",
            target=target,
        )
        repository = ProductRepository(tmp_path, tenant, webhook, env, (gitlab.TOKEN,))
        for number in (0, 1):
            path = repository.write(f"ci-{number}", "https://hooks.example.com/ci")
            more = f"  name: ci\n  scopes: {{match: svc-0{number}}}\n"
            path.write_text(path.read_text() + more)
        plan = repository.run("plan")
    assert "+ ci@acme/svc-00  ci-0.yaml:1" in plan.out
    assert "+ ci@acme/svc-01  ci-1.yaml:1" in plan.out


def test_violations_of_many_repositories_are_one_that_names_them(fleet: FleetRepository) -> None:
    fleet.write("ci")
    for name in ("svc-00", "web"):
        add_hook(fleet.place(name), "https://hooks.example.com/ci")
    plan = fleet.run("plan")
    assert plan.out.count("violation not-owned") == 1
    assert "(2 repositories: acme/svc-00, acme/web)" in plan.out


def test_a_difference_that_looks_like_a_scope_is_not_hidden() -> None:
    changes = [
        Change(
            Action.UPDATE,
            f"ci@{scope}",
            Live(Webhook(f"ci@{scope}", ""), f"{scope}#1", "r", scope=scope),
            fields=(FieldChange(("url",), f"https://e.example/@{scope}", "https://ci.example"),),
        )
        for scope in ("acme/api", "acme/web")
    ]
    shown = list(group_changes(changes, Scopes("repositories", ("acme/api", "acme/web"))))
    assert [change.fields[0].before for change, _ in shown] == [
        "https://e.example/@acme/api",
        "https://e.example/@acme/web",
    ]


def test_a_repository_that_is_listed_in_two_cases_is_one(fleet: FleetRepository) -> None:
    fleet.write("ci")
    fleet.write_tenant("platform", "{repositories: [acme/web, acme/WEB, acme/web]}")
    body = json.loads(fleet.run("plan", "-o", "json").out)
    assert body["scopes"]["found"] == ["acme/web"]


@pytest.mark.parametrize(
    "name", ["acme", "acme/ x", "acme/../x", "acme/x\x1b[31m", "x@acme/web", "acme/x#1", "acme/x?y"]
)
def test_a_product_that_lists_what_is_no_name_is_refused(fleet: FleetRepository, name: str) -> None:
    fleet.write("ci")
    fleet.fleet.listed["bad"] = {"full_name": name, "topics": [], "archived": False}
    ended = fleet.run("plan")
    assert ended.code == 1
    assert "which is no full_name" in ended.err


def test_a_webhook_of_another_tenant_is_read_by_the_rules_of_its_product(
    fleet: FleetRepository,
) -> None:
    fleet.write("ci")
    text = (fleet.folder / "tenant.yaml").read_text()
    single = text.replace("name: github", "name: single").replace(ALL, "{repository: acme/web}")
    (fleet.folder / "single.yaml").write_text(f"{single}  select: {{matchLabels: {{team: a}}}}\n")
    for tenant in ("github", "single"):
        ended = fleet.run("plan", "--tenant", tenant)
        assert ended.code == 0, ended.err


def test_a_watch_reports_a_repository_that_cannot_be_read_and_calls_nothing_there_equal() -> None:
    live = Live(Webhook("ci@acme/api", ""), "acme/api#1", "r", scope="acme/api")
    change = Change(Action.UPDATE, "ci@acme/api", live)
    failure = ScopeFailure("acme/api", "unauthorized", "403")

    def look(changes: tuple[Change, ...], failures: tuple[ScopeFailure, ...]) -> Drift:
        scopes = Scopes("repositories", ("acme/api", "acme/web"), failures)
        return find_drift(Plan(TenantRef("", "", "", scopes=scopes), (changes,)))

    before, failed = look((change,), ()), look((), (failure,))
    news = find_news(before, failed)
    assert news.is_news
    assert news.settled_names == ()
    assert not find_news(failed, failed).is_news
    assert find_news(failed, look((), ())).is_news
    assert find_news(before, look((), ())).settled_names == ("ci@acme/api",)
