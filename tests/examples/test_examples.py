"""Every example folder validates, plans as written, applies, then plans empty: exactly by the
commands its README shows.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.examples.transcript import UPDATE, Ran, play, terminal_in
from tests.manifests.revisions import new
from tests.support.processes import ROOT, run

EXAMPLES = ROOT / "examples"
# test_agent_unit.py, tests/ci, tests/e2e/test_example_provider.py, test_python_api.py and test_product_examples.py run them
ELSEWHERE = {"agent", "argocd", "ci", "flux", "kubernetes", "products", "provider", "python-api"}
FOLDERS = sorted(
    path.name
    for path in EXAMPLES.iterdir()
    if path.is_dir() and not path.name.startswith(".") and path.name not in ELSEWHERE
)
_DIGEST = re.compile(r"^digest sha256:[0-9a-f]{64}$")


def clone(folder: Path) -> Path:
    """A checkout with nothing in it but the examples, so that paths are those of a clone."""
    new(folder)
    return Path(
        shutil.copytree(
            EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns(".reconciler", "mine")
        )
    )


def played(name: str, tmp_path: Path) -> Ran:
    """The README of an example, run in a clone."""
    examples = clone(tmp_path)
    readme = examples / name / "README.md"
    with terminal_in(readme.parent) as terminal:
        for file in readme.parent.rglob("*"):
            if file.suffix in {".yaml", ".py"}:
                file.write_text(terminal.to_real(file.read_text()))
        return play(readme.read_text(), terminal)


def outputs(ran: Ran, command: str) -> list[list[str]]:
    """What each call of a command printed, in order."""
    found = [lines for typed, lines in ran.outputs if typed.startswith(f"reconciler {command} ")]
    assert found, f"the README shows no reconciler {command}"
    return found


def no_digest(lines: list[str]) -> str:
    """The digest also covers the paths of sources, and is no part of what is reviewed."""
    return "".join(f"{line}\n" for line in lines if not _DIGEST.match(line))


@pytest.mark.parametrize("name", FOLDERS)
def test_an_example_validates_plans_as_written_applies_and_then_plans_empty(
    name: str, tmp_path: Path
) -> None:
    ran = played(name, tmp_path)
    if UPDATE:
        (EXAMPLES / name / "README.md").write_text(ran.text)
        (EXAMPLES / name / "plan.expected").write_text(no_digest(outputs(ran, "plan")[0]))

    assert "0 errors, 0 warnings." in outputs(ran, "validate")[0][-1]
    assert no_digest(outputs(ran, "plan")[0]) == (EXAMPLES / name / "plan.expected").read_text()
    assert " 0 failed, 0 skipped." in outputs(ran, "reconcile")[0][-1]
    assert outputs(ran, "plan")[-1][-1].startswith("No changes.")


@pytest.mark.parametrize("name", FOLDERS)
def test_an_example_is_valid_even_when_warnings_are_errors(name: str) -> None:
    done = run("validate", name, "--strict", cwd=EXAMPLES)

    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("name", FOLDERS)
def test_an_examples_readme_is_short(name: str) -> None:
    prose = re.sub(r"```.*?```", "", (EXAMPLES / name / "README.md").read_text(), flags=re.DOTALL)

    assert 3 <= len([line for line in prose.splitlines() if line]) <= 20


def test_there_is_an_example_for_each_promise() -> None:
    promised = [
        "minimal",
        "authentication",
        "two-teams",
        "several-tenants",
        "drift-and-repair",
        "prune-and-guard",
        "rotation",
        "policies",
    ]

    assert [f"{number:02}-{name}" for number, name in enumerate(promised, 1)] + [
        "elastio",
        "environments",
        "terraform",
    ] == FOLDERS
