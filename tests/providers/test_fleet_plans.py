"""Saved plans, documents, export and adopt of one Tenant over many repositories."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from tests.providers.fleet_repository import FleetRepository, add_hook, fleet
from tests.support.forge_repository import KEY
from tests.support.processes import ROOT

__all__ = ["fleet"]


def load_validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((ROOT / f"schemas/{name}.schema.json").read_text()))


def test_a_saved_plan_is_carried_out_and_refused_if_the_fleet_changed(
    fleet: FleetRepository,
) -> None:
    fleet.write("ci")
    fleet.write("audit")
    assert fleet.run("plan", "--out", "plan.json").code == 0
    fleet.fleet.listed["acme/web"]["archived"] = True
    stale = fleet.run("reconcile", "--plan", "plan.json", "--yes")
    assert stale.code == 5
    assert "acme/web: it is gone, or cannot be read" in stale.err
    assert fleet.count() == {}
    fleet.fleet.listed["acme/web"]["archived"] = False
    assert fleet.run("reconcile", "--plan", "plan.json", "--yes").code == 0
    assert set(fleet.count().values()) == {2}
    assert "No changes" in fleet.run("plan").out


def test_the_documents_of_a_fleet_keep_their_schemas(fleet: FleetRepository) -> None:
    fleet.write("ci")
    fleet.fleet.refused["acme/web"] = 403
    assert fleet.run("plan", "--out", "plan.json").code == 4
    shown = fleet.call("show", "plan.json")
    assert "in 6 repositories: acme/legacy, acme/svc-00, acme/svc-01 and 3 more" in shown.out
    assert "not read acme/web" in shown.out
    documents = {
        "plan": fleet.run("plan", "-o", "json"),
        "report": fleet.run("reconcile", "--yes", "-o", "json"),
        "drift": fleet.run("drift", "-o", "json"),
    }
    for name, ended in documents.items():
        body = json.loads(ended.out)
        load_validator(name).validate(body)
        [failure] = body["scopes"]["failed"]
        assert failure["scope"] == "acme/web"
    body = json.loads((fleet.folder / "plan.json").read_text())
    load_validator("saved-plan").validate(body)
    markdown = fleet.run("plan", "-o", "markdown").out
    assert "- **not read** acme/web" in markdown


def test_a_saved_plan_of_one_repository_touches_no_other(fleet: FleetRepository) -> None:
    fleet.write("ci")
    fleet.reconcile()
    [hook] = fleet.place("svc-02").hooks.values()
    hook["active"], hook["updated_at"] = False, fleet.place("svc-02").now()
    assert fleet.run("plan", "--out", "plan.json").code == 0
    ended = fleet.run("reconcile", "--plan", "plan.json", "--yes")
    assert "1 updated" in ended.out
    assert hook["active"]


def test_hooks_made_by_hand_are_exported_as_one_manifest_and_adopted_without_a_change(
    fleet: FleetRepository,
) -> None:
    by_hand = [
        add_hook(server, "https://ci.example.com/hook", secret="old-secret-0123456789")
        for server in fleet.fleet.repositories.values()
    ]
    other = add_hook(fleet.place("web"), "https://notes.example.com/in")
    before = json.dumps([*by_hand, other])
    ended = fleet.call("export", "hooks", ".")
    assert "2 new" in ended.out
    written = (fleet.folder / "hooks/ci-example-com.yaml").read_text()
    assert written.count("      - acme/") == 7
    assert "      - acme/web\n" in (fleet.folder / "hooks/notes-example-com.yaml").read_text()
    fleet.env["WEBHOOK_CI_EXAMPLE_COM_SECRET"] = KEY
    assert "8 updated" in fleet.call("adopt", "--all", "--yes").out
    assert json.dumps([*by_hand, other]) == before
    plan = fleet.run("plan")
    assert "No changes. 8 unchanged" in plan.out
    assert plan.out.count("credential not compared") == 1


def test_two_hooks_that_could_be_meant_in_one_repository_are_ambiguous_there_alone(
    fleet: FleetRepository,
) -> None:
    fleet.write("ci")
    for _ in range(2):
        add_hook(fleet.place("web"), "https://hooks.example.com/ci")
    add_hook(fleet.place("svc-00"), "https://hooks.example.com/ci")
    ended = fleet.run("plan", "--adopt")
    assert ended.code == 6
    assert ended.out.count("violation ambiguous-name") == 1
    assert "ids acme/web#4001, acme/web#4002" in ended.out
