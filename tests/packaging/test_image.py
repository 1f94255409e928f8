"""deploy/Dockerfile, without a container engine: its steps in an empty folder with an empty environment.

The two steps that download packages are not run: their locks are compared with the packages that
the tests run with, which are put on the path instead.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from fnmatch import fnmatch
from pathlib import Path

import pytest

from reconciler import __version__
from tests.support.processes import ROOT

FILE = ROOT / "deploy" / "Dockerfile"
Step = tuple[str, str]  # instruction, arguments


def read_steps() -> list[list[Step]]:
    """The steps of each stage; ARG before the first FROM belongs to none."""
    text = re.sub(r"^#.*\n", "", FILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    steps = [line.partition(" ")[::2] for line in text.splitlines() if line.strip()]
    stages: list[list[Step]] = []
    for instruction, arguments in steps:
        if instruction == "FROM":
            stages.append([])
        if stages:
            stages[-1].append((instruction, " ".join(arguments.split())))
    return stages


BUILD, FINAL = read_steps()


def copies() -> list[tuple[list[str], str]]:
    """What the build stage copies from the checkout, and to where."""
    found = [arguments.split() for instruction, arguments in BUILD if instruction == "COPY"]
    return [(words[:-1], words[-1]) for words in found]


def runs(stage: list[Step]) -> list[str]:
    return [
        command.strip()
        for instruction, arguments in stage
        if instruction == "RUN"
        for command in arguments.split("&&")
    ]


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), FILE],
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_both_stages_stand_on_one_pinned_image() -> None:
    assert re.search(r"^ARG PYTHON=3\.\d+\.\d+-slim-\w+$", FILE.read_text(), re.MULTILINE)
    assert [stage[0][1] for stage in (BUILD, FINAL)] == [
        "python:${PYTHON} AS build",
        "python:${PYTHON}",
    ]


def test_the_image_runs_as_a_user_without_rights_and_has_no_installer() -> None:
    steps = dict(FINAL)
    assert steps["USER"] == "65532:65532"
    assert [command.split()[:2] for command in runs(FINAL)] == [["pip", "uninstall"], ["rm", "-rf"]]
    assert FINAL.index(("USER", "65532:65532")) > max(
        number for number, (instruction, _) in enumerate(FINAL) if instruction in {"RUN", "COPY"}
    )
    assert [arguments for instruction, arguments in FINAL if instruction == "COPY"] == [
        "--from=build /app /app"
    ]
    assert (steps["ENTRYPOINT"], steps["CMD"]) == ('["reconciler"]', '["operator"]')
    assert "PYTHONDONTWRITEBYTECODE=1" in steps["ENV"]  # its file system is read-only


def test_packages_are_installed_by_their_hashes_or_from_the_checkout() -> None:
    for command in runs(BUILD):
        if re.search(r"pip\S* .*(install|wheel)", command):
            assert "--no-deps" in command
            assert "--require-hashes" in command or "--no-index" in command


def test_the_context_has_what_is_copied_and_nothing_else() -> None:
    lines = FILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert allowed == {source for sources, _target in copies() for source in sources}
    assert all((ROOT / name).exists() for name in allowed)


def read_lock(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_lock_of_the_image_agrees_with_the_others_and_has_the_extra() -> None:
    image, dev = read_lock("deploy/requirements.lock"), read_lock("requirements-dev.lock")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["kubernetes"]
    assert {re.split(r"[^a-z0-9-]", item)[0] for item in wanted} <= set(image)
    assert image.items() <= dev.items()
    assert not {"hatchling", "editables", "pip", "pytest"} & set(image)
    run = read_lock("requirements.lock")
    assert {name: image[name] for name in image if name in run} == {
        name: run[name] for name in image if name in run
    }


def run_step(command: str, folder: Path) -> None:
    """One command of a RUN step, with the folders of the image below `folder`."""
    for name in ("build", "app", "wheels"):
        command = re.sub(rf"(?<![\w.])/{name}\b", str(folder / name), command)
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder / "source",
        env={"PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def copy_context(folder: Path) -> None:
    for sources, target in copies():
        for source in sources:
            to = folder / "source" / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                (to if target.endswith("/") else to.parent).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, to)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/app as the build stage leaves it."""
    folder = tmp_path_factory.mktemp("image")
    for name in ("build", "app"):
        venv.create(folder / name, symlinks=True, with_pip=False)
        (packages,) = (folder / name / "lib").glob("python*/site-packages")
        (packages / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    copy_context(folder)
    pip = folder / "build" / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip "$@"\n')
    pip.chmod(0o755)
    for command in runs(BUILD):
        if "venv" not in command and "--require-hashes" not in command:
            run_step(re.sub(r"^pip\b", str(pip), command), folder)
    return folder / "app"


def test_the_program_runs_in_an_empty_environment(app: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["/usr/bin/env", "-i", app / "bin" / "reconciler", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"reconciler {__version__}\n"), done.stderr


def test_the_program_is_the_wheel_and_has_its_schemas(app: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [app / "bin" / "reconciler", "schema", "crds"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == (ROOT / "deploy" / "base" / "crds.yaml").read_text(), done.stderr
    (packages,) = (app / "lib").glob("python*/site-packages")
    names = [path.name for path in packages.iterdir()]
    assert "reconciler" in names
    assert not any(fnmatch(name, "pip*") for name in names)
