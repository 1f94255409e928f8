"""Problems and test results as Markdown, for job summaries and comments.

Plans and reports are in `markdown.py`. Here too, the first line is a hidden marker, and a note
reports left-out parts.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.model.problem import Problem
from reconciler.core.results.reports import Check, TestReport
from reconciler.rendering.escape import code, prose
from reconciler.rendering.hints import check_hint
from reconciler.rendering.markdown import LIMIT, fill
from reconciler.rendering.problems import problems_summary
from reconciler.rendering.wording import check_result, test_summary, test_warnings


def _problem(problem: Problem) -> str:
    hint = f"\n  - hint: {prose(problem.hint)}" if problem.hint else ""
    return (
        f"- **{problem.severity}** {code(str(problem.origin))}: {prose(problem.message)} "
        f"({code(problem.rule)}){hint}"
    )


def problems_markdown(problems: Iterable[Problem], documents: int, skipped: int) -> str:
    """Marker, title, summary; then the problems as far as they fit, the errors first."""
    all_problems = tuple(problems)
    summary = problems_summary(all_problems, documents, skipped)
    sorted_problems = sorted(all_problems, key=lambda problem: problem.severity != "error")
    head = "\n".join(
        [
            "<!-- reconciler:problems -->",
            "### Manifests",
            "",
            f"**{summary}**",
            *([""] if all_problems else []),
        ]
    )
    return fill(head, map(_problem, sorted_problems), "", "problem")


def _check(check: Check) -> str:
    delivery = check.delivery
    detail = f", {prose(delivery.detail)}" if delivery.detail else ""
    word = "passed" if check.passed else "**failed**" if check.tested else "**not tested**"
    result = check_result(check)
    description = f"{result} in {delivery.seconds:.2f} s{detail}" if check.tested else prose(result)
    hint = check_hint(check)
    hint_line = f"\n  - hint: {prose(hint)}" if hint else ""
    return (
        f"- {word} {code(delivery.webhook)} {code(str(delivery.event))} via "
        f"{prose(check.via)}: {description}{hint_line}"
    )


def test_markdown(test_report: TestReport, limit: int = LIMIT) -> str:  # noqa: PT028  no test: it renders those of `test`
    """Marker, title, summary; then the checks as far as they fit, what failed first."""
    sorted_checks = sorted(test_report.checks, key=lambda check: (check.passed, not check.tested))
    top = [
        "<!-- reconciler:test -->",
        "### Test",
        "",
        f"**{test_summary(test_report)}**",
        *([""] if sorted_checks else []),
    ]
    warnings = [f"- warning: {prose(warning)}" for warning in test_warnings(test_report)]
    return fill("\n".join([*top, *warnings]), map(_check, sorted_checks), "", "check", limit)
