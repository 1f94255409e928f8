"""Each invalid manifest stands beside the exact problems expected of it: a new case is two new
files.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.model.problem import Problem
from reconciler.manifests import load
from tests.support.requests import make_request

CASES = sorted(
    path for path in (Path(__file__).parent / "invalid").iterdir() if path.suffix != ".expected"
)


def problems_of(*paths: Path | str, **options: object) -> tuple[Problem, ...]:
    try:
        return load(make_request(paths=tuple(map(str, paths)), lenient=True, **options)).problems
    except InvalidManifests as error:
        return error.problems


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_invalid_manifest_gets_exactly_its_problems(case: Path) -> None:
    found = [[p.origin.line, p.origin.column, p.rule, p.severity] for p in problems_of(case)]
    assert found == json.loads(case.with_suffix(".expected").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
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


def test_a_problem_in_a_long_document_is_reported_as_in_a_short_one(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "invalid" / "unknown-field.yaml").read_text()
    (tmp_path / "a.yaml").write_text(
        text + "  previously:\n" + "".join(f"  - n{number}\n" for number in range(5_000))
    )
    short, long = (
        problems_of(Path(__file__).parent / "invalid" / "unknown-field.yaml"),
        problems_of(tmp_path / "a.yaml"),
    )
    assert [(p.pointer, p.message, p.hint, p.origin.line) for p in short] == [
        (p.pointer, p.message, p.hint, p.origin.line) for p in long
    ]


def test_beyond_a_thousand_problems_of_a_file_the_last_one_says_so(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "invalid" / "unknown-field.yaml").read_text()
    (tmp_path / "schema.yaml").write_text(
        text + "".join(f"  x{number}: 1\n" for number in range(2_000))
    )
    (tmp_path / "reader.yaml").write_text("".join(f"- !x {number}\n" for number in range(2_000)))
    for name, count in (("schema", 1_000), ("reader", 1_000)):
        found = problems_of(tmp_path / f"{name}.yaml")
        assert len(found) == count + 1
        assert next(
            p.message for p in found if p.rule in {"document/limit", "yaml/limit"}
        ).startswith("over 1,000 problems")
