"""Problems as SARIF 2.1.0, for code scanning.

Source of the shape: OASIS, Static Analysis Results Interchange Format 2.1.0; numbers below are its
sections.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from reconciler import __version__
from reconciler.core.model.problem import Problem
from reconciler.rendering.document import to_json
from reconciler.rendering.escape import terminal

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def fingerprints(problems: Iterable[Problem]) -> Iterator[str]:
    """32 hex digits for each problem, the same wherever it moves within its file, and never the
    same twice in a run.
    """
    counts: Counter[str] = Counter()
    for problem in problems:
        parts = [problem.origin.file, problem.rule, problem.pointer, problem.message]
        text = json.dumps(parts)  # escapes lone surrogates, and keeps the parts apart
        counts[text] += 1
        yield hashlib.sha256(f"{text}{counts[text]}".encode()).hexdigest()[:32]


def uri(file: str) -> str:
    """A file's path as a URI reference: relative as it is, absolute as `file:`."""
    path = quote(file.encode(errors="surrogateescape") if file.isprintable() else terminal(file))
    return f"file://{path}" if posixpath.isabs(file) else path


def _message(problem: Problem) -> str:
    """The message with its hint; braces are doubled (3.11.5), and nothing in it is a link
    (3.11.6).
    """
    hint = f" (hint: {problem.hint})" if problem.hint else ""
    text = terminal(f"{problem.message}{hint}")
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _result(problem: Problem, index: int, fingerprint: str) -> dict[str, Any]:
    origin = problem.origin
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri(origin.file)},
            "region": {"startLine": max(origin.line, 1), "startColumn": max(origin.column, 1)},
        }
    }
    if problem.pointer:
        place["logicalLocations"] = [{"fullyQualifiedName": terminal(problem.pointer)}]
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": problem.severity,
        "message": {"text": _message(problem)},
        "locations": [place],
        "partialFingerprints": {"reconcilerProblem/v1": fingerprint},
    }


def problems_sarif(
    problems: Iterable[Problem],
    _documents: int = 0,
    _skipped: int = 0,
    *,
    version: str = __version__,
) -> str:
    """One run with one result a problem, in the order given; `version` is the program's. Columns
    count characters.
    """
    all_problems = tuple(problems)
    rules = sorted({problem.rule for problem in all_problems})
    driver = {
        "name": "reconciler",
        "semanticVersion": version,
        "rules": [{"id": rule} for rule in rules],
    }
    fingerprinted = zip(all_problems, fingerprints(all_problems), strict=True)
    results = [_result(problem, rules.index(problem.rule), mark) for problem, mark in fingerprinted]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return to_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})
