"""Ctrl-C and SIGTERM: whenever they come and however the command was started, it ends with 130 and
its document.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.processes import (
    COMMAND,
    Tenant,
    environment,
    run,
    start,
    start_reconcile,
    tenant_manifest,
    wait_for_line,
    write,
)

LOCAL = ("--local-file", "tenant.db")
JSON = ("-o", "json")
UNREACHABLE = ("--tenant-url", "http://127.0.0.1:1/public-api/v1", "--owner", "us")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_mid_run_stops_cleanly_with_130_and_a_report(
    tmp_path: Path, number: signal.Signals
) -> None:
    write(tmp_path / "webhooks", 200)
    process = start(
        "reconcile", "webhooks", *LOCAL, "--yes", *JSON, "--parallelism", "1", "-vv", cwd=tmp_path
    )
    wait_for_line(process, "POST")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    summary = json.loads(out)["summary"]
    assert summary["created"] >= 1
    assert summary["created"] + summary["skipped"] == 200
    planned = run("plan", "webhooks", *LOCAL, *JSON, cwd=tmp_path).json["summary"]
    assert planned["keep"] == summary["created"]


def test_a_signal_before_anything_is_written_is_130_with_a_document(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    process = start(
        "reconcile",
        "webhooks",
        *UNREACHABLE,
        "--yes",
        *JSON,
        "-vv",
        cwd=tmp_path,
        RECONCILER_TENANT_TOKEN="t",
    )
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads(out)["kind"] == "interrupted"
    assert "Traceback" not in err


def test_a_second_ctrl_c_stops_at_once_and_still_reports(tmp_path: Path) -> None:
    with Tenant(tmp_path / "tenant") as tenant:
        repo = tmp_path / "repo"
        write(repo, 50)
        (repo / "tenant.yaml").write_text(tenant_manifest(tenant.url))
        process = start_reconcile(repo, tenant.token, "--parallelism", "1", "-vv")
        wait_for_line(process, "POST")
        tenant.process.send_signal(signal.SIGSTOP)  # what is under way has no end now
        try:
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            wait_for_line(process, "once more")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            tenant.process.send_signal(signal.SIGCONT)
        assert process.returncode == 130, err
        outcomes = json.loads(out)["outcomes"]
        assert len(outcomes) == 50
        assert [o["status"] for o in outcomes].count("failed") == 1
        assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_background_job_of_a_script_whose_sigint_is_ignored_ends_by_either_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    write(tmp_path / "webhooks", 1)
    line = "trap '' INT; exec \"$@\""
    process = subprocess.Popen(
        ["sh", "-c", line, "sh", *COMMAND, "plan", "webhooks", *UNREACHABLE, *JSON, "-vv"],
        cwd=tmp_path,
        env=environment(RECONCILER_TENANT_TOKEN="t"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads(out)["kind"] == "interrupted"
