"""Problems as GitHub workflow commands, which the runner turns into annotations of a pull request's
lines.

Source of syntax and escapes: GitHub's documentation, "Workflow commands", and its toolkit's
`command.ts`.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.model.problem import Problem
from reconciler.rendering.escape import terminal
from reconciler.rendering.problems import problems_summary


def _data(text: str) -> str:
    """What may stand after the second `::`. Other controls are escapes already: `terminal` leaves
    one visible line.
    """
    return terminal(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _command(problem: Problem) -> str:
    origin = problem.origin
    hint = f"%0Ahint: {_data(problem.hint)}" if problem.hint else ""
    place = f"file={_property(origin.file)},line={origin.line},col={origin.column}"
    place += f",title={_property(problem.rule)}"
    return f"::{problem.severity} {place}::{_data(problem.message)}{hint}"


def problems_github(problems: Iterable[Problem], documents: int, skipped: int) -> str:
    """One command a problem, the errors first since the runner shows ten of a kind; then the
    summary as plain text.
    """
    all_problems = tuple(problems)
    sorted_problems = sorted(all_problems, key=lambda problem: problem.severity != "error")
    return "\n".join(
        [*map(_command, sorted_problems), problems_summary(all_problems, documents, skipped)]
    )
