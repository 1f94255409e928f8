"""fromCommand with real programs: off unless it is allowed, bounded in time and size, its words
nowhere.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.sources.asking import ask, write
from tests.support.processes import run

VALUE = "cv-7de90ab31c"


def printing(script: str) -> dict[str, Any]:
    return {"fromCommand": ["sh", "-c", script]}


def test_what_a_program_prints_resolves_without_its_last_newline(repo: Path) -> None:
    assert (
        ask(repo, printing(f"echo {VALUE}"), {"PATH": "/usr/bin:/bin"}, allow_command=True).token
        == VALUE
    )


def test_it_runs_in_the_manifests_folder_without_a_shell_of_ours(repo: Path) -> None:
    (repo / "print").write_text(f'#!/bin/sh\nprintf %s "$1{VALUE}"\n')
    (repo / "print").chmod(0o755)
    assert (
        ask(repo, {"fromCommand": ["./print", "$HOME-"]}, allow_command=True).token
        == f"$HOME-{VALUE}"
    )


def test_it_does_not_see_the_programs_own_variables_nor_a_tenants_token(repo: Path) -> None:
    env = {
        "PATH": "/usr/bin:/bin",
        "RECONCILER_FINGERPRINT_KEY": "k",
        "TENANT_TOKEN": "t",
        "SEEN": "s",
    }
    (repo / "other.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: Tenant\nmetadata: {name: other}\n"
        "spec: {url: 'https://a.example.com', token: {fromEnv: TENANT_TOKEN}, owner: payments}\n"
    )
    script = 'echo "$RECONCILER_FINGERPRINT_KEY-$TENANT_TOKEN-$SEEN"'
    assert ask(repo, printing(script), env, allow_command=True, tenant="main").token == "--s"


def test_nothing_runs_unless_it_is_allowed(repo: Path) -> None:
    write(repo, printing(f"touch ran; echo {VALUE}"))
    assert run("validate", ".", cwd=repo).code == 0
    planned = run("plan", ".", "-o", "json", cwd=repo)
    assert planned.code == 0
    assert "no command is run" in planned.json["warnings"][0]
    refused = run("reconcile", ".", "--yes", "-o", "json", cwd=repo)
    assert refused.code == 1
    assert "--allow-command" in refused.json["problems"][0]["hint"]
    assert not (repo / "ran").exists()
    done = run("reconcile", ".", "--yes", "--allow-command", cwd=repo)
    assert done.code == 0, done.err
    assert (repo / "ran").exists()
    assert VALUE not in done.out + done.err


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo hunter2; echo hunter2 >&2; exit 3", "the program ended with exit code 3"),
        ("kill -9 $$", "the program ended with exit code -9"),
        ("sleep 60", "the program did not end within 0.5 s"),
        ("sleep 60 & echo hunter2", "the program did not end within 0.5 s"),
        ("exec >&-; sleep 60", "the program did not end within 0.5 s"),
        ("yes hunter2", "the program printed over 64 KiB"),
        ("printf '\\377'", "it is not UTF-8 text"),
    ],
)
def test_a_command_without_a_usable_value_is_reported_and_not_quoted(
    repo: Path, script: str, said: str
) -> None:
    before = time.monotonic()
    problem = ask(
        repo, printing(script), {"PATH": "/usr/bin:/bin"}, allow_command=True, timeout=0.5
    ).problem
    assert time.monotonic() - before < 5
    assert problem.message == f'fromCommand: ["sh", …] does not resolve: {said}'
    assert "hunter2" not in repr(problem)


def test_an_empty_value_is_no_credential(repo: Path) -> None:
    problem = ask(
        repo, {"fromCommand": ["true"]}, {"PATH": "/usr/bin:/bin"}, allow_command=True
    ).problem
    assert (problem.rule, problem.message) == (
        "auth/credential",
        'fromCommand: ["true"] holds a value that must have 1 to 255 bytes',
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["no-such-program"], "the program is not installed"),
        (["."], "the program cannot be run (Permission denied)"),
    ],
)
def test_a_command_that_is_no_program_is_reported(repo: Path, argv: list[str], said: str) -> None:
    problem = ask(
        repo, {"fromCommand": argv}, {"PATH": "/usr/bin:/bin"}, allow_command=True
    ).problem
    assert problem.message.endswith(said)


def test_what_it_started_ends_with_it(repo: Path) -> None:
    mark = "86399.25"
    ask(
        repo,
        printing(f"sleep {mark} & sleep {mark}"),
        {"PATH": "/usr/bin:/bin"},
        allow_command=True,
        timeout=0.3,
    )
    time.sleep(0.2)
    assert (
        mark
        not in subprocess.run(
            ["ps", "-eo", "args"], capture_output=True, text=True, check=True
        ).stdout
    )
