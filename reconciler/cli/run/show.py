"""Plans, reports and tests on standard output, in the form that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.cli.terminal.console import Console

if TYPE_CHECKING:
    from reconciler.core.results.reports import Report, TestReport


def show_plan(console: Console, made: Any) -> None:
    """A plan in the form that was asked for."""
    if console.output == "json":
        from reconciler.render import document  # noqa: PLC0415  one form a run

        console.data(document.to_json(document.plan_document(made)))
    elif console.output == "markdown":
        from reconciler.render import markdown  # noqa: PLC0415  one form a run

        console.data(markdown.plan_markdown(made))
    else:
        from reconciler.render import text  # noqa: PLC0415  one form a run

        console.data(text.plan_text(made, color=console.color))


def show_report(console: Console, report: Report) -> None:
    """What was carried out."""
    from reconciler.render import document, markdown, text  # noqa: PLC0415  as above

    if console.output == "json":
        console.data(document.to_json(document.report_document(report)))
    elif console.output == "markdown":
        console.data(markdown.report_markdown(report))
    else:
        console.data(text.report_text(report, color=console.color))


def show_test(console: Console, report: TestReport) -> None:
    """What was tested, in the form that was asked for."""
    console.data(_rendered(console, report))


def _rendered(console: Console, report: TestReport) -> str:
    from reconciler.render import document, junit, summary, text  # noqa: PLC0415  as above

    match console.output:
        case "json":
            return document.to_json(document.test_document(report))
        case "junit":
            return junit.test_junit(report)
        case "markdown":
            return summary.test_markdown(report)
    return text.test_text(report, color=console.color)
