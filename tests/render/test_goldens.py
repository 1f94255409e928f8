"""Whole outputs beside the expected ones; RECONCILER_UPDATE_GOLDENS=1 rewrites those, to be read in
the diff.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.core.results.drift import find_drift
from reconciler.rendering import document, markdown, problems, summary, text
from reconciler.rendering.ci import github, gitlab, junit, sarif
from tests.render import builders

GOLDENS = Path(__file__).parent / "goldens"

CASES: dict[str, Callable[[], str]] = {
    "plan.txt": lambda: text.plan_text(builders.mixed_plan()),
    "plan-color.txt": lambda: text.plan_text(builders.mixed_plan(), color=True),
    "plan.md": lambda: markdown.plan_markdown(builders.mixed_plan()),
    "plan.json": lambda: document.to_json(document.plan_document(builders.mixed_plan())),
    "plan-empty.txt": lambda: text.plan_text(builders.empty_plan()),
    "plan-empty.md": lambda: markdown.plan_markdown(builders.empty_plan()),
    "plan-empty.json": lambda: document.to_json(document.plan_document(builders.empty_plan())),
    "plan-since.txt": lambda: text.plan_text(builders.labelled_plan()),
    "plan-since.md": lambda: markdown.plan_markdown(builders.labelled_plan()),
    "plan-since.json": lambda: document.to_json(document.plan_document(builders.labelled_plan())),
    "drift.txt": lambda: text.drift_text(find_drift(builders.labelled_plan())),
    "drift-color.txt": lambda: text.drift_text(find_drift(builders.labelled_plan()), color=True),
    "drift.md": lambda: markdown.drift_markdown(find_drift(builders.labelled_plan())),
    "drift.json": lambda: document.to_json(
        document.drift_document(find_drift(builders.labelled_plan()), "")
    ),
    "drift-news.txt": lambda: text.drift_text(builders.settled(), time="2026-01-02T03:04:05+00:00"),
    "drift-news.md": lambda: markdown.drift_markdown(
        builders.settled(), "2026-01-02T03:04:05+00:00"
    ),
    "drift-none.txt": lambda: text.drift_text(find_drift(builders.empty_plan())),
    "drift-none.md": lambda: markdown.drift_markdown(find_drift(builders.empty_plan())),
    "report.txt": lambda: text.report_text(builders.report_of(builders.mixed_plan())),
    "report-color.txt": lambda: text.report_text(
        builders.report_of(builders.mixed_plan()), color=True
    ),
    "report.md": lambda: markdown.report_markdown(builders.report_of(builders.mixed_plan())),
    "report.json": lambda: document.to_json(
        document.report_document(builders.report_of(builders.mixed_plan()))
    ),
    "report-empty.txt": lambda: text.report_text(builders.report_of(builders.empty_plan())),
    "test.txt": lambda: text.test_text(builders.checks()),
    "test.json": lambda: document.to_json(document.test_document(builders.checks())),
    "problems.txt": lambda: problems.problems_text(builders.problems(), 12, 2),
    "problems.json": lambda: document.to_json(
        document.problems_document(builders.problems(), 12, 2)
    ),
    "problems.sarif": lambda: sarif.problems_sarif(builders.problems(), version="1.2.3"),
    "problems.xml": lambda: junit.problems_junit(builders.problems(), 12, 2),
    "problems-gitlab.json": lambda: gitlab.problems_gitlab(builders.problems()),
    "problems-github.txt": lambda: github.problems_github(builders.problems(), 12, 2),
    "problems.md": lambda: summary.problems_markdown(builders.problems(), 12, 2),
    "test.xml": lambda: junit.test_junit(builders.checks()),
    "test.md": lambda: summary.test_markdown(builders.checks()),
    "error.json": lambda: document.to_json(document.error_document("unreachable", "no answer", 1)),
    "hostile.txt": lambda: "\n".join(
        text.plan_text(builders.hostile_plan(item)) for item in builders.HOSTILE
    ),
    "hostile.md": lambda: "\n\n".join(
        markdown.plan_markdown(builders.hostile_plan(item)) for item in builders.HOSTILE
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_rendering_is_the_one_that_was_reviewed(name: str) -> None:
    path, made = GOLDENS / name, CASES[name]() + "\n"
    if os.environ.get("RECONCILER_UPDATE_GOLDENS") == "1":
        path.write_text(made, encoding="utf-8", newline="")
    assert made == path.read_bytes().decode(), f"{name}: RECONCILER_UPDATE_GOLDENS=1 rewrites it"


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {path.name for path in GOLDENS.iterdir()} == set(CASES)
