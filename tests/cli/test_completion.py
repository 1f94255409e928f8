"""Completion: the script that a real bash takes, and what it is offered."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.processes import environment, run


def offered(folder: Path, *words: str) -> set[str]:
    """What the command answers to a bash that completes the last of these words."""
    env = {
        "_RECONCILER_COMPLETE": "bash_complete",
        "COMP_WORDS": "\n".join(["reconciler", *words]),
        "COMP_CWORD": str(len(words)),
    }
    ended = run(cwd=folder, **env)
    assert (ended.code, ended.err) == (0, "")
    return set(ended.out.split())


def test_commands_options_and_choices_are_offered(tmp_path: Path) -> None:
    assert offered(tmp_path, "re") == {"plain,reconcile"}
    assert offered(tmp_path, "validate", "--str") == {"plain,--strict"}
    assert "plain,sarif" in offered(tmp_path, "validate", "-o", "")
    assert offered(tmp_path, "tenant", "to") == {"plain,token", "plain,tokens"}
    assert offered(tmp_path, "completion", "z") == {"plain,zsh"}


def test_a_path_is_left_to_the_shell(tmp_path: Path) -> None:
    assert offered(tmp_path, "plan", "web") == {"file,web"}


def test_bash_takes_the_script_and_completes_with_it(tmp_path: Path) -> None:
    script = run("completion", "bash", cwd=tmp_path).out
    line = 'eval "$SCRIPT"; complete -p reconciler'
    done = subprocess.run(
        ["bash", "-c", line],
        env=environment(SCRIPT=script),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-F _reconciler_completion reconciler" in done.stdout


@pytest.mark.parametrize(
    ("shell", "word"),
    [("zsh", "#compdef reconciler"), ("fish", "complete --no-files --command reconciler")],
)
def test_the_other_shells_get_a_script_too(tmp_path: Path, shell: str, word: str) -> None:
    ended = run("completion", shell, cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert word in ended.out


def test_an_unknown_shell_is_64(tmp_path: Path) -> None:
    assert run("completion", "tcsh", cwd=tmp_path).code == 64
