"""The table of output forms: the function that renders a value in a form. A new form is a module
and its rows here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

# By value and form, `module.function` of this package. The function takes the value's parts; for
# text also `color`, and for json it returns a document.
FORMS: Final = {
    ("plan", "text"): "text.plan_text",
    ("plan", "json"): "document.plan_document",
    ("plan", "markdown"): "markdown.plan_markdown",
    ("drift", "text"): "text.drift_text",
    ("drift", "json"): "document.drift_document",
    ("drift", "markdown"): "markdown.drift_markdown",
    ("report", "text"): "text.report_text",
    ("report", "json"): "document.report_document",
    ("report", "markdown"): "markdown.report_markdown",
    ("test", "text"): "text.test_text",
    ("test", "json"): "document.test_document",
    ("test", "junit"): "ci.junit.test_junit",
    ("test", "markdown"): "summary.test_markdown",
    ("problems", "text"): "problems.problems_text",
    ("problems", "json"): "document.problems_document",
    ("problems", "sarif"): "ci.sarif.problems_sarif",
    ("problems", "junit"): "ci.junit.problems_junit",
    ("problems", "github"): "ci.github.problems_github",
    ("problems", "gitlab"): "ci.gitlab.problems_gitlab",
    ("problems", "markdown"): "summary.problems_markdown",
    ("runs", "text"): "runs.runs_text",
    ("runs", "json"): "runs.runs_document",
    ("runs", "junit"): "runs.runs_junit",
    ("runs", "markdown"): "runs.runs_markdown",
}


def list_forms(value: str) -> tuple[str, ...]:
    """The forms of a value, text first."""
    return tuple(form for kind, form in FORMS if kind == value)


def render(value: str, form: str, *parts: Any, color: bool = False, indent: int | None = 2) -> str:
    """The parts of a value in a form; only the module of that form is imported. `indent` is for
    json.
    """
    module, name = FORMS[value, form].rsplit(".", 1)
    function = getattr(import_module(f"reconciler.rendering.{module}"), name)
    if form == "json":
        from reconciler.rendering.document import to_json  # noqa: PLC0415  text needs none of it

        return to_json(function(*parts), indent=indent)
    text: str = function(*parts, color=color) if form == "text" else function(*parts)
    return text
