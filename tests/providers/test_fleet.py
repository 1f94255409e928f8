"""One Tenant over many repositories: GitHub's stand-in with a whole organisation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.providers.fleet_repository import ALL, NAMES, FleetRepository, fleet
from tests.stand_ins import gitea, gitlab
from tests.stand_ins.fleet import fleet_of
from tests.support.forge_repository import TENANT, read_ledger
from tests.support.product_repository import ProductRepository

__all__ = ["fleet"]

PATTERN = '{organization: acme, repositories: {match: "svc-*", exclude: svc-04}}'


WEBHOOK = """apiVersion: webhooks.reconciler/v1
kind: Webhook
metadata: {{name: {name}}}
spec:
  url: {url}
  events: [{{type: EVENT}}]
"""


def test_a_webhook_goes_to_every_repository_and_the_second_plan_is_empty(
    fleet: FleetRepository,
) -> None:
    fleet.fleet.listed["acme/legacy"]["archived"] = True
    fleet.write("ci")
    plan = fleet.run("plan")
    assert "Plan for github" in plan.out
    assert "6 repositories" in plan.out
    assert "+ ci  " in plan.out
    assert "acme/svc-00, acme/svc-01, acme/svc-02 and 3 more" in plan.out
    assert plan.out.count("auth.secret") == 1
    assert "acme/svc-04" in fleet.run("plan", "-v").out
    fleet.reconcile()
    assert fleet.count() == {name.removeprefix("acme/"): 1 for name in NAMES[:-1]}
    [variable] = fleet.place("web").variables.values()
    assert [entry["key"] for entry in read_ledger(variable["value"]).values()] == ["ci"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (PATTERN, NAMES[:4]),
        ("{repositories: [acme/web, acme/svc-03]}", ["acme/svc-03", "acme/web"]),
        ("{organization: acme, repositories: {topics: [prod]}}", ["acme/svc-01"]),
        ("{organization: acme, repositories: {match: legacy, archived: true}}", ["acme/legacy"]),
        (
            "{organization: acme, repositories: {match: [SVC-00, acme/w*]}}",
            ["acme/svc-00", "acme/web"],
        ),
    ],
)
def test_a_target_means_repositories_by_list_pattern_topic_and_state(
    fleet: FleetRepository, target: str, expected: list[str]
) -> None:
    fleet.fleet.listed["acme/legacy"]["archived"] = True
    fleet.fleet.listed["acme/svc-01"]["topics"] = ["prod", "eu"]
    fleet.write("ci")
    fleet.write_tenant("platform", target)
    body = json.loads(fleet.run("plan", "-o", "json").out)
    assert body["scopes"] == {"noun": "repositories", "found": expected, "failed": []}
    assert [change["scope"] for change in body["changes"]] == expected


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("{repositories: {match: a}}", "it lacks organization"),
        ("{organization: acme, repositories: [acme/web]}", "give 1 of"),
        ("{organization: acme, repositories: {name: a}}", "unknown field name"),
        ("{repositories: []}", "minItems"),
    ],
)
def test_a_target_that_is_no_fleet_is_an_error_with_its_place(
    fleet: FleetRepository, target: str, says: str
) -> None:
    fleet.write_tenant("platform", target)
    ended = fleet.run("validate")
    assert ended.code == 1
    assert "tenant/target" in ended.err
    assert says in ended.err


def test_a_pattern_that_matches_nothing_is_a_violation_and_deletes_nothing(
    fleet: FleetRepository,
) -> None:
    path = fleet.write("ci")
    fleet.reconcile()
    before = fleet.count()
    fleet.narrow(path, "{match: nothing-*}")
    refused = fleet.run("reconcile", "--yes")
    assert refused.code == 6
    assert "no-scope" in refused.out
    assert "matches none of the 7 repositories" in refused.out
    fleet.write("ci")
    fleet.write_tenant("platform", "{organization: acme, repositories: {match: nothing-*}}")
    refused = fleet.run("reconcile", "--yes")
    assert refused.code == 6
    assert "matches no repositories" in refused.out
    assert fleet.count() == before


def test_a_webhook_may_narrow_the_fleet_and_leaves_what_it_no_longer_means(
    fleet: FleetRepository,
) -> None:
    path = fleet.write("ci")
    fleet.write("audit")
    fleet.reconcile()
    fleet.narrow(path, '{match: "svc-*", exclude: [svc-00]}')
    plan = fleet.run("plan")
    assert "3 to delete" in plan.out
    for name in ("acme/legacy", "acme/svc-00", "acme/web"):
        assert name in plan.out  # of what is deleted, every repository is named
    fleet.reconcile()
    assert {name for name, count in fleet.count().items() if count == 1} == {
        "legacy", "svc-00", "web",
    }  # fmt: skip


def test_a_repository_that_leaves_the_fleet_keeps_its_hooks(fleet: FleetRepository) -> None:
    fleet.write("ci")
    fleet.reconcile()
    fleet.fleet.listed["acme/web"]["archived"] = True
    plan = fleet.run("plan")
    assert "No changes. 6 unchanged" in plan.out
    assert fleet.count()["web"] == 1


@pytest.mark.parametrize("status", [403, 404, 301])
def test_a_repository_that_cannot_be_read_fails_alone_and_blocks_every_delete(
    fleet: FleetRepository, status: int
) -> None:
    for name in ("ci", "audit", "notes", "chat"):
        fleet.write(name)
    fleet.reconcile()
    (fleet.folder / "chat.yaml").unlink()
    edited = next(iter(fleet.place("svc-03").hooks.values()))
    edited["active"] = False
    fleet.fleet.refused["acme/web"] = status
    assert fleet.run("plan").code == 4
    ended = fleet.run("reconcile", "--yes")
    assert ended.code == 4
    assert "not read acme/web" in ended.out
    assert "nothing is deleted while acme/web cannot be read" in ended.out
    assert edited["active"]
    assert set(fleet.count().values()) == {4}
    fleet.fleet.refused.clear()
    assert fleet.run("reconcile", "--yes").code == 0
    assert set(fleet.count().values()) == {3}


def test_a_token_that_is_refused_everywhere_is_an_error_of_the_run(fleet: FleetRepository) -> None:
    fleet.write("ci")
    for name in NAMES:
        fleet.fleet.refused[name] = 403
    ended = fleet.run("plan")
    assert ended.code == 3
    assert "Webhooks and Variables (read and write)" in ended.err


def test_an_organisation_that_does_not_exist_is_explained(fleet: FleetRepository) -> None:
    fleet.write_tenant("platform", "{organization: acne, repositories: {}}")
    ended = fleet.run("plan")
    assert ended.code == 1
    assert "there is no such organisation" in ended.err


def test_deletes_are_limited_in_each_repository_and_in_all(fleet: FleetRepository) -> None:
    paths = [fleet.write(f"hook-{number}") for number in range(4)]
    fleet.reconcile()
    for path in paths[:2]:
        fleet.narrow(path, "{exclude: web}")
    one = fleet.run("plan")
    assert one.code == 6
    assert "2 of 4 webhooks of acme/web would be deleted: more than 30%" in one.out
    for path in paths[:2]:
        path.unlink()
    every = fleet.run("plan")
    assert every.code == 6
    assert "14 of 28 webhooks would be deleted, more than 30%" in every.out
    assert "and too many of 6 more repositories" in every.out
    assert fleet.run("plan", "--max-deletes", "14").code == 0


def test_drift_in_one_repository_is_found_and_repaired_there_alone(fleet: FleetRepository) -> None:
    fleet.write("ci")
    fleet.reconcile()
    [hook] = fleet.place("svc-02").hooks.values()
    hook["events"], hook["updated_at"] = ["release"], fleet.place("svc-02").now()
    drift = fleet.run("drift")
    assert drift.code == 7
    assert "~ ci@acme/svc-02" in drift.out
    fleet.fleet.requests.clear()
    fleet.reconcile()
    assert hook["events"] == ["pull_request", "push"]
    writes = {path for method, path in fleet.fleet.requests if method != "GET"}
    assert all(path.startswith("/repos/acme/svc-02/") for path in writes)


def test_scopes_of_a_product_without_fleets_are_an_error_with_its_place(
    fleet: FleetRepository,
) -> None:
    path = fleet.write("ci")
    fleet.narrow(path, "{match: web}")
    path.write_text(path.read_text().replace("  options: {content_type: json}\n", ""))
    (fleet.folder / "tenant.yaml").write_text(
        (fleet.folder / "tenant.yaml")
        .read_text()
        .replace("provider: github", "provider: mlflow")
        .replace(f"  target: {ALL}\n", "")
    )
    ended = fleet.run("validate")
    assert "mlflow has no scopes [provider/scopes]" in ended.err


def test_no_more_requests_are_under_way_than_the_product_takes(fleet: FleetRepository) -> None:
    fleet.fleet.latency = 0.05
    fleet.write("ci")
    assert fleet.run("reconcile", "--yes", "--parallelism", "40").code == 0
    assert 1 < fleet.fleet.most_at_once <= 5


def test_doctor_counts_the_repositories_and_names_those_that_fail(fleet: FleetRepository) -> None:
    fleet.write("ci")
    fleet.fleet.refused["acme/web"] = 404
    ended = fleet.run("doctor")
    assert ended.code == 1
    assert "6 of 7 repositories can be read" in ended.out
    assert "acme/web: GET /repos/acme/web" in ended.out


FORGES = {
    "gitea": ("{organization: acme, repositories: {exclude: web}}", gitea.TOKEN, "GITEA_TOKEN"),
    "gitlab": ("{group: acme, projects: {exclude: web}}", gitlab.TOKEN, "GITLAB_TOKEN"),
}


@pytest.mark.parametrize("forge", FORGES)
def test_gitea_and_gitlab_have_fleets_too(tmp_path: Path, forge: str) -> None:
    target, token, variable = FORGES[forge]
    event = {"gitea": "push", "gitlab": "push_events"}[forge]
    webhook = WEBHOOK.replace("EVENT", event)
    env = {variable: token}
    with fleet_of(forge, NAMES) as server:
        tenant = TENANT.format(
            provider=forge, url=server.url, variable=variable, owner="platform", target=target
        )
        repository = ProductRepository(tmp_path, tenant, webhook, env, (token,))
        server.listed["acme/legacy"]["archived"] = True
        path = repository.write("ci")
        repository.reconcile()
        counts = {name: len(one.hooks) for name, one in server.repositories.items()}
        assert counts == {name: int(name.startswith("acme/svc")) for name in NAMES}
        repository.write("audit")
        repository.reconcile()
        path.unlink()
        ended = repository.run("reconcile", "--yes", "--max-deletes", "5")
        assert "5 deleted" in ended.out
        assert {len(one.hooks) for one in server.repositories.values()} == {0, 1}
