"""Policies through the installed command: refused before a write, accepted one by one, kept in
saved plans, in every form.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.processes import Ended, run, webhook

POLICY = """\
apiVersion: webhooks.reconciler/v1
kind: Policy
metadata: {{name: {name}}}
spec:
  message: {message}
  enforce: {enforce}
  schema: {schema}
"""
HTTPS = '{properties: {url: {pattern: "^https://"}}}'
TEAM = "{properties: {labels: {required: [cost-centre]}}}"
LOCAL = ("--local-file", "tenant.db")


def policy(name: str, schema: str, message: str = "no", enforce: str = "deny") -> str:
    return POLICY.format(name=name, schema=schema, message=message, enforce=enforce)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One webhook that keeps the policy and one that does not."""
    for folder in ("webhooks", "policies"):
        (tmp_path / folder).mkdir()
    (tmp_path / "webhooks/good.yaml").write_text(webhook("good"))
    (tmp_path / "webhooks/bad.yaml").write_text(webhook("bad", url="http://hooks.example.com/bad"))
    (tmp_path / "policies/https.yaml").write_text(
        policy("https", HTTPS, "endpoints are reached by https")
    )
    return tmp_path


def call(repository: Path, command: str, *options: str, **env: str) -> Ended:
    return run(command, "webhooks", *LOCAL, *options, cwd=repository, **env)


def rules(ended: Ended) -> list[tuple[str, str, int]]:
    return [(found["rule"], found["file"], found["line"]) for found in ended.json["violations"]]


BROKEN = ("policy/https", "webhooks/bad.yaml", 5)


def test_plan_and_reconcile_are_6_with_file_line_and_rule_and_nothing_is_written(
    repository: Path,
) -> None:
    planned = call(repository, "plan")
    assert planned.code == 6
    text = (
        "violation policy/https: webhooks/bad.yaml:5:8: bad: endpoints are reached by https "
        "(url: the value does not match"
    )
    assert text in planned.out
    refused = call(repository, "reconcile", "--yes", "-o", "json")
    assert (refused.code, rules(refused)) == (6, [BROKEN])
    assert call(repository, "plan", "-o", "json").json["summary"]["create"] == 2
    assert call(repository, "reconcile", "--yes", "--only", "good").code == 0


def test_one_plan_is_accepted_until_another_policy_refuses_more(repository: Path) -> None:
    digest = call(repository, "plan", "-o", "json").json["digest"]
    (repository / "policies/team.yaml").write_text(policy("team", TEAM))
    assert call(repository, "reconcile", "--yes", "--accept", digest).code == 5
    digest = call(repository, "plan", "-o", "json").json["digest"]
    assert call(repository, "reconcile", "--yes", "--accept", digest).code == 0
    assert call(repository, "plan", "-o", "json").json["summary"]["keep"] == 2
    assert call(repository, "plan").code == 6  # what stays as it is has to keep them too


def test_a_policy_that_warns_is_reported_and_stops_nothing(repository: Path) -> None:
    (repository / "policies/https.yaml").write_text(policy("https", HTTPS, "https please", "warn"))
    planned = call(repository, "plan")
    assert planned.code == 0
    assert (
        "warning: webhooks/bad.yaml:5:8: bad: https please (url: the value does not match"
        in planned.out
    )
    assert run("validate", "webhooks", cwd=repository).code == 0
    assert run("validate", "webhooks", "--strict", cwd=repository).code == 1


def test_another_folder_may_be_named_by_option_and_by_variable(
    repository: Path, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "team.yaml").write_text(policy("team", TEAM))
    by_option, by_variable = (
        call(repository, "plan", "-o", "json", "--policies", str(base)),
        call(repository, "plan", "-o", "json", RECONCILER_POLICIES=str(base)),
    )
    assert (
        rules(by_option)
        == rules(by_variable)
        == [("policy/team", f"webhooks/{name}.yaml", 3) for name in ("bad", "good")]
    )
    assert call(repository, "plan", "--policies", "nowhere").code == 1
    assert call(repository, "plan", "--policies", "").code == 64


