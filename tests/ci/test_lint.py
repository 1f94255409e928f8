"""The recipes hold against linters that are not ours, and are pinned, least-privileged and safe
with what strangers write.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.recipes import ACTION, BIN, RECIPES, ended, environment
from tests.support.processes import ROOT

WORKFLOWS = sorted([*RECIPES.glob("github/*.yml"), *RECIPES.glob("gitea/*.yml")])
ACTIONS = [ROOT / "action.yml"]
ALL = [
    *WORKFLOWS,
    *ACTIONS,
    *RECIPES.glob("gitlab/.gitlab-ci.yml"),
    *RECIPES.glob("pre-commit/.*.yaml"),
]
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.github-actions": ACTIONS,
    "vendor.gitlab-ci": [RECIPES / "gitlab" / ".gitlab-ci.yml"],
    "custom.github-workflows-require-timeout": WORKFLOWS,
}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def complaints(tmp_path: Path, *command: str | Path) -> str:
    """What a linter says where it is not content; empty where it is."""
    done = ended([BIN / command[0], *command[1:]], ROOT, environment(tmp_path))
    return "" if done.code == 0 else f"exit code {done.code}\n{done.out}{done.err}"


def workflow(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text(), yaml.BaseLoader)  # noqa: S506  texts only; `on` stays a text
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    found = workflow(path)
    return [
        step
        for job in (found["jobs"].values() if "jobs" in found else [found["runs"]])
        for step in job["steps"]
    ]


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    assert not complaints(
        tmp_path,
        "zizmor",
        "--offline",
        "--no-progress",
        "--persona",
        "pedantic",
        *WORKFLOWS,
        *ACTIONS,
    )


def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    assert not complaints(tmp_path, "actionlint", *WORKFLOWS)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_recipes_are_as_the_forges_schemas_say(schema: str, tmp_path: Path) -> None:
    assert not complaints(
        tmp_path, "check-jsonschema", "--builtin-schema", schema, *SCHEMAS[schema]
    )


def test_pre_commit_accepts_the_hooks_and_the_example(tmp_path: Path) -> None:
    assert not complaints(
        tmp_path, "pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml"
    )
    assert not complaints(
        tmp_path,
        "pre-commit",
        "validate-config",
        RECIPES / "pre-commit" / ".pre-commit-config.yaml",
    )


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_a_workflow_is_pinned_and_gets_no_more_than_it_needs(path: Path) -> None:
    found = workflow(path)
    used = [step["uses"] for step in steps(path) if "uses" in step]

    assert used
    assert [name for name in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", name)] == []
    assert {name for name in used if name.startswith("your-org/")} == {ACTION}
    assert [
        step
        for step in steps(path)
        if "checkout" in step["uses"] and step["with"]["persist-credentials"] != "false"
    ] == []
    assert found["permissions"] == {}
    for job in found["jobs"].values():
        writes = [scope for scope, right in job["permissions"].items() if right == "write"]
        assert job["permissions"]["contents"] == "read"
        assert len(writes) <= 1
        assert "timeout-minutes" in job
    assert "concurrency" in found
    assert "pull_request_target" not in found["on"]


@pytest.mark.parametrize("path", [*ALL, RECIPES / "install.sh"], ids=named)
def test_every_python_runs_isolated(path: Path) -> None:
    lines = [
        line.partition(" #")[0]
        for line in path.read_text().splitlines()
        if not line.lstrip().startswith("#")
    ]
    calls = [
        found
        for line in lines
        for found in re.findall(r"(?:python3?|\bpip)\b\S*(?: \S+){0,2}", line)
    ]

    assert [
        call
        for call in calls
        if not re.match(r'python3?"? -I\b', call) and not re.match(r"pip --", call)
    ] == []


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=named)
def test_no_expression_is_pasted_into_a_script(path: Path) -> None:
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize(
    "path",
    [path for path in WORKFLOWS if "plan" in workflow(path)["jobs"]],
    ids=lambda path: path.parent.name,
)
def test_validating_a_pull_request_has_no_secret_and_planning_one_is_for_branches_of_the_repository(
    path: Path,
) -> None:
    jobs = workflow(path)["jobs"]

    assert "secrets." not in str(jobs["validate"])
    assert (
        "github.event.pull_request.head.repo.full_name == github.repository" in jobs["plan"]["if"]
    )
    assert "secrets.TENANT_TOKEN" not in str(jobs["plan"])


@pytest.mark.parametrize(
    "path", [ROOT / "docs" / "first-pipeline.md", RECIPES / "README.md"], ids=named
)
def test_a_page_about_pipelines_names_files_that_are_there(path: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()) if "://" not in link]

    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", ALL, ids=named)
def test_every_recipe_says_at_its_top_what_it_needs(path: Path) -> None:
    head = "".join(
        line for line in path.read_text().splitlines(keepends=True)[:25] if line.startswith("#")
    )

    assert re.search(r"\bNeeds\b", head)
