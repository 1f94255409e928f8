"""The file of a saved plan: how it is written, what is read of it, and what is refused as no plan."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.saved.plan_file import sealed
from tests.support.processes import run, webhook

LOCAL = ("--local-file", "tenant.db")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(webhook("a"))
    assert run("plan", ".", *LOCAL, "--out", "plan.json", cwd=tmp_path).code == 0
    return tmp_path / "plan.json"


def change_fields(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


BAD = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "edited": lambda path: path.write_text(
        path.read_text().replace("hooks.example.com", "evil.example.com")
    ),
    "newer format": lambda path: change_fields(path, format="reconciler.saved-plan/v2"),
    "former format": lambda path: change_fields(path, format="reconciler.plan/v1", apply={}),
    "another document": lambda path: change_fields(path, format="reconciler.report/v1"),
    "newer program": lambda path: change_fields(path, program="99.0.0"),
    "empty": lambda path: path.write_bytes(b""),
    "no JSON": lambda path: path.write_bytes(b"\xff\x00plan"),
    "deep": lambda path: path.write_bytes(b"[" * 200_000),
    "not a number": lambda path: path.write_bytes(b'{"format": NaN}'),
    "a field twice": lambda path: path.write_bytes(
        path.read_bytes().replace(b"{", b'{"format": "x",', 1)
    ),
    "a list": lambda path: path.write_bytes(b"[]"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "nothing": lambda path: path.unlink(),
    "huge": lambda path: os.truncate(path, 300 * 1024 * 1024),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_a_whole_and_unchanged_plan_is_1_and_says_so(saved: Path, name: str) -> None:
    BAD[name](saved)
    for command in (["show", "plan.json"], ["reconcile", "--plan", "plan.json", "--yes", *LOCAL]):
        ended = run(*command, "-o", "json", cwd=saved.parent, timeout=20)
        assert ended.code == 1, ended.err
        assert ended.json["kind"] == "plan-file"
        assert ended.json["message"].startswith("plan.json: ")
        assert "Traceback" not in ended.err


def test_a_file_of_the_former_format_says_to_plan_again(saved: Path) -> None:
    change_fields(saved, format="reconciler.plan/v1", apply={})
    ended = run("reconcile", "--plan", "plan.json", "--yes", *LOCAL, cwd=saved.parent)
    assert (ended.code, "former format" in ended.err, "plan again" in ended.err) == (1, True, True)


def test_events_of_other_files_and_places_are_saved(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a"))
    (tmp_path / "b.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {name: more}\n"
        "spec:\n  webhook: a\n  events:\n"
        "    - {type: 'elastio:recovery-point:iscan:healthy', version: v0, severity: [info, warning]}\n"
    )
    planned = run("plan", ".", *LOCAL, "--out", "plan.json", cwd=tmp_path)
    assert planned.out.count("b.yaml:7") == 2
    ended = run("reconcile", "--plan", "plan.json", "--yes", *LOCAL, cwd=tmp_path)
    assert (ended.code, ended.out.count("b.yaml:7")) == (0, 2)
    assert "No changes. 1 unchanged" in run("plan", ".", *LOCAL, cwd=tmp_path).out


def test_arguments_of_a_command_are_not_saved_and_the_apply_says_so(tmp_path: Path) -> None:
    auth = "{type: bearer, token: {fromCommand: [echo, ag-55d1c0e2]}}"
    (tmp_path / "a.yaml").write_text(webhook("a", auth=auth))
    run("plan", ".", *LOCAL, "--allow-command", "--out", "plan.json", cwd=tmp_path)
    assert "ag-55d1c0e2" not in (tmp_path / "plan.json").read_text()
    command = ("reconcile", "--plan", "plan.json", "--yes", "--allow-command", *LOCAL)
    ended = run(*command, cwd=tmp_path)
    assert (ended.code, "the arguments of a command" in ended.err) == (1, True)


def test_a_made_up_file_runs_no_command_with_arguments(saved: Path) -> None:
    body = json.loads(saved.read_text())
    spec = body["manifests"][0]["value"]["spec"]
    spec["auth"] = {"type": "bearer", "token": {"fromCommand": ["touch", "ran"]}}
    rest = {name: value for name, value in body.items() if name != "checksum"}
    saved.write_text(json.dumps(sealed(rest, None)))
    command = ("reconcile", "--plan", "plan.json", "--yes", "--allow-command", *LOCAL)
    ended = run(*command, cwd=saved.parent)
    assert (ended.code, "the saved plan has an invalid Webhook" in ended.err) == (1, True)
    assert not (saved.parent / "ran").exists()


def test_the_output_of_plan_is_no_plan_file(saved: Path) -> None:
    saved.write_text(run("plan", ".", *LOCAL, "-o", "json", cwd=saved.parent).out)
    ended = run("reconcile", "--plan", "plan.json", "--yes", *LOCAL, cwd=saved.parent)
    assert (ended.code, "--out" in ended.err) == (1, True)


def test_a_sealed_plan_is_shown_without_the_key_and_carried_out_only_with_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.yaml").write_text(webhook("a"))
    key = {"RECONCILER_FINGERPRINT_KEY": "key"}
    planned = run("plan", ".", *LOCAL, "--out", "plan.json", cwd=tmp_path, **key)
    apply = ["reconcile", "--plan", "plan.json", "--yes", *LOCAL]
    assert run("show", "plan.json", cwd=tmp_path).out == planned.out
    assert run(*apply, cwd=tmp_path).code == 1
    assert run(*apply, cwd=tmp_path, RECONCILER_FINGERPRINT_KEY="another").code == 1
    assert run(*apply, cwd=tmp_path, **key).code == 0


def test_the_file_has_mode_0600_and_takes_the_place_of_an_older_one_at_once(saved: Path) -> None:
    saved.write_text("{}")
    saved.chmod(0o644)
    assert run("plan", ".", *LOCAL, "--out", "plan.json", cwd=saved.parent).code == 0
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert json.loads(saved.read_text())["format"] == "reconciler.saved-plan/v1"
    assert sorted(path.name for path in saved.parent.iterdir() if path.name.startswith(".")) == []


def test_a_plan_that_is_not_made_leaves_the_older_file_as_it_was(saved: Path) -> None:
    before = saved.read_bytes()
    (saved.parent / "a.yaml").write_text("kind: nonsense")
    assert run("plan", "a.yaml", *LOCAL, "--out", "plan.json", cwd=saved.parent).code == 1
    assert saved.read_bytes() == before


@pytest.mark.parametrize(
    "out", ["link.json", "nowhere.json", "folder/plan.json", "../{here}/folder/plan.json"]
)
def test_a_plan_is_never_written_through_a_link(saved: Path, tmp_path: Path, out: str) -> None:
    here, elsewhere = saved.parent, tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "plan.json").write_text("precious")
    (here / "link.json").symlink_to(elsewhere / "plan.json")
    (here / "nowhere.json").symlink_to(elsewhere / "new.json")
    (here / "folder").symlink_to(elsewhere)
    ended = run("plan", ".", *LOCAL, "--out", out.format(here=here.name), cwd=here)
    assert (ended.code, "is a link, and a plan is never written through one" in ended.err) == (
        64,
        True,
    )
    assert {path.name: path.read_text() for path in elsewhere.iterdir()} == {
        "plan.json": "precious"
    }


@pytest.mark.parametrize("out", ["missing/plan.json", ".", "/dev/null", "/proc/plan.json"])
def test_a_place_that_cannot_be_written_is_known_before_anything_is_read(
    tmp_path: Path, out: str
) -> None:
    ended = run("plan", "missing.yaml", *LOCAL, "--out", out, cwd=tmp_path)
    assert (ended.code, "--out" in ended.err) == (64, True)
