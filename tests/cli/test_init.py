"""`init`: a first repository that validates and plans as it stands; nothing that is there is
touched.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.manifests.schema_texts import read_schema_text
from tests.support.processes import run

SCHEMA = ".schemas/manifest.schema.json"


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("arguments", [(), (".",), ("a/new folder",)])
def test_what_is_written_validates_strictly_plans_and_reconciles(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    made = run("init", *arguments, cwd=tmp_path)
    assert made.code == 0, made.err
    folder = arguments[0] if arguments else "."
    assert set(files(tmp_path / folder)) == {
        "tenant.yaml",
        "webhooks/oncall.yaml",
        "policies/https.yaml",
        SCHEMA,
    }
    assert run("validate", folder, "--strict", cwd=tmp_path).code == 0
    assert "\n  enabled: true" in (tmp_path / folder / "webhooks/oncall.yaml").read_text()
    assert run("plan", folder, "-o", "json", cwd=tmp_path).json["summary"]["create"] == 1
    assert run("reconcile", folder, "--yes", cwd=tmp_path, ONCALL_TOKEN="made-up").code == 0


@pytest.mark.parametrize(
    "name", ["tenant.yaml", "webhooks/oncall.yaml", "policies/https.yaml", SCHEMA]
)
def test_a_file_that_is_there_stops_everything_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    ended = run("init", cwd=tmp_path)
    assert ended.code == 1
    assert name in ended.err
    assert files(tmp_path) == {name: "mine"}


def test_a_link_to_nothing_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "tenant.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert run("init", cwd=tmp_path).code == 1
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_folder_that_cannot_be_made_is_1_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = run("init", "file", cwd=tmp_path)
    assert ended.code == 1
    assert "Traceback" not in ended.err


def test_each_manifest_begins_with_the_line_by_which_editors_find_the_schema(
    tmp_path: Path,
) -> None:
    assert run("init", cwd=tmp_path).code == 0
    written = files(tmp_path)
    assert written[SCHEMA] == read_schema_text("manifest")
    for name in ("tenant.yaml", "webhooks/oncall.yaml", "policies/https.yaml"):
        sign, path = written[name].splitlines()[0].split("$schema=")
        assert sign == "# yaml-language-server: "
        assert (tmp_path / name).parent.joinpath(path).resolve() == tmp_path / SCHEMA


def test_the_schema_is_no_manifest_of_a_run(tmp_path: Path) -> None:
    assert run("init", cwd=tmp_path).code == 0
    assert run("validate", ".", "-o", "json", cwd=tmp_path).json["summary"] == {
        "documents": 3,
        "skipped": 0,
        "errors": 0,
        "warnings": 0,
    }
