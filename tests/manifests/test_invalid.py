"""Each invalid manifest stands beside the exact problems expected of it: a new case is two new files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.problem import Problem
from reconciler.manifests import Request, load

CASES = sorted((Path(__file__).parent / "invalid").glob("*.yaml"))


def problems_of(*paths: Path | str, **options: object) -> tuple[Problem, ...]:
    try:
        return load(Request(paths=tuple(map(str, paths)), all_tenants=True, **options)).problems
    except InvalidManifests as error:
        return error.problems


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_an_invalid_manifest_gets_exactly_its_problems(case: Path) -> None:
    found = [[p.origin.line, p.origin.column, p.rule, p.severity] for p in problems_of(case)]
    assert found == json.loads(case.with_suffix(".expected").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_no_message_quotes_a_literal_credential_or_a_url(case: Path) -> None:
    said = repr(problems_of(case))
    assert "hunter2" not in said
    assert "https://" not in said.replace("use https://", "").replace("https:// url", "")


def test_strict_makes_every_warning_an_error() -> None:
    found = problems_of(Path(__file__).parent / "invalid" / "no-events.yaml", strict=True)
    assert [(p.rule, p.severity) for p in found] == [("events/none", "error")]


def test_all_problems_of_all_files_come_at_once_sorted_by_file_and_line() -> None:
    found = problems_of(Path(__file__).parent / "invalid")
    assert list(found) == sorted(found, key=lambda p: (p.origin, p.pointer, p.rule))
    assert len({p.origin.file for p in found}) > 50