def test_a_saved_plan_keeps_its_violations_and_meets_the_policies_of_its_day(
    repository: Path,
) -> None:
    saved = call(repository, "plan", "--out", "plan.json")
    digest = json.loads((repository / "plan.json").read_text())["plan"]["digest"]
    assert saved.code == 6
    assert run("show", "plan.json", cwd=repository).out == saved.out
    (repository / "policies/https.yaml").unlink()
    apply = ("reconcile", "--yes", "--plan", "plan.json", *LOCAL)
    assert run(*apply, cwd=repository).code == 6
    (repository / "policies/team.yaml").write_text(policy("team", TEAM))
    again = run(*apply, "-o", "json", cwd=repository)
    assert sorted({found["rule"] for found in again.json["violations"]}) == [
        "policy/https",
        "policy/team",
    ]
    assert run(*apply, "--accept", digest, cwd=repository).code == 5
    (repository / "policies/team.yaml").unlink()
    assert run(*apply, "--accept", digest, cwd=repository).code == 0


def test_drift_asks_no_policy(repository: Path) -> None:
    digest = call(repository, "plan", "-o", "json").json["digest"]
    assert call(repository, "reconcile", "--yes", "--accept", digest).code == 0
    assert call(repository, "drift").code == 0


def test_every_form_of_validate_shows_file_line_and_rule(repository: Path) -> None:
    def shown(form: str) -> str:
        ended = run("validate", "webhooks", "-o", form, cwd=repository)
        assert ended.code == 1
        return ended.out

    [problem] = [
        found for found in json.loads(shown("json"))["problems"] if found["severity"] == "error"
    ]
    assert (problem["rule"], problem["file"], problem["line"], problem["pointer"]) == (
        *BROKEN,
        "/spec/url",
    )
    [result] = [
        found
        for found in json.loads(shown("sarif"))["runs"][0]["results"]
        if found["ruleId"] == "policy/https"
    ]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (
        "webhooks/bad.yaml",
        5,
    )
    assert "::error file=webhooks/bad.yaml,line=5,col=8,title=policy/https::bad" in shown("github")
    [entry] = [
        found for found in json.loads(shown("gitlab")) if found["check_name"] == "policy/https"
    ]
    assert (entry["location"]["path"], entry["location"]["lines"]["begin"]) == (
        "webhooks/bad.yaml",
        5,
    )
    [failure] = ET.fromstring(shown("junit")).iter("failure")  # noqa: S314  our own output
    assert failure.get("type") == "policy/https"
    assert "policy/https" in shown("markdown")
    assert (
        "webhooks/bad.yaml:5:8: error: bad: endpoints are reached by https"
        in run("validate", "webhooks", cwd=repository).err
    )


def test_no_secret_is_in_anything_that_is_said_of_a_policy(repository: Path) -> None:
    hidden = {"A_URL": "http://hooks.example.com/sp-71c0b24f9d", "A_TOKEN": "tk-5f30c9aa1e"}
    auth = "{type: basic, username: {fromEnv: A_TOKEN}, password: {fromEnv: A_TOKEN}}"
    (repository / "webhooks/bad.yaml").write_text(webhook("bad", url="{fromEnv: A_URL}", auth=auth))
    (repository / "policies/all.yaml").write_text(
        policy("all", "{additionalProperties: {not: {}}}")
    )
    for ended in (
        call(repository, "plan", **hidden),
        call(repository, "plan", "-o", "json", "--out", "plan.json", **hidden),
        call(repository, "reconcile", "--yes", "-o", "markdown", **hidden),
        run("validate", "webhooks", "--secrets", "-o", "sarif", cwd=repository, **hidden),
    ):
        assert ended.code in {1, 6}
        whole = ended.out + ended.err + (repository / "policies/all.yaml").read_text()
        assert "policy/all" in whole
        assert "71c0b24f9d" not in whole
        assert "5f30c9aa1e" not in whole
    assert "71c0b24f9d" not in (repository / "plan.json").read_text()
