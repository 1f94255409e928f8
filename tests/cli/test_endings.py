"""Whatever a command ends with: its exit code, a document with `-o json`, data on standard output
and nothing else there.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.support.processes import (
    COMMAND,
    Ended,
    Tenant,
    environment,
    run,
    start_reconcile,
    tenant_manifest,
    wait_for_line,
    webhook,
    write,
)

LOCAL = ("--local-file", "tenant.db")
JSON = ("-o", "json")


def shell(line: str, cwd: Path, **env: str) -> Ended:
    """A command line with redirections; `$R` is the command."""
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=cwd,
        env=environment(R=" ".join(COMMAND), **env),
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


USAGE = (
    ("frobnicate", *JSON),
    ("plan", "--nope", *JSON),
    ("plan", *JSON),
    ("plan", "webhooks", "--output=json"),
    ("plan", "webhooks", *LOCAL, "--only", "missing", *JSON),
    ("tenant", "nope", "-ojson"),
    ("-ojson",),
)


@pytest.mark.parametrize("arguments", USAGE)
def test_every_usage_error_is_a_document_with_json(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    write(tmp_path / "webhooks", 1)
    ended = run(*arguments, cwd=tmp_path)
    assert ended.code == 64
    assert ended.json["format"] == "reconciler.error/v1"
    assert (ended.json["kind"], ended.json["exit_code"]) == ("usage", 64)
    assert ended.json["message"] in ended.err


@pytest.mark.parametrize("arguments", [(), ("tenant",)])
def test_a_missing_command_shows_the_help_on_standard_error(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = run(*arguments, cwd=tmp_path)
    assert ended.code == 64
    assert ended.out == ""
    assert "\nCommands:\n" in ended.err


@pytest.mark.parametrize(
    "command", [("validate",), ("plan", *LOCAL), ("reconcile", *LOCAL, "--yes"), ("test", *LOCAL)]
)
def test_invalid_manifests_give_the_problems_document_in_every_command(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "bad.yaml").write_text("apiVersion: webhooks.reconciler/v1\nkind: Webhok\n")
    ended = run(*command, "bad.yaml", *JSON, cwd=tmp_path)
    assert ended.code == 1
    assert ended.json["format"] == "reconciler.problems/v1"
    assert ended.json["problems"][0]["file"] == "bad.yaml"
    assert not (tmp_path / "tenant.db").exists()


def test_paths_in_documents_are_relative_to_the_current_folder(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    (tmp_path / "inside").mkdir()
    for path in (str(tmp_path / "webhooks"), "../webhooks"):
        planned = run("plan", path, *LOCAL, *JSON, cwd=tmp_path / "inside").json
        assert planned["changes"][0]["file"] == "../webhooks/hook-0000.yaml"


def test_pending_changes_are_2_only_with_detailed_exitcode(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    assert run("plan", "webhooks", *LOCAL, cwd=tmp_path).code == 0
    assert run("diff", "webhooks", *LOCAL, "--detailed-exitcode", cwd=tmp_path).code == 2
    assert run("apply", "webhooks", *LOCAL, "--yes", cwd=tmp_path).code == 0
    assert run("plan", "webhooks", *LOCAL, "--detailed-exitcode", cwd=tmp_path).code == 0


def test_a_stale_plan_is_5_and_says_the_digest_of_today(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    digest = run("plan", "webhooks", *LOCAL, *JSON, cwd=tmp_path).json["digest"]
    ended = run(
        "reconcile", "webhooks", *LOCAL, "--yes", "--expect-digest", "sha256:0", *JSON, cwd=tmp_path
    )
    assert ended.code == 5
    assert ended.json["kind"] == "stale-plan"
    assert digest in ended.json["message"]


def test_a_refused_token_is_3_and_one_that_is_refused_in_mid_run_is_4(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        repo = tmp_path / "repo"
        write(repo, 200)
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        for command in (("plan", "."), ("reconcile", ".", "--yes"), ("test", ".")):
            refused = run(*command, *JSON, cwd=repo, TENANT_TOKEN="rct_0000000000000000_0")
            assert refused.code == 3, refused.err
            assert refused.json["kind"] == "unauthorized"
        process = start_reconcile(repo, tenant.token, "--parallelism", "1", "-vv")
        wait_for_line(process, "POST")
        assert run("tenant", "revoke", "test", "--db", "tenant.db", cwd=tenant.folder).code == 0
        out, err = process.communicate(timeout=120)
        assert process.returncode == 4, err
        summary = json.loads(out)["summary"]
        assert summary["created"] >= 1
        assert summary["failed"] == 1
        assert summary["created"] + summary["failed"] + summary["skipped"] == 200


def test_the_deadline_of_reconcile_is_4_and_what_was_not_started_is_skipped(tmp_path: Path) -> None:
    write(
        tmp_path / "webhooks", 4000
    )  # one after the other, far more than any machine creates in that time
    options = ("--yes", "--deadline", "3", "--parallelism", "1", *JSON)
    ended = run("reconcile", "webhooks", *LOCAL, *options, cwd=tmp_path)
    assert ended.code == 4, ended.err
    summary = ended.json["summary"]
    assert summary["skipped"] > 0
    assert summary["created"] + summary["skipped"] + summary["failed"] == 4000
    kinds = {
        outcome["error"]["kind"]
        for outcome in ended.json["outcomes"]
        if outcome["status"] == "skipped"
    }
    assert kinds == {"deadline"}


def test_on_error_stop_skips_the_rest(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 3)
    options = ("--yes", "--test-first", "--on-error", "stop", "--parallelism", "1", *JSON)
    ended = run("reconcile", "webhooks", *LOCAL, *options, "--timeout", "5", cwd=tmp_path)
    assert ended.code == 4, ended.err
    assert {outcome["error"]["kind"] for outcome in ended.json["outcomes"]} == {"test-failed"}


def test_a_defect_is_70_with_its_traceback_and_a_document(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "httpx.py").write_text("raise ValueError('a broken installation')\n")
    line = (
        f"PYTHONPATH={tmp_path / 'broken'}:$PYTHONPATH $R plan webhooks --local-file "
        "tenant.db -o json"
    )
    ended = shell(line, tmp_path)
    assert ended.code == 70
    assert "Traceback" in ended.err
    assert (ended.json["kind"], ended.json["exit_code"]) == ("defect", 70)


@pytest.mark.parametrize(
    "command", ["plan webhooks --local-file tenant.db", "--help", "validate webhooks"]
)
def test_a_full_disk_behind_standard_output_is_1_without_a_traceback(
    tmp_path: Path, command: str
) -> None:
    write(tmp_path / "webhooks", 1)
    ended = shell(f"$R {command} > /dev/full", tmp_path)
    assert ended.code == 1
    assert "No space left on device" in ended.err
    assert "Traceback" not in ended.err


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 300)
    ended = shell("$R plan webhooks --local-file tenant.db | head -c1", tmp_path)
    assert ended.out == "P"
    assert "Traceback" not in ended.err


def test_a_closed_standard_error_is_fine(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    assert shell("$R validate webhooks 2>&-", tmp_path).code == 0
    assert shell("$R plan webhooks 2>&-", tmp_path).code == 64
    assert shell("$R plan webhooks --local-file tenant.db -vv 2>&-", tmp_path).code == 0


def test_a_closed_standard_input_is_reported(tmp_path: Path) -> None:
    ended = shell("$R validate - <&-", tmp_path)
    assert ended.code == 1
    assert "standard input" in ended.err


def test_a_working_directory_that_was_deleted_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    line = (
        f"mkdir gone && cd gone && rmdir {tmp_path}/gone && $R plan {tmp_path}/webhooks "
        "--local -o json"
    )
    ended = shell(line, tmp_path)
    assert ended.code == 1
    assert ended.json["message"] == "the current folder is gone"
    assert "Traceback" not in ended.err


def test_an_empty_environment_is_enough(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    installed = Path(COMMAND[0]).with_name("reconciler")
    done = subprocess.run(
        [installed, "reconcile", "webhooks", *LOCAL, "--yes"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}]
)
def test_data_is_utf_8_whatever_the_locale_says(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "hook.yaml").write_text(webhook("hook", name='"Störung ☎"'), "utf-8")
    done = subprocess.run(
        [*COMMAND, "plan", "hook.yaml", *LOCAL, *JSON],
        cwd=tmp_path,
        env=environment(**env),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("utf-8"))["changes"][0]["name"] == "Störung ☎"


def test_an_argument_that_is_no_utf_8_is_a_problem_and_a_valid_document(tmp_path: Path) -> None:
    done = subprocess.run(
        [*map(os.fsencode, COMMAND), b"validate", b"no\xff.yaml", b"-o", b"json"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["problems"][0]["rule"] == "path/missing"


def test_thousands_of_arguments_are_fine(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    ended = run("validate", *["webhooks/hook-0000.yaml"] * 20_000, *JSON, cwd=tmp_path)
    assert ended.json["summary"]["documents"] == 1


def test_nothing_but_data_is_on_standard_output(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 2)
    for command in (("plan",), ("reconcile", "--yes"), ("test", "--via", "probe"), ("validate",)):
        local = () if command[0] == "validate" else LOCAL
        loud = run(*command, "webhooks", *local, *JSON, "-vvv", cwd=tmp_path)
        assert loud.json["format"].startswith("reconciler.")


def test_log_lines_are_objects_with_log_format_json_whatever_happens(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    good = run("plan", "webhooks", *LOCAL, "-vvv", "--log-format", "json", cwd=tmp_path)
    bad = run("plan", "webhooks", "--log-format=json", cwd=tmp_path)
    worse = run("plan", "--nope", cwd=tmp_path, RECONCILER_LOG_FORMAT="json")
    assert (good.code, bad.code, worse.code) == (0, 64, 64)
    for ended in (good, bad, worse):
        lines = [json.loads(line) for line in ended.err.splitlines()]
        assert lines
        basic, of_requests = (
            {"time", "level", "logger", "message"},
            {"method", "route", "status", "seconds"},
        )
        assert all(set(line) in (basic, basic | of_requests) for line in lines)
    assert json.loads(worse.err.splitlines()[-1])["level"] == "error"


def test_quiet_leaves_errors_only(tmp_path: Path) -> None:
    made = run(
        "tenant",
        "token",
        "ci",
        "--scope",
        "Webhooks: Read",
        "--out",
        "token",
        "--db",
        "t.db",
        "-q",
        cwd=tmp_path,
    )
    assert (made.code, made.out, made.err) == (0, "", "")
    refused = run("tenant", "revoke", "other", "--db", "t.db", "-q", cwd=tmp_path)
    assert refused.code == 64
    assert "no token is named other" in refused.err


AWAY = ("--tenant-url", "http://127.0.0.1:1/public-api/v1", "--owner", "us", "--deadline", "1")
REFUSED = (
    (("export", "out", *JSON), 64, "usage"),
    (("plan", "webhooks", "--since", "HEAD", *LOCAL, *JSON), 64, "usage"),
    (("reconcile", "--plan", "webhooks/hook-0000.yaml", *LOCAL, "--yes", *JSON), 1, "plan-file"),
    (
        ("reconcile", "webhooks", *LOCAL, "--yes", "--expect-digest", "sha256:" + "0" * 64, *JSON),
        5,
        "stale-plan",
    ),
    (("plan", "webhooks", "--local-file", "webhooks/hook-0000.yaml", *JSON), 1, "store"),
    (("plan", "webhooks", *AWAY, *JSON), 1, "unreachable"),
    (
        ("tenant", "token", "x", "--scope", "Webhooks: Read", "--db", "no/folder/t.db", *JSON),
        64,
        "usage",
    ),
)


@pytest.mark.parametrize(("arguments", "code", "kind"), REFUSED)
def test_a_refusal_is_a_document_that_keeps_the_schema_which_the_command_prints(
    tmp_path: Path, arguments: tuple[str, ...], code: int, kind: str
) -> None:
    write(tmp_path / "webhooks", 1)
    ended = run(*arguments, cwd=tmp_path, RECONCILER_TENANT_TOKEN="t")
    assert (ended.code, ended.json["kind"], ended.json["exit_code"]) == (code, kind, code)
    Draft202012Validator(run("schema", "error", cwd=tmp_path).json).validate(ended.json)
