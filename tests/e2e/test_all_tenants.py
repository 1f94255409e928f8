"""`--all-tenants` against served and embedded tenants: waves, one report over all, and what a
failure of one does to others.
"""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

from tests.e2e.environments import LOCAL, World, codes, count_webhooks, everywhere
from tests.support.processes import run, webhook


def test_every_tenant_gets_its_own_result_wave_by_wave_and_all_plan_empty_then(
    world: World,
) -> None:
    code, planned = world.json("plan", "--detailed-exitcode")
    assert (code, codes(planned)) == (2, {"dev": 2, "staging": 2, "production": 2})
    fields = {field["path"][-1]: field for field in planned["dev"]["plan"]["changes"][0]["fields"]}
    assert (fields["url"]["file"], fields["url"]["line"]) == ("t-dev.yaml", 4)
    assert "file" not in fields["name"]
    code, done = world.json("reconcile")
    assert (code, codes(done)) == (0, {"dev": 0, "staging": 0, "production": 0})
    assert [list(part) for part in done.values()] == [
        ["tenant", "wave", "exit_code", "report", "test"],
        ["tenant", "wave", "exit_code", "report", "test"],
        ["tenant", "wave", "exit_code", "report"],
    ]
    assert [request.path for request in world.receiver.requests] == ["/dev", "/ok"]
    assert world.dev.by_name()["one"]["url"] == world.receiver.url("/dev")
    code, planned = world.json("plan", "--detailed-exitcode")
    assert (code, {part["plan"]["summary"]["keep"] for part in planned.values()}) == (0, {1})


def test_an_endpoint_that_fails_its_test_keeps_the_next_wave_from_beginning(world: World) -> None:
    world.receiver.script("/dev", 500)
    code, done = world.json("reconcile")
    assert (code, codes(done)) == (8, {"dev": 8, "staging": None, "production": None})
    assert done["dev"]["report"]["summary"]["created"] == 1
    assert done["production"]["note"] == "not started: wave 1 did not pass (dev: exit 8)"
    assert count_webhooks(world.folder / "staging.db") == 0
    world.receiver.script("/dev", 200)
    assert world.json("reconcile")[0] == 0


def test_a_webhook_switched_off_in_git_or_at_the_tenant_is_not_tested(world: World) -> None:
    assert world.reconcile().code == 0
    world.receiver.script("/dev", 500)
    world.dev.edit("one", enabled=False)  # the manifest leaves that to the tenant
    assert world.json("reconcile")[0] == 0
    world.dev.edit("one", enabled=True)
    assert world.json("reconcile")[0] == 8
    world.put(
        "dev",
        world.dev.url,
        patches=everywhere(f"{{enabled: false, url: '{world.receiver.url('/dev')}'}}"),
    )
    assert world.json("reconcile")[0] == 0


def test_one_tenant_away_keeps_no_other_of_its_wave_from_its_turn_but_the_next_wave(
    world: World,
) -> None:
    world.put(
        "away", world.receiver.url("/nothing")
    )  # no tenant at all, and quicker to find out than one that is silent
    world.env["AWAY_TOKEN"] = "none"
    code, done = world.json("reconcile")
    assert (code, codes(done)) == (1, {"away": 1, "dev": 0, "staging": None, "production": None})
    assert "own contract" in done["away"]["error"]["message"]
    assert "wave 1 did not pass (away: exit 1)" in done["staging"]["note"]
    assert "one" in world.dev.by_name()
    for command, expected in (("plan", [0, 0, 0]), ("drift", [0, 7, 7]), ("test", [0, 0, 0])):
        code, found = world.json(command)
        assert (code, found["away"]["exit_code"]) == (1, 1)
        assert [found[name]["exit_code"] for name in ("dev", "staging", "production")] == expected


def test_a_refused_token_a_refused_plan_and_a_failed_write_each_stop_the_next_wave_with_their_own_code(
    world: World,
) -> None:
    world.env["DEV_TOKEN"] = "wrong"
    code, done = world.json("reconcile")
    assert (code, codes(done)) == (3, {"dev": 3, "staging": None, "production": None})
    world.env["DEV_TOKEN"] = world.dev.token
    assert world.reconcile().code == 0
    (world.folder / "one.yaml").unlink()
    code, done = world.json("reconcile")
    assert (code, codes(done)) == (6, {"dev": 6, "staging": 6, "production": 6})
    assert [found["rule"] for found in done["dev"]["plan"]["violations"]] == ["empty-set"]


def test_a_refused_plan_of_the_last_wave_keeps_every_tenant_from_being_written(
    world: World,
) -> None:
    assert world.reconcile().code == 0
    (world.folder / "one.yaml").write_text(
        webhook("one", url=world.receiver.url("/ok"), extra="description: new")
    )
    world.put("production", "production.db", wave=3, extra=", select: {matchLabels: {team: other}}")
    code, done = world.json("reconcile")
    assert (code, codes(done)) == (6, {"dev": None, "staging": None, "production": 6})
    assert (
        done["dev"]["note"] == "not started: not every plan may be carried out (production: exit 6)"
    )
    assert world.dev.by_name()["one"]["description"] == ""
    text = world.reconcile()
    assert (text.code, "a plan is refused; nothing was written anywhere" in text.err) == (6, True)
    assert [line for line in text.out.splitlines() if line.startswith("==")] == [
        "== production (wave 3): plan =="
    ]
    assert "2 not started (dev, staging)" in text.out.splitlines()[-1]


