"""Ctrl-C and SIGTERM while a run waits: it ends at once, with 130 and a report of every change; and
each wait is reported.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.providers.builders import LOST, Asked, Reply, problem, reply
from tests.providers.small_tenant import SmallTenant
from tests.support.processes import Tenant, run, start, start_reconcile, tenant_manifest, write
from tests.support.wire import proxy, wire

HANGING = Reply(raw=b"HTTP/1.1", again=b" ")
TOKEN = "t0ken-of-the-test"
JSON = ("-o", "json")
ONE_AT_A_TIME = ("--parallelism", "1")
FAULTS: dict[str, Callable[[Asked], Reply | None]] = {
    "429": lambda _asked: problem(429, "rate", retry_after="300"),
    "503": lambda _asked: problem(503, "busy", retry_after="300"),
    "503 storage-full": lambda _asked: problem(503, "storage-full", retry_after="300"),
    "507": lambda _asked: Reply(507, b"", {"Retry-After": "300"}),
}
COMMANDS = {
    "plan": ("plan", ".", *JSON),
    "reconcile": ("reconcile", ".", "--yes", *JSON),
    "drift": ("drift", ".", *JSON),
    "drift --watch": ("drift", ".", "--watch", "60", *JSON),
    "test": ("test", ".", *JSON),
    "export": ("export", "exported", ".", *JSON),
    "adopt": ("adopt", "--all", "--yes", *JSON),
    "plan --all-tenants": ("plan", ".", "--all-tenants", *JSON),
    "reconcile --all-tenants": ("reconcile", ".", "--all-tenants", "--yes", *JSON),
    "test --all-tenants": ("test", ".", "--all-tenants", *JSON),
    "drift --all-tenants": ("drift", ".", "--all-tenants", *JSON),
}


def repository(folder: Path, url: str, count: int = 2) -> Path:
    write(folder, count)
    (folder / "tenant.yaml").write_text(tenant_manifest(url))
    return folder


def ended_by(process: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    """The outputs of a command that was waiting when the signal came; its waits would take a
    minute.
    """
    assert process.stderr is not None
    lines, line = "", "begun"
    while line and "; waiting " not in line:
        line = process.stderr.readline()
        lines += line
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=50)
    assert time.monotonic() - began < 20
    assert process.returncode == 130, lines + err
    assert "Traceback" not in err
    return out, lines + err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_waits_for_its_tenant_ends_by_a_signal(tmp_path: Path, command: str) -> None:
    with wire(FAULTS["429"]) as server:
        process = start(
            *COMMANDS[command], cwd=repository(tmp_path, server.url), TENANT_TOKEN=TOKEN
        )
        out, err = ended_by(process, signal.SIGTERM)
    assert "warning: tenant production: " in err
    assert "waiting 60 s until " in err
    if command != "drift --watch":
        assert json.loads(out)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_reconcile_that_waits_reports_every_change(
    tmp_path: Path, fault: str, number: signal.Signals
) -> None:
    """A write that the tenant turned away was not carried out, and the report says so."""
    tenant = SmallTenant()

    def answer(asked: Asked) -> Reply | None:
        return (
            FAULTS[fault](asked)
            if asked.method == "POST" and len(tenant.stored) >= 3
            else tenant(asked)
        )

    with wire(answer) as server:
        folder = repository(tmp_path, server.url, 8)
        process = start_reconcile(folder, TOKEN, *ONE_AT_A_TIME)
        out, err = ended_by(process, number)
    report = json.loads(out)
    assert report["summary"] == {
        "created": 3,
        "updated": 0,
        "deleted": 0,
        "unchanged": 0,
        "failed": 1,
        "skipped": 4,
    }
    assert len(report["outcomes"]) == 8
    failed = next(
        outcome["error"] for outcome in report["outcomes"] if outcome["status"] == "failed"
    )
    assert failed["kind"] == "interrupted"
    assert failed["message"].endswith("interrupted before another try; it was not carried out")
    assert err.count("; waiting ") == 1


def test_a_write_whose_answer_was_lost_is_not_said_to_be_undone(tmp_path: Path) -> None:
    tenant = SmallTenant()

    def answer(asked: Asked) -> Reply | None:
        given = tenant(asked)
        return problem(500, "fault") if asked.method == "POST" else given

    with wire(answer) as server:
        process = start_reconcile(repository(tmp_path, server.url, 1), TOKEN)
        out, _ = ended_by(process, signal.SIGTERM)
    message = json.loads(out)["outcomes"][0]["error"]["message"]
    assert message.endswith(
        "interrupted before another try; the next plan shows whether it was carried out"
    )


def test_a_request_under_way_is_finished_and_reported_after_the_signal(tmp_path: Path) -> None:
    def slow(asked: Asked) -> Reply | None:
        if asked.method == "POST":
            time.sleep(2)
        return None

    with Tenant(tmp_path / "tenant") as tenant, proxy(tenant.url, before=slow) as between:
        folder = repository(tmp_path / "repo", between.url, 5)
        process = start_reconcile(folder, tenant.token, *ONE_AT_A_TIME)
        while not any(asked.method == "POST" for asked in between.asked):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert len(tenant.webhooks()) == 1
    assert process.returncode == 130
    assert "finishing what is under way, for 10 s at most" in err
    assert json.loads(out)["summary"]["created"] == 1
    assert json.loads(out)["summary"]["skipped"] == 4


def test_a_request_without_an_answer_is_given_up_after_ten_seconds(tmp_path: Path) -> None:
    tenant = SmallTenant()

    with wire(lambda asked: HANGING if asked.method == "POST" else tenant(asked)) as server:
        folder = repository(tmp_path, server.url, 3)
        process = start_reconcile(folder, TOKEN, *ONE_AT_A_TIME, "-vv")
        while not any(asked.method == "POST" for asked in server.asked):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=25)  # its own timeout is 30 s, six times
    assert process.returncode == 130, err
    report = json.loads(out)
    assert [outcome["status"] for outcome in report["outcomes"]].count("failed") == 1
    assert report["summary"]["skipped"] == 2


def test_after_the_first_storage_full_no_further_change_is_started(tmp_path: Path) -> None:
    tenant, refused = SmallTenant(), 0

    def answer(asked: Asked) -> Reply | None:
        nonlocal refused
        if asked.method == "POST" and len(tenant.stored) >= 2 and refused < 2:
            refused += 1
            return problem(507 if refused == 1 else 503, "storage-full", retry_after="1")
        return tenant(asked)

    with wire(answer) as server:
        folder = repository(tmp_path, server.url, 9)
        ended = run(
            "reconcile", ".", "--yes", *JSON, "--parallelism", "1", cwd=folder, TENANT_TOKEN=TOKEN
        )
    assert ended.code == 4, ended.err
    assert (
        ended.json["summary"]["created"] == 3
    )  # the one that waited was carried out once there was room again
    assert ended.json["summary"]["skipped"] == 6
    assert {outcome["error"]["kind"] for outcome in ended.json["outcomes"] if outcome["error"]} == {
        "storage-full"
    }
    assert "[storage-full]" in ended.err
    assert "waiting 1.0 s until " in ended.err
    assert ", then try 2 of 6" in ended.err


def test_an_unreachable_tenant_is_reported_try_by_try_with_its_name_and_what_to_check(
    tmp_path: Path,
) -> None:
    with wire(lambda _asked: LOST) as server:
        url = server.url
    ended = run("plan", ".", *JSON, cwd=repository(tmp_path, url), TENANT_TOKEN=TOKEN)
    assert ended.code == 1
    lines = [line for line in ended.err.splitlines() if "; waiting " in line]
    assert [line.rpartition(", then ")[2] for line in lines] == [
        f"try {number} of 6" for number in range(2, 7)
    ]
    assert all(line.startswith("warning: tenant production: GET /webhooks: ") for line in lines)
    last = "(after 6 tries); check that the tenant runs and that spec.url is its address"
    assert ended.json["message"].endswith(last)


@pytest.mark.parametrize("options", [("-q",), ("--log-format", "json")])
def test_waits_are_left_out_when_quiet_and_objects_in_a_json_log(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    given = [problem(503, "busy", retry_after="1")]

    def answer(_asked: Asked) -> Reply:
        return given.pop() if given else reply({"items": [], "next_cursor": None})

    with wire(answer) as server:
        ended = run(
            "plan", ".", *JSON, *options, cwd=repository(tmp_path, server.url), TENANT_TOKEN=TOKEN
        )
    assert ended.code == 0, ended.err
    if options == ("-q",):
        assert ended.err == ""
        return
    line = json.loads(ended.err)
    assert line["level"] == "warning"
    assert (line["tenant"], line["reason"], line["wait_seconds"], line["next"]) == (
        "production",
        "overloaded",
        1,
        "try 2 of 6",
    )


def test_ten_changes_that_wait_for_one_reason_are_one_line(tmp_path: Path) -> None:
    tenant, turned = SmallTenant(), set[str]()

    def answer(asked: Asked) -> Reply | None:
        if asked.method == "POST" and asked.body["name"] not in turned:
            turned.add(asked.body["name"])
            return problem(429, "rate", retry_after="3")
        return tenant(asked)

    with wire(answer) as server:
        ended = run(
            "reconcile",
            ".",
            "--yes",
            *JSON,
            cwd=repository(tmp_path, server.url, 10),
            TENANT_TOKEN=TOKEN,
        )
    assert ended.code == 0, ended.err
    assert ended.err.count("; waiting ") == 1


def test_a_thread_that_hangs_as_a_resolver_does_keeps_no_command_from_ending(
    tmp_path: Path,
) -> None:
    lines = (
        "import asyncio, time",
        "from reconciler.cli.terminal.signals import run",
        "async def main():",
        "    print('begun', flush=True)",
        "    await asyncio.to_thread(time.sleep, 100)",
        "run(main())",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, stdout=-1, stderr=-1, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert err.rstrip().endswith("KeyboardInterrupt")


def test_a_signal_that_interrupts_no_call_of_the_main_thread_wakes_it(tmp_path: Path) -> None:
    lines = (
        "import asyncio, signal, threading, time",
        "from reconciler.cli.terminal.signals import run",
        "def interrupt():",
        "    time.sleep(0.2)  # the loop sleeps by then",
        "    signal.pthread_kill(threading.get_ident(), signal.SIGINT)",
        "async def main():",
        "    threading.Thread(target=interrupt).start()",
        "    await asyncio.Event().wait()",
        "run(main())",
    )
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.stderr.rstrip().endswith("KeyboardInterrupt")
