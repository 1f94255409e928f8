"""`.reconciler/`: for its owner alone whatever the umask, ignored by Git whatever stood there, and
never behind a link.
"""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import environment, run

TOKEN = ("tenant", "token", "ci", "--scope", "Webhooks: Read")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277, 0o777])
def test_a_new_folder_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    command = [sys.executable, "-m", "reconciler", *TOKEN]
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment(),
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert _mode(tmp_path / ".reconciler") == 0o700
    assert (tmp_path / ".reconciler" / ".gitignore").read_text() == "*\n"


def test_an_existing_folder_that_others_may_read_is_closed_and_that_is_said_once(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ".reconciler"
    folder.mkdir()
    folder.chmod(0o777)
    first = run(*TOKEN, cwd=tmp_path)
    assert (first.code, "mode is 0700 now" in first.err) == (0, True)
    assert _mode(folder) == 0o700
    assert run("tenant", "tokens", cwd=tmp_path).err == ""


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "*\n!tenant.db.key\n", "tenant.db\n", "\udcff\n"]
)
def test_a_gitignore_that_does_not_ignore_all_is_written_anew(tmp_path: Path, text: str) -> None:
    folder = tmp_path / ".reconciler"
    folder.mkdir(0o700)
    (folder / ".gitignore").write_bytes(text.encode("utf-8", "surrogateescape"))
    ended = run(*TOKEN, cwd=tmp_path)
    assert (ended.code, "written anew" in ended.err) == (0, True)
    assert (folder / ".gitignore").read_text() == "*\n"
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    shown = subprocess.run(
        ["git", "status", "--porcelain", "-uall"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout == ""


@pytest.mark.parametrize("text", ["*\n", "*", "# keys\n\n  *  \n"])
def test_a_gitignore_that_ignores_all_stays_as_it_is(tmp_path: Path, text: str) -> None:
    folder = tmp_path / ".reconciler"
    folder.mkdir(0o700)
    (folder / ".gitignore").write_text(text)
    assert run(*TOKEN, cwd=tmp_path).err == ""
    assert (folder / ".gitignore").read_text() == text


def test_a_gitignore_that_is_a_link_is_replaced_and_what_it_leads_to_is_not_touched(
    tmp_path: Path,
) -> None:
    folder, precious = tmp_path / ".reconciler", tmp_path / "precious"
    folder.mkdir(0o700)
    precious.write_text("precious")
    (folder / ".gitignore").symlink_to(precious)
    assert run(*TOKEN, cwd=tmp_path).code == 0
    assert precious.read_text() == "precious"
    assert not (folder / ".gitignore").is_symlink()
    assert (folder / ".gitignore").read_text() == "*\n"
    (folder / ".gitignore").unlink()
    (folder / ".gitignore").mkdir()
    refused = run("tenant", "token", "two", *TOKEN[3:], cwd=tmp_path)
    assert (refused.code, ".gitignore: is a folder; remove it" in refused.err) == (1, True)


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_that_is_a_link_is_refused(tmp_path: Path, exists: bool) -> None:
    elsewhere = tmp_path / "elsewhere"
    if exists:
        elsewhere.mkdir(0o755)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".reconciler").symlink_to(elsewhere)
    (tmp_path / "work" / "a.yaml").write_text(
        "apiVersion: webhooks.reconciler/v1\nkind: Webhook\nmetadata: {name: a}\nspec: "
        "{url: 'https://x.example/'}\n"
    )
    for command in (TOKEN, ("plan", "a.yaml", "--local")):
        ended = run(*command, cwd=tmp_path / "work")
        assert (ended.code, "is a link" in ended.err) == (1, True), command
    assert not exists or (not list(elsewhere.iterdir()) and _mode(elsewhere) == 0o755)