def test_a_tenant_that_cannot_be_planned_is_asked_once_and_its_wave_has_its_turn(
    world: World,
) -> None:
    world.put("away", world.receiver.url("/nothing"))
    world.env["AWAY_TOKEN"] = "none"
    done = world.reconcile()
    assert done.code == 1
    assert done.err.count("own contract") == 1
    asked = [
        request.path for request in world.receiver.requests if request.path.startswith("/nothing")
    ]
    assert len(asked) == 1
    assert "one" in world.dev.by_name()


def test_text_has_a_heading_for_each_tenant_and_a_summary_last(world: World) -> None:
    done = world.reconcile()
    headings = [line for line in done.out.splitlines() if line.startswith("==")]
    assert headings == [
        "== dev (wave 1) ==",
        "== dev (wave 1): test ==",
        "== staging (wave 2) ==",
        "== staging (wave 2): test ==",
        "== production (wave 3) ==",
    ]
    assert done.out.splitlines()[-1] == "3 tenants: 3 done."
    world.receiver.script("/ok", 500)
    failed = world.reconcile()
    assert failed.code == 8
    assert failed.out.splitlines()[-2:] == [
        "production: not started: wave 2 did not pass (staging: exit 8)",
        "3 tenants: 1 done, 1 ended with 8 (staging), 1 not started (production).",
    ]


def test_markdown_is_one_comment_with_one_marker_and_junit_one_file(world: World) -> None:
    text = world.run("plan", "-o", "markdown").out
    assert text.startswith("<!-- reconciler:runs tenants=all owner=payments -->\n")
    assert text.count("<!--") == 1
    assert [line for line in text.splitlines() if line.startswith("###")] == [
        f"### Plan for `{name}`, owner `payments`" for name in ("dev", "staging", "production")
    ]
    world.env["DEV_TOKEN"] = "wrong"
    suites = fromstring(world.run("test", *LOCAL, "-o", "junit").out).findall("testsuite")  # noqa: S314  our own output
    assert [(suite.get("name"), suite.get("failures")) for suite in suites] == [
        ("dev", "1"),
        ("staging: one", "0"),
        ("production: one", "0"),
    ]


def test_drift_is_looked_for_at_every_tenant(world: World) -> None:
    assert world.reconcile().code == 0
    assert world.json("drift")[0] == 0
    world.dev.edit("one", description="by hand")
    code, found = world.json("drift")
    assert (code, codes(found)) == (7, {"dev": 7, "staging": 0, "production": 0})


def test_a_fault_in_one_tenants_patches_stops_all_before_any_is_asked(world: World) -> None:
    world.put("production", "production.db", wave=3, patches=everywhere("{url: null}"))
    done = world.reconcile("-o", "json")
    assert (done.code, done.json["format"]) == (1, "reconciler.problems/v1")
    assert [(p["file"], p["rule"]) for p in done.json["problems"]] == [
        ("t-production.yaml", "schema/required")
    ]
    assert world.dev.webhooks() == []
    valid = run("validate", ".", "-o", "json", cwd=world.folder)
    assert (valid.code, valid.json["problems"]) == (1, done.json["problems"])
    assert run("validate", ".", "--all-tenants", "-o", "json", cwd=world.folder).json == valid.json


def test_secrets_that_do_not_resolve_are_reported_for_all_tenants_before_the_first_write(
    world: World,
) -> None:
    del world.env["HOOK_TOKEN"], world.env["DEV_TOKEN"]
    done = world.reconcile("-o", "json")
    assert done.code == 1
    assert {p["rule"] for p in done.json["problems"]} == {"secret/unresolved"}
    assert not (world.folder / "staging.db").exists()


def test_a_run_is_narrowed_where_a_tenant_has_such_a_webhook_and_deletes_nothing_anywhere(
    world: World,
) -> None:
    (world.folder / "two.yaml").write_text(webhook("two").replace("team: test", "team: other"))
    world.put("staging", "staging.db", wave=2, extra=", select: {matchLabels: {team: other}}")
    assert world.json("plan")[0] == 0
    code, found = world.json("plan", "--only", "one")
    assert (code, codes(found)) == (0, {"dev": 0, "staging": 0, "production": 0})
    assert "nothing to do" in found["staging"]["note"]
    assert [change["name"] for change in found["production"]["plan"]["changes"]] == ["one"]
    assert world.run("plan", "--only", "three").code == 64
    assert "no webhook has the metadata.name three" in world.run("plan", "--only", "three").err
