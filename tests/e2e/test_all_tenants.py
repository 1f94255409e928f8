"""`--all-tenants` against served and embedded tenants: waves, one report over all, and what a failure of one does to others."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from jsonschema import Draft202012Validator

from tests.support.processes import ROOT, Ended, Tenant, run, start, webhook
from tests.support.receiver import Receiver
from tests.support.terminal import at_terminal

SCHEMAS = {
    name: json.loads((ROOT / f"schemas/{name}.schema.json").read_text()) for name in ("runs", "plan", "report", "test", "drift")
}
LOCAL = ("--allow-network", "127.0.0.0/8")
SECRET = "wv-9c1f77e0aa"


def manifest(name: str, where: str, *, wave: int | None = None, patches: str = "", extra: str = "") -> str:
    """A Tenant; `where` is a url, or the file of an embedded one."""
    target = f"url: '{where}', token: {{fromEnv: {name.upper()}_TOKEN}}" if where.startswith("http") else f"local: {where}"
    turn = f", wave: {wave}" if wave is not None else ""
    merged = f", patches: [{patches}]" if patches else ""
    head = f"apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {{name: {name}}}\n"
    return f"{head}spec: {{{target}, owner: payments{turn}{merged}{extra}}}\n"


def everywhere(patch: str) -> str:
    return f"{{match: {{matchLabels: {{}}}}, patch: {patch}}}"


class World:
    """One webhook; `dev` (served) in wave 1, `staging` (embedded) in wave 2, `production` (embedded) in wave 3."""

    def __init__(self, folder: Path, dev: Tenant, receiver: Receiver) -> None:
        self.folder, self.dev, self.receiver = folder, dev, receiver
        self.env = {"DEV_TOKEN": dev.token, "HOOK_TOKEN": SECRET}
        folder.mkdir()
        auth = "{type: bearer, token: {fromEnv: HOOK_TOKEN}, version: '1'}"
        (folder / "one.yaml").write_text(webhook("one", url=receiver.url("/ok"), auth=auth))
        self.put("dev", dev.url, patches=everywhere(f"{{url: '{receiver.url('/dev')}'}}"))
        self.put("staging", "staging.db", wave=2, patches=everywhere("{description: staged}"))
        self.put("production", "production.db", wave=3)
        receiver.script("/dev", 200)

    def put(self, name: str, where: str, **options: Any) -> None:
        (self.folder / f"t-{name}.yaml").write_text(manifest(name, where, **options))

    def run(self, command: str, *options: str) -> Ended:
        return run(command, ".", "--all-tenants", *options, cwd=self.folder, **self.env)

    def reconcile(self, *options: str) -> Ended:
        return self.run("reconcile", "--yes", *LOCAL, *options)

    def json(self, command: str, *options: str) -> tuple[int, dict[str, Any]]:
        """A run as JSON, held to its schemas: the exit code and each tenant's part."""
        more = ("--yes", *LOCAL) if command == "reconcile" else LOCAL
        done = self.run(command, *more, "-o", "json", *options)
        assert done.out, done.err
        Draft202012Validator(SCHEMAS["runs"]).validate(done.json)
        for part in done.json["runs"]:
            for name in SCHEMAS.keys() & part.keys():
                Draft202012Validator(SCHEMAS[name]).validate(part[name])
        assert done.json["exit_code"] == done.code
        assert SECRET not in done.out + done.err
        return done.code, {part["tenant"]: part for part in done.json["runs"]}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Tenant(tmp_path / "dev-tenant", *LOCAL) as dev, Receiver() as receiver:
        yield World(tmp_path / "repository", dev, receiver)


def codes(runs: dict[str, Any]) -> dict[str, int | None]:
    return {name: part["exit_code"] for name, part in runs.items()}


def test_every_tenant_gets_its_own_result_wave_by_wave_and_all_plan_empty_then(world: World) -> None:
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
    assert not (world.folder / "staging.db").exists()
    world.receiver.script("/dev", 200)
    assert world.json("reconcile")[0] == 0


def test_what_is_switched_off_is_not_tested_whoever_did_it(world: World) -> None:
    assert world.reconcile().code == 0
    world.receiver.script("/dev", 500)
    world.dev.edit("one", enabled=False)  # the manifest leaves that to the tenant
    assert world.json("reconcile")[0] == 0
    world.dev.edit("one", enabled=True)
    assert world.json("reconcile")[0] == 8
    world.put("dev", world.dev.url, patches=everywhere(f"{{enabled: false, url: '{world.receiver.url('/dev')}'}}"))
    assert world.json("reconcile")[0] == 0


