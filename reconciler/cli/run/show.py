"""Values on standard output, in the form that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.rendering.forms import render

if TYPE_CHECKING:
    from reconciler.cli.terminal.console import Console
    from reconciler.core.change import Plan
    from reconciler.core.results.reports import Report, TestReport


def show(console: Console, value: str, *parts: Any, indent: int | None = 2) -> None:
    """The parts of a value, such as a "plan"; `indent` is for json."""
    console.data(render(value, console.output, *parts, color=console.color, indent=indent))


def show_plan(console: Console, plan: Plan) -> None:
    """A plan; with -v as text, every scope of a fleet by name."""
    whole = (True,) if console.output == "text" and console.verbose else ()
    show(console, "plan", plan, *whole)


def show_report(console: Console, report: Report) -> None:
    """What was carried out."""
    show(console, "report", report)


def show_test(console: Console, report: TestReport) -> None:
    """What was tested."""
    show(console, "test", report)
