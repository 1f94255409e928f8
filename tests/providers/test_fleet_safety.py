"""What a fleet must not do: delete what is another's, write where nobody meant it, hide a change."""

from __future__ import annotations

from tests.providers.fleet_repository import ALL, FleetRepository, fleet

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