def test_one_tenant_away_keeps_no_other_of_its_wave_from_its_turn_but_the_next_wave(world: World) -> None:
    world.put("away", world.receiver.url("/nothing"))  # no tenant at all, and quicker to find out than one that is silent
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


def test_a_refused_token_a_refused_plan_and_a_failed_write_each_stop_the_next_wave_with_their_own_code(world: World) -> None:
    world.env["DEV_TOKEN"] = "wrong"
    code, done = world.json("reconcile")
    assert (code, codes(done)) == (3, {"dev": 3, "staging": None, "production": None})
    world.env["DEV_TOKEN"] = world.dev.token
    assert world.reconcile().code == 0
    (world.folder / "one.yaml").unlink()
    code, done = world.json("reconcile")
    assert (code, codes(done)) == (6, {"dev": 6, "staging": None, "production": None})
    assert [found["rule"] for found in done["dev"]["plan"]["violations"]] == ["empty-set"]


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
    assert [(p["file"], p["rule"]) for p in done.json["problems"]] == [("t-production.yaml", "schema/required")]
    assert world.dev.webhooks() == []
    valid = run("validate", ".", "-o", "json", cwd=world.folder)
    assert (valid.code, valid.json["problems"]) == (1, done.json["problems"])
    assert run("validate", ".", "--all-tenants", "-o", "json", cwd=world.folder).json == valid.json


def test_secrets_that_do_not_resolve_are_told_for_all_tenants_before_the_first_write(world: World) -> None:
    del world.env["HOOK_TOKEN"], world.env["DEV_TOKEN"]
    done = world.reconcile("-o", "json")
    assert done.code == 1
    assert {p["rule"] for p in done.json["problems"]} == {"secret/unresolved"}
    assert not (world.folder / "staging.db").exists()


def test_a_run_is_narrowed_where_a_tenant_has_such_a_webhook_and_deletes_nothing_anywhere(world: World) -> None:
    (world.folder / "two.yaml").write_text(webhook("two").replace("team: test", "team: other"))
    world.put("staging", "staging.db", wave=2, extra=", select: {matchLabels: {team: other}}")
    assert world.json("plan")[0] == 0
    code, found = world.json("plan", "--only", "one")
    assert (code, codes(found)) == (0, {"dev": 0, "staging": 0, "production": 0})
    assert "nothing to do" in found["staging"]["note"]
    assert [change["name"] for change in found["production"]["plan"]["changes"]] == ["one"]
    assert world.run("plan", "--only", "three").code == 64
    assert "no webhook has the metadata.name three" in world.run("plan", "--only", "three").err


@pytest.mark.parametrize(
    "options",
    [
        ("plan", "--tenant", "dev"),
        ("plan", "--local"),
        ("plan", "--tenant-url", "https://a.example", "--owner", "payments"),
        ("plan", "--out", "plan.json"),
        ("reconcile", "--yes", "--plan", "plan.json"),
        ("reconcile", "--yes", "--expect-digest", "sha256:0"),
        ("reconcile", "--yes", "--accept", "sha256:0"),
        ("drift", "--watch", "5"),
    ],
)
def test_what_speaks_of_one_tenant_or_one_plan_is_a_usage_error(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "t.yaml").write_text(manifest("dev", "dev.db"))
    command, *rest = options
    done = run(command, ".", "--all-tenants", *rest, cwd=tmp_path)
    assert done.code == 64
    assert "exclude each other" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["t.yaml"]


def test_without_a_tenant_manifest_it_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(webhook("one"))
    for command in ("validate", "plan"):
        done = run(command, ".", "--all-tenants", cwd=tmp_path)
        assert (done.code, "no Tenant manifest" in done.err) == (64, True)


def test_manifests_from_standard_input_are_read_for_every_tenant(tmp_path: Path) -> None:
    text = "---\n".join([webhook("one"), manifest("a", "a.db"), manifest("b", "b.db", patches=everywhere("{name: B}"))])
    done = run("plan", "-", "--all-tenants", "-o", "json", cwd=tmp_path, stdin=text)
    assert [part["plan"]["changes"][0]["name"] for part in done.json["runs"]] == ["one", "B"]


