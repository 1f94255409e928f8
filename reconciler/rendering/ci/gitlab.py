"""Problems as a GitLab code quality report.

Source of the shape: GitLab's documentation, "Code Quality report format", a subset of Code
Climate's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from reconciler.core.model.problem import Problem
from reconciler.rendering.ci.sarif import fingerprints
from reconciler.rendering.document import to_json
from reconciler.rendering.escape import terminal

_SEVERITY: Final = {"error": "major", "warning": "minor"}


def _entry(problem: Problem, fingerprint: str) -> dict[str, Any]:
    hint = f" (hint: {problem.hint})" if problem.hint else ""
    return {
        "description": terminal(f"{problem.message}{hint}"),
        "check_name": problem.rule,
        "fingerprint": fingerprint,
        "severity": _SEVERITY[problem.severity],
        "location": {
            "path": terminal(problem.origin.file),
            "lines": {"begin": max(problem.origin.line, 1)},
        },
    }


def problems_gitlab(problems: Iterable[Problem], _documents: int = 0, _skipped: int = 0) -> str:
    """A list with one entry a problem; none is an empty list. GitLab wants paths relative to the
    repository: run it there.
    """
    all_problems = tuple(problems)
    return to_json(
        [
            _entry(problem, mark)
            for problem, mark in zip(all_problems, fingerprints(all_problems), strict=True)
        ]
    )
