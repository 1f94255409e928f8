"""`validate` and `test` in the forms that CI systems read: what is on which stream, exit codes, no
secret.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.support.processes import run, webhook
from tests.support.receiver import Receiver

FORMS = ("sarif", "junit", "github", "gitlab", "markdown")
FAULTY = webhook("hook", extra="ulr: x")


@pytest.mark.parametrize("form", FORMS)
def test_a_faulty_manifest_is_1_with_the_problem_in_every_form(tmp_path: Path, form: str) -> None:
    (tmp_path / "hook.yaml").write_text(FAULTY)
    ended = run("validate", "hook.yaml", "-o", form, cwd=tmp_path)
    assert ended.code == 1
    assert "schema/additionalProperties" in ended.out
    assert "hook.yaml" in ended.out
    assert (form == "github") == (ended.err == ""), (
        "a log of GitHub shows the annotations themselves"
    )


@pytest.mark.parametrize("form", FORMS)
def test_valid_manifests_are_0_in_every_form(tmp_path: Path, form: str) -> None:
    (tmp_path / "hook.yaml").write_text(webhook("hook"))
    ended = run("validate", "hook.yaml", "-o", form, cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    if form == "sarif":
        assert ended.json["runs"][0]["results"] == []
    if form == "gitlab":
        assert ended.json == []
    if form == "junit":
        assert JUnitXml.fromstring(ended.out.encode()).failures == 0
    if form == "github":
        assert "::" not in ended.out


@pytest.mark.parametrize("form", ["junit", "markdown"])
def test_manifests_that_cannot_be_tested_are_reported_in_the_requested_form(
    tmp_path: Path, form: str
) -> None:
    (tmp_path / "hook.yaml").write_text(FAULTY)
    ended = run("test", "hook.yaml", "--local", "-o", form, cwd=tmp_path)
    assert ended.code == 1
    assert "schema/additionalProperties" in ended.out


def test_a_plan_of_faulty_manifests_is_markdown_too(tmp_path: Path) -> None:
    (tmp_path / "hook.yaml").write_text(FAULTY)
    ended = run("plan", "hook.yaml", "--local", "-o", "markdown", cwd=tmp_path)
    assert ended.code == 1
    assert ended.out.startswith("<!-- reconciler:problems -->\n")


@pytest.mark.parametrize("form", ["junit", "markdown"])
def test_no_form_of_a_test_has_a_secret(tmp_path: Path, form: str) -> None:
    with Receiver() as receiver:
        url = receiver.url("/status/401?path-7c1d9e")
        auth = "{type: bearer, token: {fromEnv: A_TOKEN}}"
        (tmp_path / "hook.yaml").write_text(webhook("hook", url="{fromEnv: A_URL}", auth=auth))
        local = ("--local-file", "tenant.db", "--allow-network", "127.0.0.0/8")
        ended = run(
            "test",
            ".",
            *local,
            "--via",
            "both",
            "-o",
            form,
            cwd=tmp_path,
            A_URL=url,
            A_TOKEN="tok-5b0f77",
        )
    assert ended.code == 8, ended.err
    assert "auth-refused 401" in ended.out
    assert "path-7c1d9e" not in ended.out + ended.err
    assert "tok-5b0f77" not in ended.out + ended.err
    if form == "junit":
        assert JUnitXml.fromstring(ended.out.encode()).failures == 2


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_validate_quotes_a_literal_credential(tmp_path: Path, form: str) -> None:
    (tmp_path / "hook.yaml").write_text(
        webhook("hook", auth="{type: bearer, token: literal-93af02}")
    )
    ended = run("validate", "hook.yaml", "-o", form, cwd=tmp_path)
    assert ended.code == 1
    assert "literal-93af02" not in ended.out + ended.err


def test_a_name_that_a_stranger_chose_adds_no_command_to_a_github_log(tmp_path: Path) -> None:
    name = "a%0A::error::x,line=3"
    (tmp_path / name).mkdir()
    (tmp_path / name / "hook.yaml").write_text(FAULTY)
    ended = run("validate", ".", "-o", "github", cwd=tmp_path)
    assert next(line for line in ended.out.splitlines() if line.startswith("::")).count("::") == 2
    assert "a%250A%3A%3Aerror%3A%3Ax%2Cline=3/hook.yaml" in ended.out


def test_sarif_names_the_program_and_its_version(tmp_path: Path) -> None:
    (tmp_path / "hook.yaml").write_text(FAULTY)
    driver = json.loads(run("validate", "hook.yaml", "-o", "sarif", cwd=tmp_path).out)["runs"][0][
        "tool"
    ]["driver"]
    version = run("--version", cwd=tmp_path).out.split()[1]
    assert (driver["name"], driver["semanticVersion"]) == ("reconciler", version)


def located(form: str, out: str) -> list[str]:
    """The files that a form names."""
    if form == "sarif":
        results = json.loads(out)["runs"][0]["results"]
        return [
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for result in results
        ]
    if form == "gitlab":
        return [entry["location"]["path"] for entry in json.loads(out)]
    return re.findall(r"^::error file=([^,]*),", out, re.MULTILINE)


@pytest.mark.parametrize("form", ["sarif", "github", "gitlab"])
@pytest.mark.parametrize("at", [".", "teams", "teams/payments", "other"])
def test_a_forge_gets_paths_from_the_repositorys_root_whatever_folder_the_command_ran_in(
    tmp_path: Path, form: str, at: str
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "teams" / "payments").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "teams" / "payments" / "hook.yaml").write_text(FAULTY)
    path = os.path.relpath(tmp_path / "teams", tmp_path / at)

    ended = run("validate", path, "-o", form, cwd=tmp_path / at)

    assert (ended.code, located(form, ended.out)) == (1, ["teams/payments/hook.yaml"])
    assert run("validate", path, "-o", "json", cwd=tmp_path / at).json["problems"][0][
        "file"
    ] == os.path.relpath(tmp_path / "teams/payments/hook.yaml", tmp_path / at)


@pytest.mark.parametrize("form", ["sarif", "github", "gitlab"])
def test_without_a_repository_paths_are_from_the_current_folder(tmp_path: Path, form: str) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/hook.yaml").write_text(FAULTY)
    assert located(form, run("validate", "hooks", "-o", form, cwd=tmp_path).out) == [
        "hooks/hook.yaml"
    ]
    assert located(form, run("validate", "-", "-o", form, cwd=tmp_path, stdin=FAULTY).out) in (
        ["<stdin>"],
        ["%3Cstdin%3E"],
    )
