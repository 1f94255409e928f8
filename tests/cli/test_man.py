"""docs/man is what `--help` says; RECONCILER_UPDATE_MAN=1 rewrites it, to be read in the diff."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from reconciler.cli.main import ALIASES, COMMANDS, root
from tests.support.processes import ROOT, run

MAN = ROOT / "docs" / "man"


def commands() -> dict[str, tuple[str, ...]]:
    """The words of every command, by the name of its page."""
    found: dict[str, tuple[str, ...]] = {"reconciler": ()}
    context = click.Context(root)
    for name in COMMANDS:
        found[f"reconciler-{name}"] = (name,)
        command = root.get_command(context, name)
        if isinstance(command, click.Group):
            found |= {
                f"reconciler-{name}-{below}": (name, below)
                for below in command.list_commands(click.Context(command))
            }
    return found


PAGES = commands()


def page(name: str, folder: Path) -> str:
    words = PAGES[name]
    ended = run(*words, "--help", cwd=folder, COLUMNS="100")
    assert ended.code == 0, ended.err
    also = [alias for alias, command in ALIASES.items() if words == (command,)]
    title = " ".join(["reconciler", *words, *(f"(also: {alias})" for alias in also)])
    return f"{name.upper()}(1)\n\n{title}\n\n{ended.out}"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_of_a_command_is_what_its_help_says(name: str, tmp_path: Path) -> None:
    path, made = MAN / f"{name}.txt", page(name, tmp_path)
    if os.environ.get("RECONCILER_UPDATE_MAN") == "1":
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), (
        f"{path.name}: RECONCILER_UPDATE_MAN=1 rewrites it"
    )


def test_every_page_belongs_to_a_command() -> None:
    assert {path.stem for path in MAN.iterdir()} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_every_help_has_an_example(name: str) -> None:
    assert "Example" in (MAN / f"{name}.txt").read_text(encoding="utf-8")
