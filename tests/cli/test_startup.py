"""What the quick commands must not import, since it would cost more than they do. Each in a fresh
interpreter.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import environment, webhook

HEAVY = {
    "asyncio",
    "cryptography",
    "deepdiff",
    "httpcore",
    "httpx",
    "jsonschema",
    "sqlite3",
    "starlette",
    "uvicorn",
}
OURS = {
    "logging",
    "reconciler.connect",
    "reconciler.core.change",
    "reconciler.core.wire",
    "reconciler.core.planning",
    "reconciler.manifests.history",
    "reconciler.providers.http",
    "reconciler.workflow",
}
"""What only a command that opens a tenant needs."""
PROBE = """
import json, sys
from reconciler.cli.main import main
code = main(sys.argv[1:])
sys.stdout.flush()
print("\\n" + json.dumps({"code": code, "modules": sorted(sys.modules)}))
"""


def imported(*arguments: str, cwd: Path) -> tuple[int, set[str]]:
    """The exit code of one command line and the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE, *arguments],
        cwd=cwd,
        env={
            name: value for name, value in environment().items() if not name.startswith("COVERAGE_")
        },  # it imports sqlite3
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    return report["code"], set(report["modules"])


@pytest.mark.parametrize("flag", ["--help", "-h", "--version"])
def test_help_and_version_import_nothing_but_click(flag: str, tmp_path: Path) -> None:
    code, modules = imported(flag, cwd=tmp_path)
    assert code == 0
    assert not modules & (HEAVY | {"yaml", "jsonschema_rs"})


@pytest.mark.parametrize(
    "command",
    [
        "validate",
        "plan",
        "reconcile",
        "test",
        "events",
        "explain",
        "schema",
        "init",
        "tenant",
        "doctor",
        "completion",
        "demo",
    ],
)
def test_the_help_of_a_command_imports_no_client_no_server_and_no_reader(
    command: str, tmp_path: Path
) -> None:
    code, modules = imported(command, "--help", cwd=tmp_path)
    assert code == 0
    assert not modules & (HEAVY | {"yaml", "jsonschema_rs"})


@pytest.mark.parametrize("output", ["text", "json"])
def test_validating_a_valid_file_imports_no_client_no_server_and_no_explainer(
    output: str, tmp_path: Path
) -> None:
    (tmp_path / "hook.yaml").write_text(webhook("payments-oncall"))
    code, modules = imported("validate", "hook.yaml", "-o", output, cwd=tmp_path)
    assert code == 0
    assert "jsonschema_rs" in modules
    assert not modules & (HEAVY | OURS if output == "text" else HEAVY)
