"""--all-tenants: what it does not go with, prompts, deadlines and signals, and what else sees
patches.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.environments import SCHEMAS, count_webhooks, everywhere, manifest
from tests.support.processes import run, start, webhook
from tests.support.terminal import at_terminal


@pytest.mark.parametrize(
    "options",
    [
        ("plan", "--tenant", "dev"),
        ("plan", "--local"),
        ("plan", "--tenant-url", "https://a.example", "--owner", "payments"),
        ("plan", "--out", "plan.json"),
        ("reconcile", "--yes", "--plan", "plan.json"),
        ("drift", "--watch", "5"),
    ],
)
def test_what_speaks_of_one_tenant_or_one_plan_is_a_usage_error(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
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
    text = "---\n".join(
        [
            webhook("one"),
            manifest("a", "a.db"),
            manifest("b", "b.db", patches=everywhere("{name: B}")),
        ]
    )
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


def test_ctrl_c_at_a_prompt_begins_no_further_tenant(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(webhook("one"))
    for name in ("a", "b"):
        (tmp_path / f"t-{name}.yaml").write_text(manifest(name, f"{name}.db"))
    done = at_terminal("reconcile", ".", "--all-tenants", cwd=tmp_path, typed=(("[y/N]", b"\x03"),))
    assert done.code == 130, done.out
    assert "Traceback" not in done.out
    assert done.out.count("[y/N]") == 1
    assert "not started (" in done.out


def test_ctrl_c_in_the_moment_in_which_a_turn_begins_ends_as_at_any_other(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(webhook("one"))
    for name in ("a", "b"):
        (tmp_path / f"t-{name}.yaml").write_text(manifest(name, f"{name}.db"))
    done = at_terminal(
        "plan", ".", "--all-tenants", cwd=tmp_path, typed=(("== b (wave 1) ==", b"\x03"),)
    )
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
        done = run(
            "plan", ".", "--all-tenants", "--deadline", "1", "-o", "json", cwd=tmp_path, A_TOKEN="t"
        )
    assert done.code == 1
    assert [part["error"]["kind"] for part in done.json["runs"]] == ["unreachable"] * 2
    assert "--deadline was reached before its turn" in done.json["runs"][1]["error"]["message"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_with_130_and_a_report_of_what_was_done_and_what_was_not_begun(
    tmp_path: Path, number: int
) -> None:
    (tmp_path / "one.yaml").write_text(webhook("one"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        (tmp_path / "t-a.yaml").write_text(manifest("a", "a.db"))
        (tmp_path / "t-b.yaml").write_text(manifest("b", f"http://127.0.0.1:{port}/public-api/v1"))
        (tmp_path / "t-c.yaml").write_text(manifest("c", "c.db"))
        process = start(
            "reconcile", ".", "--all-tenants", "--yes", "-o", "json", cwd=tmp_path, B_TOKEN="t"
        )
        silent.settimeout(60)
        planned, _ = silent.accept()
        with planned:  # every tenant is planned before the first has its turn; then `b` is silent
            planned.recv(65536)
            body = b'{"items": [], "next_cursor": null}'
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            planned.sendall(head % len(body) + body)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    parts = {part["tenant"]: part for part in json.loads(out)["runs"]}
    assert parts["a"]["report"]["summary"]["created"] == 1
    assert (parts["b"]["exit_code"], parts["b"]["note"]) == (130, "interrupted")
    assert (parts["c"]["exit_code"], parts["c"]["note"]) == (None, "not started: interrupted")
    assert count_webhooks(tmp_path / "c.db") == 0


def test_ctrl_c_while_all_are_planned_writes_nowhere(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(webhook("one"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        (tmp_path / "t-a.yaml").write_text(manifest("a", "a.db"))
        (tmp_path / "t-b.yaml").write_text(manifest("b", f"http://127.0.0.1:{port}/public-api/v1"))
        process = start(
            "reconcile", ".", "--all-tenants", "--yes", "-o", "json", cwd=tmp_path, B_TOKEN="t"
        )
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    parts = [(part["exit_code"], part["note"]) for part in json.loads(out)["runs"]]
    assert parts == [(None, "not started: interrupted"), (130, "interrupted")]
    assert count_webhooks(tmp_path / "a.db") == 0


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
    file = json.loads((tmp_path / "plan.json").read_text())
    Draft202012Validator(SCHEMAS["saved-plan"]).validate(file)
    Draft202012Validator(SCHEMAS["plan"]).validate(file["plan"])
    shown = run("show", "plan.json", cwd=tmp_path).out
    assert "tenants/a.yaml:4" in shown
    assert run("reconcile", ".", "--plan", "plan.json", "--yes", cwd=tmp_path).code == 0
    assert "No changes." in run("plan", ".", cwd=tmp_path).out


def test_export_leaves_what_a_patch_sets_to_the_patch_and_says_where_it_stands(
    tmp_path: Path,
) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "one.yaml").write_text(webhook("one", extra="description: base"))
    (tmp_path / "t.yaml").write_text(
        manifest("a", "a.db", patches=everywhere("{description: patched}"))
    )
    assert run("reconcile", ".", "--yes", cwd=tmp_path).code == 0
    other = webhook("one", url="https://hooks.example.com/by-hand", extra="description: by hand")
    (tmp_path / ".other").mkdir()
    (tmp_path / ".other" / "one.yaml").write_text(other)
    (tmp_path / ".other" / "two.yaml").write_text(webhook("two", name="Two"))
    edited = ("--local-file", "a.db", "--no-prune", "--adopt")
    moved = run(
        "adopt",
        "--all",
        "--manifests",
        ".other",
        "--local-file",
        "a.db",
        "--adopt-from",
        "payments",
        "--yes",
        cwd=tmp_path,
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
        (tmp_path / f"{name}.yaml").write_text(
            manifest(name, f"{name}.db", patches=everywhere(patch))
        )
    probe = run("test", ".", "--via", "probe", cwd=tmp_path)
    assert (probe.code, "--tenant NAME" in probe.err) == (64, True)
    assert run("test", ".", "--via", "probe", "--tenant", "a", cwd=tmp_path).code == 8
    found = {
        part["tenant"]: part["received"]
        for part in run("events", ".", "-o", "json", cwd=tmp_path).json["coverage"]
    }
    healthy = {
        name: item["receivers"]["info"]
        for name in found
        for item in found[name]
        if item["type"].endswith("iscan:healthy")
    }
    assert healthy == {"a": ["one"], "b": []}
