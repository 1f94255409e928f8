"""The packages as a user gets them: built without network, the wheel installed into an empty
environment and run from there.

The environment has the dependencies of the one that runs the tests on its path, as a .pth file
names them, and no checkout: the .pth file of an installed checkout is read in site folders only.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import urllib.request
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler import __version__
from reconciler.cli.commands.reference.schema import KINDS
from tests.support.processes import ROOT, webhook

SCHEMAS = sorted(path.name for path in (ROOT / "schemas").iterdir())
# Split, so that this file names none of them.
INDEXES = (
    "py" + "pi.org",
    "python" + "hosted",
    "--index" + "-url ",
    "--extra-" + "index",
    "--find" + "-links ",
)
PLACES = ("/" + "root/", "/" + "home/", "/" + "work/", "/" + "opt/", "/" + "tmp/")


def ended(command: list[str | Path], cwd: Path) -> str:
    """Standard output of a command that has to end well, in an environment with nothing in it."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@dataclass(frozen=True)
class Built:
    """Both packages, each with the names of its files (the source package's without its top
    folder).
    """

    wheel: Path
    source: Path

    def in_wheel(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as file:
            return set(file.namelist())

    def in_source(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        with tarfile.open(self.source) as file:
            for member in file.getmembers():
                content = file.extractfile(member)
                if content is not None:
                    found[member.name.partition("/")[2]] = content.read()
        return found


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The source package of the checkout, and the wheel that is made from it."""
    folder = tmp_path_factory.mktemp("dist")
    ended([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], folder)
    (wheel,) = folder.glob("*.whl")
    (source,) = folder.glob("*.tar.gz")
    return Built(wheel, source)


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    ended(
        [
            sys.executable,
            "-m",
            "pip",
            "-q",
            "--python",
            python,
            "install",
            "--no-index",
            "--no-deps",
            built.wheel,
        ],
        folder,
    )
    packages = Path(
        ended(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder
        ).strip()
    )
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_wheel_holds_the_package_its_schemas_and_nothing_else(built: Built) -> None:
    names = built.in_wheel()

    assert {name.partition("/")[0] for name in names} == {
        "reconciler",
        f"webhook_reconciler-{__version__}.dist-info",
    }
    assert {f"reconciler/schemas/{name}" for name in SCHEMAS} <= names
    assert {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "reconciler").rglob("*.py")
    } <= names
    assert "reconciler/py.typed" in names
    assert f"webhook_reconciler-{__version__}.dist-info/licenses/LICENSE" in names


def test_the_source_package_holds_what_is_needed_to_change_it_and_nothing_made(
    built: Built,
) -> None:
    names = set(built.in_source())

    needed = {"README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", ".ci/run"}
    needed |= {"requirements.lock", "requirements-dev.lock"}
    assert needed <= names
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")} <= names
    made = re.compile(
        r"(^|/)(\.venv|\.reconciler|__pycache__|\.\w+_cache|dist|build|\.hypothesis|\.coverage[^/]*)(/|$)"
    )
    assert [name for name in names if made.search(name)] == []


def test_no_file_names_a_package_index_or_a_folder_of_one_machine(built: Built) -> None:
    texts = {
        name: content.decode("utf-8", "replace").lower()
        for name, content in built.in_source().items()
    }

    assert [(name, word) for name, text in texts.items() for word in INDEXES if word in text] == []
    assert [
        (name, word)
        for name, text in texts.items()
        for word in PLACES
        if re.search(rf"(?<![\w.}}]){word}", text)
    ] == []


def pinned(lock: str) -> dict[str, str]:
    """Each distribution of a lock with its version; every one has to have at least one hash."""
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip()):
        head = re.match(r"([a-z0-9-]+)==(\S+)(?: ; [^\\]+)? \\\n", block)
        assert head, block[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), head[1]
        found[head[1]] = head[2]
    return found


def test_the_locks_agree_and_cover_every_dependency() -> None:
    run, dev = pinned("requirements.lock"), pinned("requirements-dev.lock")
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]

    def names(wanted: list[Any]) -> set[str]:
        return {
            re.split(r"[^A-Za-z0-9-]", item)[0].lower() for item in wanted if isinstance(item, str)
        }

    assert names(project["project"]["dependencies"]) | names(groups["build"]) <= set(run)
    assert names(groups["dev"]) <= set(dev)
    assert run.items() <= dev.items()


@pytest.mark.parametrize("folder", ["ci/node", "products/prism"])
def test_a_lock_of_npm_has_a_hash_for_each_package_and_no_address(folder: str) -> None:
    lock = json.loads((ROOT / "tests" / folder / "package-lock.json").read_text())
    packages = {name: item for name, item in lock["packages"].items() if name}
    assert packages
    for name, item in packages.items():
        assert item["integrity"].startswith("sha512-"), name
        assert "resolved" not in item, name


def test_an_installed_wheel_is_found_outside_of_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    where = ended(
        [installed / "python", "-c", "import reconciler; print(reconciler.__file__)"], tmp_path
    )

    assert Path(where.strip()).is_relative_to(installed.parent)
    assert ended([installed / "reconciler", "--version"], tmp_path) == f"reconciler {__version__}\n"


@pytest.mark.parametrize("kind", KINDS)
def test_an_installed_wheel_prints_each_schema(kind: str, installed: Path, tmp_path: Path) -> None:
    printed = ended([installed / "reconciler", "schema", kind], tmp_path)

    assert json.loads(printed) == json.loads((ROOT / "schemas" / f"{kind}.schema.json").read_text())


def test_a_checkout_installed_as_it_stands_finds_its_schemas_from_any_folder(
    tmp_path: Path,
) -> None:
    printed = ended([Path(sys.executable).with_name("reconciler"), "schema", "webhook"], tmp_path)

    assert json.loads(printed) == json.loads((ROOT / "schemas" / "webhook.schema.json").read_text())


def test_an_installed_wheel_validates_plans_and_reconciles(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "webhooks").mkdir()
    (tmp_path / "webhooks" / "hook.yaml").write_text(webhook("payments-oncall"))
    command = installed / "reconciler"

    assert "1 document (0 skipped): 0 errors" in ended([command, "validate", "webhooks"], tmp_path)
    assert "Plan: 1 to create" in ended([command, "plan", "webhooks", "--local"], tmp_path)
    assert "Report: 1 created" in ended(
        [command, "reconcile", "webhooks", "--local", "--yes"], tmp_path
    )
    assert "No changes. 1 unchanged" in ended([command, "plan", "webhooks", "--local"], tmp_path)


def test_an_installed_wheel_explains_an_invalid_manifest(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "hook.yaml").write_text(webhook("payments-oncall").replace("url:", "urll:"))

    done = subprocess.run(
        [installed / "reconciler", "validate", "hook.yaml"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "[schema/" in done.stdout + done.stderr


def test_an_installed_wheel_runs_the_demo(installed: Path, tmp_path: Path) -> None:
    assert "No changes. 1 unchanged" in ended([installed / "reconciler", "demo"], tmp_path)


def test_an_installed_wheel_serves_a_tenant_with_its_openapi_document(
    installed: Path, tmp_path: Path
) -> None:
    command: list[str | Path] = [installed / "reconciler", "tenant", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={}, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            base = server.stdout.readline().strip()
            with urllib.request.urlopen(f"{base}/openapi.json", timeout=30) as answer:
                served = json.load(answer)
        finally:
            server.terminate()

    assert served == json.loads((ROOT / "schemas" / "openapi.json").read_text())
