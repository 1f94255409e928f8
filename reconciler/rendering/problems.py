"""Problems of manifests for a terminal: lines without a final newline, foreign text escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.rendering.counts import show_count
from reconciler.rendering.escape import terminal
from reconciler.rendering.paint import Paint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.core.model.problem import Problem


def _problem_lines(problem: Problem, paint: Paint) -> Iterator[str]:
    severity = paint("red" if problem.severity == "error" else "yellow", problem.severity)
    yield (
        f"{terminal(str(problem.origin))}: {severity}: {terminal(problem.message)} "
        f"[{terminal(problem.rule)}]"
    )
    yield from (f"    {terminal(line)}" for line in (problem.excerpt or "").splitlines())
    if problem.hint:
        yield f"    hint: {terminal(problem.hint)}"


def problems_text(
    problems: Iterable[Problem], documents: int, skipped: int, *, color: bool = False
) -> str:
    """One line a problem in the order given, its hint below it, then the summary."""
    paint = Paint(enabled=color)
    all_problems = tuple(problems)
    lines = [line for problem in all_problems for line in _problem_lines(problem, paint)]
    return "\n".join(
        [
            *lines,
            *([""] if lines else []),
            paint("bold", problems_summary(all_problems, documents, skipped)),
        ]
    )


def problems_summary(problems: Sequence[Problem], documents: int, skipped: int) -> str:
    """The last line of `validate`."""
    errors = sum(problem.severity == "error" for problem in problems)
    counts = f"{show_count(errors, 'error')}, {show_count(len(problems) - errors, 'warning')}"
    return f"{show_count(documents, 'document')} ({skipped} skipped): {counts}."
