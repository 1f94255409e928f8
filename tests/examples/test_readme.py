"""README and the tutorial are typed into a real shell; the demo output and every named option are
compared with the program.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from reconciler.cli.main import COMMANDS
from tests.examples.transcript import UPDATE, matches, play, terminal_in
from tests.support.processes import ROOT, run

README = ROOT / "README.md"
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
# Options of git, octodns-sync and kubectl, which pages name.
FOREIGN = {
    "--no-edit", "--unified", "--doit", "--force", "--checksum", "--for", "--overwrite", "--previous", "--replicas", "--type",
    "--server-side",
}  # fmt: skip
_OPTION = re.compile(r"(?<![-\w])--[a-z][a-z-]*[a-z](?![-\w])")
_DEMO = re.compile(r"<!-- demo -->\n```text\n(.*?)\n?```", re.DOTALL)
_PORT = re.compile(r"127\.0\.0\.1:\d+")


def clone(folder: Path) -> Path:
    """A checkout with what the tutorial needs."""
    (folder / ".git").mkdir()
    shutil.copytree(
        ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns(".reconciler", "mine")
    )
    return folder


def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    with terminal_in(clone(tmp_path)) as terminal:
        ran = play(TUTORIAL.read_text(), terminal)

    if UPDATE:
        TUTORIAL.write_text(ran.text)
    commands = [
        command.split()[1] for command, _ in ran.outputs if command.startswith("reconciler ")
    ]
    assert {"validate", "plan", "reconcile", "test", "tenant"} <= set(commands)
    assert ran.outputs[-1][1][-1].startswith("No changes.")


def test_the_first_manifest_of_the_readme_is_planned_and_applied(tmp_path: Path) -> None:
    with terminal_in(clone(tmp_path)) as terminal:
        ran = play(README.read_text(), terminal)

    if UPDATE:
        README.write_text(ran.text)
    commands = [command.split()[1] for command, _ in ran.outputs if " webhooks" in command]
    assert commands == ["validate", "plan", "reconcile", "drift"]
    assert ran.outputs[-1][1][-1].startswith("No drift.")


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    shown = _DEMO.search(README.read_text())
    assert shown is not None

    done = run("demo", cwd=tmp_path)

    printed = [_PORT.sub("127.0.0.1:0", line) for line in [*shown[1].splitlines()]]
    got = [_PORT.sub("127.0.0.1:0", line) for line in done.out.splitlines()]
    assert (done.code, done.err) == (0, "")
    assert len(printed) >= 10
    assert matches(["...", *printed, "..."], got), done.out


def test_every_option_that_a_page_names_exists(tmp_path: Path) -> None:
    helps = (
        [["--help"]]
        + [[name, "--help"] for name in COMMANDS]
        + [["tenant", name, "--help"] for name in ("serve", "token", "tokens")]
        + [["import", name, "--help"] for name in ("kubernetes", "terraform")]
    )
    known = set(
        _OPTION.findall("\n".join(run(*arguments, cwd=tmp_path).out for arguments in helps))
    )

    unknown = {path.name: set(_OPTION.findall(path.read_text())) - known for path in PAGES}

    assert {name: found - FOREIGN for name, found in unknown.items() if found - FOREIGN} == {}
    assert not unknown["README.md"]


def test_the_readme_stands_alone() -> None:
    text = README.read_text()
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]

    assert links
    assert all((ROOT / link).exists() for link in links)
    assert "../" not in text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_links_of_a_page_lead_to_files_of_the_checkout(path: Path) -> None:
    text = path.read_text()
    links = [
        link.partition("#")[0]
        for link in re.findall(r"\]\(([^)\s]+)\)", text)
        if "://" not in link and not link.startswith("#")
    ]

    assert [link for link in links if not (path.parent / link).exists()] == []
    assert str(Path(sys.prefix).parent) not in text