def test_the_digest_of_a_plan_covers_what_patches_make_of_it(tmp_path: Path) -> None:
    def digest(patches: str) -> str:
        text = webhook("one") + "---\n" + manifest("a", "a.db", patches=patches)
        return str(run("plan", "-", "-o", "json", cwd=tmp_path, stdin=text).json["digest"])

    assert digest("") == digest(everywhere("{description: null}"))
    assert len({digest(everywhere(f"{{enabled: {value}}}")) for value in ("true", "false")}) == 2


def test_each_tenant_has_a_prompt_of_its_own_and_a_no_stops_the_next_wave(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(webhook("one"))
    for name, wave in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / f"t-{name}.yaml").write_text(manifest(name, f"{name}.db", wave=wave))
    typed = (("== a (wave 1) ==", b"n\n"), ("== b (wave 1) ==", b"y\n"))
    done = at_terminal("reconcile", ".", "--all-tenants", cwd=tmp_path, typed=typed)
    assert done.code == 1
    assert done.out.count("Carry out 1 change? [y/N]") == 2
    assert "c: not started: wave 1 did not pass (a: exit 1)" in done.out
    assert "3 tenants: 1 done, 1 ended with 1 (a), 1 not started (c)." in done.out


def test_ctrl_c_in_the_moment_in_which_a_turn_begins_ends_as_at_any_other(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(webhook("one"))
    for name in ("a", "b"):
        (tmp_path / f"t-{name}.yaml").write_text(manifest(name, f"{name}.db"))
    done = at_terminal("plan", ".", "--all-tenants", cwd=tmp_path, typed=(("== b (wave 1) ==", b"\x03"),))
    assert done.code in {0, 130}  # it may have come too late
    assert "Traceback" not in done.out
    assert "never awaited" not in done.out
    assert done.out.rstrip().splitlines()[-1].startswith("2 tenants: ")


def test_the_deadline_is_that_of_the_whole_run(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(webhook("one"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        (tmp_path / "t-a.yaml").write_text(manifest("a", f"http://127.0.0.1:{port}/public-api/v1"))
        (tmp_path / "t-b.yaml").write_text(manifest("b", "b.db"))
        done = run("plan", ".", "--all-tenants", "--deadline", "1", "-o", "json", cwd=tmp_path, A_TOKEN="t")
    assert done.code == 1
    assert [part["error"]["kind"] for part in done.json["runs"]] == ["unreachable"] * 2
    assert "--deadline was reached before its turn" in done.json["runs"][1]["error"]["message"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_130_and_a_report_of_what_was_done_and_what_was_not_begun(tmp_path: Path, number: int) -> None:
    (tmp_path / "one.yaml").write_text(webhook("one"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        (tmp_path / "t-a.yaml").write_text(manifest("a", "a.db"))
        (tmp_path / "t-b.yaml").write_text(manifest("b", f"http://127.0.0.1:{port}/public-api/v1"))
        (tmp_path / "t-c.yaml").write_text(manifest("c", "c.db"))
        process = start("reconcile", ".", "--all-tenants", "--yes", "-o", "json", cwd=tmp_path, B_TOKEN="t")
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    parts = {part["tenant"]: part for part in json.loads(out)["runs"]}
    assert parts["a"]["report"]["summary"]["created"] == 1
    assert (parts["b"]["exit_code"], parts["b"]["note"]) == (130, "interrupted")
    assert (parts["c"]["exit_code"], parts["c"]["note"]) == (None, "not started: interrupted")
    assert not (tmp_path / "c.db").exists()


def test_a_base_revision_is_patched_as_its_tenants_were_then(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def labels(*options: str) -> list[tuple[str, str, str | None]]:
        done = run("plan", ".", *options, "--since", "HEAD", "-o", "json", cwd=tmp_path).json
        plans = [part["plan"] for part in done["runs"]] if "runs" in done else [done]
        return [
            (change["name"], change["label"], field.get("base"))
            for made in plans
            for change in made["changes"]
            for field in change["fields"]
        ]

    (tmp_path / "one.yaml").write_text(webhook("one"))
    tenants = tmp_path / "tenants.yaml"
    for text in ("then", "now"):
        patch = everywhere(f"{{description: {text}}}")
        tenants.write_text(manifest("a", "a.db", patches=patch) + "---\n" + manifest("b", "b.db"))
        if text == "then":
            git("init", "-q", "-b", "main")
            git("add", "one.yaml", "tenants.yaml")
            git("commit", "-q", "-m", "first")
            assert run("reconcile", ".", "--all-tenants", "--yes", cwd=tmp_path).code == 0
            assert labels("--all-tenants") == []
    assert labels("--tenant", "a") == [("one", "pending", "then")]
    assert labels("--all-tenants") == [("one", "pending", "then")]


def test_a_saved_plan_looks_references_of_patches_up_beside_the_patch(tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "tenants").mkdir()
    auth = "{type: bearer, token: {fromFile: token}}"
    (tmp_path / "hooks" / "one.yaml").write_text(webhook("one", auth=auth))
    patch = everywhere("{url: {fromFile: url}}")
    (tmp_path / "tenants" / "a.yaml").write_text(manifest("a", "a.db", patches=patch))
    (tmp_path / "tenants" / "url").write_text("https://hooks.example.com/of-the-patch\n")
    (tmp_path / "hooks" / "token").write_text("of-the-hook\n")
    assert run("plan", ".", "--out", "plan.json", cwd=tmp_path).code == 0
    assert "of-the" not in (tmp_path / "plan.json").read_text()
    Draft202012Validator(SCHEMAS["plan"]).validate(json.loads((tmp_path / "plan.json").read_text()))
    shown = run("show", "plan.json", cwd=tmp_path).out
    assert "tenants/a.yaml:4" in shown
    assert run("reconcile", ".", "--plan", "plan.json", "--yes", cwd=tmp_path).code == 0
    assert "No changes." in run("plan", ".", cwd=tmp_path).out


def test_export_leaves_what_a_patch_sets_to_the_patch_and_says_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "one.yaml").write_text(webhook("one", extra="description: base"))
    (tmp_path / "t.yaml").write_text(manifest("a", "a.db", patches=everywhere("{description: patched}")))
    assert run("reconcile", ".", "--yes", cwd=tmp_path).code == 0
    other = webhook("one", url="https://hooks.example.com/by-hand", extra="description: by hand")
    (tmp_path / ".other").mkdir()
    (tmp_path / ".other" / "one.yaml").write_text(other)
    (tmp_path / ".other" / "two.yaml").write_text(webhook("two", name="Two"))
    edited = ("--local-file", "a.db", "--no-prune", "--adopt")
    moved = run(
        "adopt", "--all", "--manifests", ".other", "--local-file", "a.db", "--adopt-from", "payments", "--yes", cwd=tmp_path
    )
    assert moved.code == 0, moved.err
    assert run("reconcile", ".other", *edited, "--yes", cwd=tmp_path).code == 0
    done = run("export", "hooks", ".", "--adopt-from", "local", cwd=tmp_path)
    assert done.code == 0, done.err
    text = (tmp_path / "hooks" / "one.yaml").read_text()
    assert "description: base" in text
    assert "by-hand" in text
    assert "t.yaml:4:" in done.out + done.err
    assert "description differs, and this patch sets it" in done.out + done.err
    assert "Tenant a has patches: new manifests" in done.out + done.err


def test_a_probe_and_the_coverage_of_events_see_what_each_tenant_gets(tmp_path: Path) -> None:
    event = '{type: "elastio:recovery-point:iscan:healthy", version: v0, severity: info}'
    (tmp_path / "one.yaml").write_text(webhook("one"))
    for name, patch in (("a", f"{{events: [{event}]}}"), ("b", "{enabled: false}")):
        (tmp_path / f"{name}.yaml").write_text(manifest(name, f"{name}.db", patches=everywhere(patch)))
    probe = run("test", ".", "--via", "probe", cwd=tmp_path)
    assert (probe.code, "--tenant NAME" in probe.err) == (64, True)
    assert run("test", ".", "--via", "probe", "--tenant", "a", cwd=tmp_path).code == 8
    found = {part["tenant"]: part["received"] for part in run("events", ".", "-o", "json", cwd=tmp_path).json["coverage"]}
    healthy = {
        name: item["receivers"]["info"] for name in found for item in found[name] if item["type"].endswith("iscan:healthy")
    }
    assert healthy == {"a": ["one"], "b": []}
