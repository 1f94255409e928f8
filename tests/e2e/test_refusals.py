"""What the tool will not do, with the embedded tenant in a file: every refusal writes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import (
    COMMAND,
    Tenant,
    environment,
    run,
    start,
    tenant_manifest,
    webhook,
    write,
)
from tests.support.wire import proxy

LOCAL = ("--local-file", "tenant.db")


def create_webhooks(folder: Path, count: int) -> None:
    write(folder / "webhooks", count)
    done = run("reconcile", "webhooks", *LOCAL, "--yes", cwd=folder)
    assert done.code == 0, done.err


def live(folder: Path) -> int:
    """How many webhooks the tenant holds, as a plan that declares something else sees them."""
    (folder / "probe").mkdir(exist_ok=True)
    (folder / "probe" / "probe.yaml").write_text(webhook("probe-only"))
    seen = run("plan", "probe/probe.yaml", *LOCAL, "-o", "json", cwd=folder).json["summary"]
    return int(seen["out_of_scope"] + seen["unmanaged"] + seen["keep"])


def test_deleting_four_of_ten_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    create_webhooks(tmp_path, 10)
    for number in range(4):
        (tmp_path / "webhooks" / f"hook-{number:04}.yaml").unlink()
    refused = run("reconcile", "webhooks", *LOCAL, "--yes", "-o", "json", cwd=tmp_path)
    assert refused.code == 6
    assert [violation["rule"] for violation in refused.json["violations"]] == ["delete-limit"]
    assert live(tmp_path) == 10
    allowed = run("reconcile", "webhooks", *LOCAL, "--yes", "--max-deletes", "4", cwd=tmp_path)
    assert allowed.code == 0
    assert live(tmp_path) == 6


def test_a_refused_run_asks_a_served_tenant_for_its_list_and_writes_nothing(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    with Tenant(tmp_path / "tenant") as tenant, proxy(tenant.url) as between:
        write(repo, 10)
        (repo / "tenant.yaml").write_text(tenant_manifest(between.url))
        assert run("reconcile", ".", "--yes", cwd=repo, TENANT_TOKEN=tenant.token).code == 0
        before, asked = tenant.webhooks(), len(between.asked)
        for number in range(4):
            (repo / f"hook-{number:04}.yaml").unlink()
        (repo / "hook-0009.yaml").write_text(webhook("hook-0009", url="https://new.example.com/"))
        refused = run("reconcile", ".", "--yes", cwd=repo, TENANT_TOKEN=tenant.token)
        assert refused.code == 6, refused.out + refused.err
        assert [item.method for item in between.asked[asked:]] == ["GET"]
        assert tenant.webhooks() == before


def test_an_empty_folder_deletes_nothing(tmp_path: Path) -> None:
    create_webhooks(tmp_path, 3)
    (tmp_path / "empty").mkdir()
    ended = run("reconcile", "empty", *LOCAL, "--yes", cwd=tmp_path)
    assert ended.code == 1
    assert "empty" in ended.err
    assert live(tmp_path) == 3


def test_naming_a_single_file_deletes_nothing(tmp_path: Path) -> None:
    create_webhooks(tmp_path, 3)
    ended = run("reconcile", "webhooks/hook-0000.yaml", *LOCAL, "--yes", "-o", "json", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.json["summary"]["deleted"] == 0
    assert live(tmp_path) == 3


def test_standard_input_deletes_nothing(tmp_path: Path) -> None:
    create_webhooks(tmp_path, 3)
    text = (tmp_path / "webhooks" / "hook-0000.yaml").read_text()
    ended = run("reconcile", "-", *LOCAL, "--yes", "-o", "json", cwd=tmp_path, stdin=text)
    assert ended.code == 0, ended.err
    assert ended.json["summary"]["deleted"] == 0


def test_leaving_out_another_teams_folder_removes_none_of_its_subscriptions(tmp_path: Path) -> None:
    create_webhooks(tmp_path, 1)
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "scans.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: EventSubscription\nmetadata: {name: scans}\n"
        "spec: {webhook: hook-0000, events: [{type: "
        "'elastio:recovery-point:iscan:healthy', version: v0, severity: info}]}\n"
    )
    both = run("reconcile", "webhooks", "team", *LOCAL, "--yes", cwd=tmp_path)
    assert both.code == 0, both.err
    alone = run("plan", "webhooks", *LOCAL, "-o", "json", "--detailed-exitcode", cwd=tmp_path)
    assert alone.code == 0, alone.out
    assert any("team/scans.yaml" in warning for warning in alone.json["warnings"])


def test_reconcile_without_terminal_and_yes_is_a_usage_error(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    ended = run("reconcile", "webhooks", *LOCAL, cwd=tmp_path)
    assert ended.code == 64
    assert "--yes" in ended.err
    assert not (tmp_path / "tenant.db").exists()


def test_no_tenant_names_the_three_ways(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    ended = run("plan", "webhooks", cwd=tmp_path)
    assert ended.code == 64
    assert all(way in ended.err for way in ("Tenant manifest", "--tenant-url", "--local"))


def test_a_digest_that_is_not_this_plans_is_exit_5_and_the_right_one_is_carried_out(
    tmp_path: Path,
) -> None:
    write(tmp_path / "webhooks", 2)
    digest = run("plan", "webhooks", *LOCAL, "-o", "json", cwd=tmp_path).json["digest"]
    stale = run(
        "reconcile",
        "webhooks",
        *LOCAL,
        "--yes",
        "--expect-digest",
        "sha256:" + "0" * 64,
        cwd=tmp_path,
    )
    assert stale.code == 5
    assert live(tmp_path) == 0
    done = run("reconcile", "webhooks", *LOCAL, "--yes", "--expect-digest", digest, cwd=tmp_path)
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    "arguments",
    [("frobnicate",), ("reconcile",), ("plan", ".", "--nope"), ("plan", ".", "-o", "xml")],
)
def test_a_usage_error_is_64(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run(*arguments, cwd=tmp_path).code == 64


def test_every_ending_is_a_document_with_json(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    no_tenant = run("plan", "webhooks", "-o", "json", cwd=tmp_path)
    assert no_tenant.json["format"] == "reconciler.error/v1"
    assert no_tenant.json["exit_code"] == 64
    (tmp_path / "webhooks" / "bad.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: Webhok\n"
    )
    bad = run("plan", "webhooks", *LOCAL, "-o", "json", cwd=tmp_path)
    assert bad.code == 1
    assert bad.json["format"] == "reconciler.problems/v1"


def test_a_closed_standard_output_is_an_error_before_anything_is_done(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    command = " ".join([*COMMAND, "reconcile", "webhooks", *LOCAL, "--yes", ">&-"])
    ended = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "standard output" in ended.stderr
    assert not (tmp_path / "tenant.db").exists()


def test_a_full_standard_output_is_an_error_without_traceback(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, "plan", "webhooks", *LOCAL],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr


def test_an_environment_without_home_is_fine(tmp_path: Path) -> None:
    write(tmp_path / "webhooks", 1)
    env = {
        name: value
        for name, value in environment().items()
        if name not in {"HOME", "USER", "LOGNAME"}
    }
    ended = subprocess.run(
        [*COMMAND, "reconcile", "webhooks", *LOCAL, "--yes"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("content", [b"", b"this is no database" * 100, os.urandom(4096)])
def test_a_file_that_is_no_database_is_reported(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / "webhooks", 1)
    (tmp_path / "tenant.db").write_bytes(content)
    ended = run("plan", "webhooks", *LOCAL, cwd=tmp_path)
    assert "Traceback" not in ended.err
    assert ended.code == (0 if content == b"" else 1)
    assert content == b"" or (tmp_path / "tenant.db").read_bytes() == content


def test_ctrl_c_reports_what_was_done(tmp_path: Path) -> None:

    write(tmp_path / "webhooks", 300)
    process = start(
        "reconcile",
        "webhooks",
        *LOCAL,
        "--yes",
        "-o",
        "json",
        "--parallelism",
        "1",
        "-vv",
        cwd=tmp_path,
    )
    assert process.stderr is not None
    posted = 0
    while posted < 3:
        posted += "POST" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert out.count('"status"') == 300
    again = run("reconcile", "webhooks", *LOCAL, "--yes", cwd=tmp_path)
    assert again.code == 0, again.err


def test_a_manifest_cannot_send_the_token_file_of_the_run_anywhere(tmp_path: Path) -> None:
    text = webhook("one", auth="{type: bearer, token: {fromFile: ci-token}}")
    (tmp_path / "one.yaml").write_text(text)
    (tmp_path / "ci-token").write_text("rct_ours_77aa\n")
    way = (
        "--tenant-url",
        "http://127.0.0.1:9/public-api/v1",
        "--owner",
        "us",
        "--tenant-token-file",
        "ci-token",
    )
    ended = run("reconcile", ".", *way, "--yes", cwd=tmp_path)
    assert (ended.code, "secret/forbidden" in ended.err) == (1, True)
    assert "rct_ours_77aa" not in ended.out + ended.err


def test_an_owner_beside_a_tenant_manifest_of_another_owner_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tenant.yaml").write_text(
        tenant_manifest("http://127.0.0.1:9/public-api/v1", owner="payments")
    )
    (tmp_path / "one.yaml").write_text(webhook("one"))
    ended = run("plan", ".", "--owner", "platform", cwd=tmp_path, TENANT_TOKEN="t")
    assert (ended.code, "payments" in ended.err) == (64, True)
    assert (
        run("plan", ".", "--owner", "payments", cwd=tmp_path, TENANT_TOKEN="t").code == 1
    )  # no listener there
