"""README: its tutorial is typed into a real shell, its demo output and its tables are compared with
the program.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from reconciler.cli.main import COMMANDS
from reconciler.cli.terminal.ending import Exit
from tests.examples.transcript import UPDATE, matches, play, terminal_in
from tests.support.processes import ROOT, run

README = ROOT / "README.md"
_DEMO = re.compile(r"<!-- demo -->\n```text\n(.*?)\n?```", re.DOTALL)
_PORT = re.compile(r"127\.0\.0\.1:\d+")


def clone(folder: Path) -> Path:
    """A checkout with what the tutorial needs."""
    (folder / ".git").mkdir()
    shutil.copytree(
        ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns(".reconciler", "mine")
    )
    return folder


def section(title: str) -> str:
    """The text below a heading, up to the next one of any level."""
    found = re.search(
        rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", README.read_text(), re.DOTALL | re.MULTILINE
    )
    assert found is not None
    return found[1]


def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    with terminal_in(clone(tmp_path)) as terminal:
        ran = play(README.read_text(), terminal)

    if UPDATE:
        README.write_text(ran.text)
    commands = [
        command.split()[1] for command, _ in ran.outputs if command.startswith("reconciler ")
    ]
    assert {"validate", "plan", "reconcile", "test", "tenant"} <= set(commands)
    assert ran.outputs[-1][1][-1].startswith("No changes.")


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    shown = _DEMO.search(README.read_text())
    assert shown is not None

    done = run("demo", cwd=tmp_path)

    printed = [_PORT.sub("127.0.0.1:0", line) for line in [*shown[1].splitlines()]]
    got = [_PORT.sub("127.0.0.1:0", line) for line in done.out.splitlines()]
    assert (done.code, done.err) == (0, "")
    assert len(printed) >= 10
    assert matches(["...", *printed, "..."], got), done.out


def test_the_table_of_exit_codes_is_the_programs() -> None:
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)]

    assert codes == sorted(Exit)


def test_every_command_stands_in_the_table_of_commands() -> None:
    named = set(re.findall(r"^\| `(\w+)", section("Commands"), re.MULTILINE))

    assert named == set(COMMANDS)


def test_every_option_that_the_readme_names_exists(tmp_path: Path) -> None:
    helps = (
        [["--help"]]
        + [[name, "--help"] for name in COMMANDS]
        + [["tenant", name, "--help"] for name in ("serve", "token", "tokens")]
    )
    known = set(
        re.findall(
            r"--[a-z][a-z-]+", "\n".join(run(*arguments, cwd=tmp_path).out for arguments in helps)
        )
    )

    named = set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", README.read_text()))

    assert named - known == set()


def test_the_readme_stands_alone() -> None:
    text = README.read_text()
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]

    assert links
    assert all((ROOT / link).exists() for link in links)
    assert "../" not in text.replace("../examples/receiver.py", "")
    assert str(Path(sys.prefix).parent) not in text
