"""`reconciler demo`: what `make demo` runs. The whole circle, printed part by part, and nothing of
it left.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import Ended, environment, run

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return run(
        "demo",
        cwd=tmp_path_factory.mktemp("demo"),
        TMPDIR=str(tmp_path_factory.mktemp("temporary")),
    )


def parts(out: str) -> dict[str, str]:
    """What each command printed, in order, by the command as it was typed."""
    first, *rest = re.split(r"^\$ reconciler ", out, flags=re.MULTILINE)
    assert first == "\n"
    return {command: printed for command, _, printed in (part.partition("\n") for part in rest)}


def test_the_demo_ends_by_itself_with_exit_0_and_says_nothing_else(ended: Ended) -> None:
    assert (ended.code, ended.err) == (0, "")


def test_the_demo_shows_validate_plan_reconcile_test_and_a_second_plan(ended: Ended) -> None:
    assert [command.split()[0] for command in parts(ended.out)] == [
        "validate",
        "plan",
        "reconcile",
        "test",
        "plan",
    ]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("validate webhooks", r"2 documents \(0 skipped\): 0 errors, 0 warnings\."),
        (
            "plan webhooks --local-file tenant.db",
            r"\+ Demo on-call  webhooks/demo\.yaml:1 .*\n(.*\n)*Plan: 1 to create, 0 to update",
        ),
        (
            "reconcile webhooks --local-file tenant.db --yes",
            r"created Demo on-call .*\n\nReport: 1 created, 0 updated, .* 0 failed",
        ),
        (
            (
                "test webhooks --local-file tenant.db --via both --check-auth "
                "--allow-network 127.0.0.0/8"
            ),
            r"Test: 4 passed, 0 failed\.",
        ),
        ("plan webhooks --local-file tenant.db --detailed-exitcode", r"No changes\. 1 unchanged"),
    ],
)
def test_each_step_of_the_demo_prints_its_part(command: str, says: str, ended: Ended) -> None:
    assert re.search(says, parts(ended.out)[command]), ended.out


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    for folder in ("here", "temporary"):
        (tmp_path / folder).mkdir()

    done = run("demo", cwd=tmp_path / "here", TMPDIR=str(tmp_path / "temporary"))

    assert done.code == 0
    assert [file for file in tmp_path.rglob("*") if file.name not in {"here", "temporary"}] == []


def test_the_demo_never_prints_its_credential(ended: Ended) -> None:
    assert "demo-token" not in ended.out + ended.err


@pytest.mark.parametrize(
    "path", ["/usr/bin:/bin", f"{BIN}:/usr/bin:/bin"], ids=["not on PATH", "on PATH"]
)
def test_the_command_that_the_demo_ends_with_is_one_that_can_be_typed(
    path: str, tmp_path: Path
) -> None:
    done = run("demo", cwd=tmp_path, PATH=path)
    found = re.search(r"A tenant that stays: (.+) tenant serve;", done.out)
    assert found is not None

    typed = subprocess.run(
        ["sh", "-c", f"{found[1]} --version"],
        cwd=tmp_path,
        env=environment(PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (typed.returncode, typed.stderr) == (0, "")
    assert typed.stdout.startswith("reconciler ")
    assert (shlex.split(found[1]) == ["reconciler"]) == path.startswith(str(BIN))


def test_the_demo_runs_in_an_environment_with_nothing_in_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [BIN / "reconciler", "demo"],
        cwd=tmp_path,
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "No changes. 1 unchanged" in done.stdout


def test_the_demo_ignores_options_from_the_environment(tmp_path: Path) -> None:
    done = run(
        "demo",
        cwd=tmp_path,
        RECONCILER_ONLY="missing",
        RECONCILER_TENANT_URL="http://127.0.0.1:9/public-api/v1",
        RECONCILER_OUTPUT="json",
    )

    assert (done.code, done.err) == (0, "")
