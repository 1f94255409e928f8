"""What gets the reconciler onto a runner and before a commit: real pip and pre-commit, without a network.

The dependencies are there already, as PYTHONPATH says; what stands in the lock is then installed, and nothing is fetched.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

from reconciler import __version__
from tests.ci.recipes import BIN, RECIPES, ended, environment, git
from tests.support.processes import ROOT, webhook

OFFLINE = {"PIP_NO_INDEX": "1", "PYTHONPATH": sysconfig.get_path("purelib"), "PIP_CONFIG_FILE": "/dev/null"}


def bare(home: Path) -> dict[str, str]:
    """A runner that has Python and Git, and no reconciler."""
    home.mkdir(exist_ok=True)
    (home / "python3").symlink_to(BIN / "python")
    return environment(home, **OFFLINE) | {"PATH": f"{home}:/usr/bin:/bin"}


def test_a_runner_that_has_nothing_gets_the_version_that_is_pinned(checkout: Path, tmp_path: Path) -> None:
    env = bare(tmp_path / "home")

    installed = ended(["sh", checkout / "examples" / "ci" / "install.sh"], tmp_path, env)

    assert installed.code == 0, installed.err
    command = Path(installed.out.strip()) / "reconciler"
    assert ended([command, "--version"], tmp_path, env).out == f"reconciler {__version__}\n"


def test_a_lock_that_cannot_be_installed_ends_the_job(checkout: Path, tmp_path: Path) -> None:
    env = bare(tmp_path / "home") | {"PYTHONPATH": ""}

    assert ended(["sh", checkout / "examples" / "ci" / "install.sh"], tmp_path, env).code != 0


def test_a_runner_that_has_this_version_installs_nothing(tmp_path: Path) -> None:
    installed = ended(["sh", RECIPES / "install.sh"], tmp_path, environment(tmp_path))

    assert (installed.code, installed.out) == (0, f"{BIN}\n")


def test_pre_commit_refuses_a_commit_with_an_invalid_manifest(checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    example = (RECIPES / "pre-commit" / ".pre-commit-config.yaml").read_text()
    here = example.replace("https://git.example.com/your-org/webhook-reconciler", str(checkout))
    (folder / ".pre-commit-config.yaml").write_text(here.replace("0" * 40, git(checkout, "rev-parse", "HEAD")))
    env = environment(tmp_path, **OFFLINE, PIP_NO_DEPS="1", PIP_NO_BUILD_ISOLATION="0")
    for name in ("first", "second"):
        (folder / f"{name}.yaml").write_text(webhook(name))
    git(folder, "add", "-A")

    def commits() -> tuple[int, str]:
        done = ended([BIN / "pre-commit", "run"], folder, env)
        return done.code, done.out + done.err

    assert commits()[0] == 0, commits()[1]
    (folder / "second.yaml").write_text(webhook("first"))
    git(folder, "add", "-A")
    code, said = commits()

    assert code == 1
    assert "second.yaml:3:" in said
    assert (ROOT / ".pre-commit-hooks.yaml").read_text() == (checkout / ".pre-commit-hooks.yaml").read_text()
