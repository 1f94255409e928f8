"""What gets the reconciler onto a runner and before a commit: real pip and pre-commit, without a
network.

The dependencies are there already: of a bare runner, a file in each new environment says where, for
pre-commit PYTHONPATH does. What stands in the lock is then installed, and nothing is fetched.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

from reconciler import __version__
from tests.ci.recipes import BIN, RECIPES, ended, environment, git
from tests.support.processes import ROOT, webhook

DEPENDENCIES = sysconfig.get_path("purelib")
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
# Where the last argument is a new environment, it sees the dependencies.
PYTHON = """\
#!/bin/sh
set -e
"{python}" "$@"
for last; do :; done
for folder in "$last"/lib/python*/site-packages; do
	test ! -d "$folder" || echo "{dependencies}" > "$folder/there.pth"
done
"""
MODULES = (
    "venv",
    "pip",
    "ensurepip",
    "runpy",
    "json",
    "forge",
    "urllib",
    "subprocess",
    "sitecustomize",
    "usercustomize",
)


def bare(home: Path, dependencies: str = DEPENDENCIES) -> dict[str, str]:
    """A runner that has Python and Git, and no reconciler."""
    home.mkdir(exist_ok=True)
    (home / "python3").write_text(PYTHON.format(python=BIN / "python", dependencies=dependencies))
    (home / "python3").chmod(0o755)
    return environment(home, **OFFLINE) | {"PATH": f"{home}:/usr/bin:/bin"}


def test_a_runner_that_has_nothing_gets_the_version_that_is_pinned(
    checkout: Path, tmp_path: Path
) -> None:
    env = bare(tmp_path / "home")

    installed = ended(["sh", checkout / "examples" / "ci" / "install.sh"], tmp_path, env)

    assert installed.code == 0, installed.err
    command = Path(installed.out.strip()) / "reconciler"
    assert ended([command, "--version"], tmp_path, env).out == f"reconciler {__version__}\n"


def test_no_module_of_the_checkout_runs_on_the_way(checkout: Path, tmp_path: Path) -> None:
    """A pull request wrote the folder that the job stands in; the job's tokens are in the
    environment.
    """
    env = bare(tmp_path / "home") | {"TENANT_TOKEN": "tenant-token-91ac"}
    folder, marker = tmp_path / "repository", tmp_path / "ran"
    folder.mkdir()
    for name in MODULES:
        (folder / f"{name}.py").write_text(
            f"open({str(marker)!r}, 'a').write({name!r})\nraise SystemExit(9)\n"
        )
    step = (checkout / "action.yml").read_text().partition("run: |\n")[2]

    done = ended(
        ["sh", "-c", step], folder, env | {"GITHUB_ACTION_PATH": str(checkout), "RUN": "nothing"}
    )

    assert done.code == 64, done.err
    assert "usage: pipeline.py" in done.err
    assert not marker.exists()


def test_a_lock_that_cannot_be_installed_ends_the_job(checkout: Path, tmp_path: Path) -> None:
    env = bare(tmp_path / "home", dependencies="")

    assert ended(["sh", checkout / "examples" / "ci" / "install.sh"], tmp_path, env).code != 0


def test_a_runner_that_has_this_version_installs_nothing(tmp_path: Path) -> None:
    installed = ended(["sh", RECIPES / "install.sh"], tmp_path, environment(tmp_path))

    assert (installed.code, installed.out) == (0, f"{BIN}\n")


def test_pre_commit_refuses_a_commit_with_an_invalid_manifest(
    checkout: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    example = (RECIPES / "pre-commit" / ".pre-commit-config.yaml").read_text()
    here = example.replace("https://git.example.com/your-org/webhook-reconciler", str(checkout))
    (folder / ".pre-commit-config.yaml").write_text(
        here.replace("0" * 40, git(checkout, "rev-parse", "HEAD"))
    )
    env = environment(
        tmp_path, **OFFLINE, PYTHONPATH=DEPENDENCIES, PIP_NO_DEPS="1", PIP_NO_BUILD_ISOLATION="0"
    )
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
    assert (ROOT / ".pre-commit-hooks.yaml").read_text() == (
        checkout / ".pre-commit-hooks.yaml"
    ).read_text()
