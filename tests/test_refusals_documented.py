"""docs/what-each-refusal-means.md: every rule and every kind of error has its heading there, and
nothing else has.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.cli.terminal.ending import Exit
from reconciler.core.change import POLICY_PREFIX
from reconciler.core.model.fields import list_plain_rows
from reconciler.manifests.policies.policy_schema import KEYWORDS
from reconciler.manifests.schema_texts import KINDS
from reconciler.manifests.schemas.schema import load_structure

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/what-each-refusal-means.md").read_text()
_RULE = re.compile(r"[a-z]+/[a-z][A-Za-z-]*")
_SAYS_NOTHING = {  # of the schemas of manifests: what describes, or is reported by the keyword below it
    "$defs", "$id", "$ref", "$schema", "allOf", "anyOf", "default", "description", "else",
    "examples", "if", "items", "oneOf",
    "properties", "then", "title",
}  # fmt: skip


def nodes(*folders: str) -> Iterator[ast.AST]:
    for folder in folders:
        for path in (ROOT / "reconciler" / folder).rglob("*.py"):
            yield from ast.walk(ast.parse(path.read_text()))


def texts(*folders: str) -> Iterator[str]:
    yield from (
        node.value
        for node in nodes(*folders)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def first_arguments(function: str, *folders: str) -> set[str]:
    """The literals in the first argument of every call."""
    calls = (
        node
        for node in nodes(*folders)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == function
    )
    given = (call.args[0] for call in calls if call.args)
    parts = (
        part
        for arg in given
        for part in ([arg.body, arg.orelse] if isinstance(arg, ast.IfExp) else [arg])
    )
    return {
        part.value
        for part in parts
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def keywords(part: object) -> Iterator[str]:
    """Every keyword of a schema that can refuse something."""
    if isinstance(part, list):
        yield from (word for item in part for word in keywords(item))
    if isinstance(part, dict):
        yield from (word for word in part if word in KEYWORDS)
        below = [
            value
            for word, value in part.items()
            if word not in {"properties", "$defs", "examples", "default", "const", "enum"}
        ]
        below += [
            value for word in ("properties", "$defs") for value in part.get(word, {}).values()
        ]
        yield from (word for value in below for word in keywords(value))


def headings(section: str) -> list[str]:
    """Those of third level below one of second level."""
    found = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return [line.strip("`") for line in re.findall(r"^### (.*)$", found[1], re.MULTILINE)]


def problem_headings() -> list[str]:
    sections = re.findall(r"^## (Problems of .*)$", PAGE, re.MULTILINE)
    return [name for section in sections for name in headings(section)]


def test_every_exit_code_is_explained() -> None:
    assert headings("Exit codes") == [f"Exit code {code}" for code in sorted(Exit)]


def test_every_violation_is_explained() -> None:
    assert sorted(headings("Violations of a plan")) == sorted(
        {*first_arguments("Violation", "core"), f"{POLICY_PREFIX}NAME"}
    )


def test_every_problem_of_manifests_is_explained() -> None:
    rules = {text for text in texts("manifests", "cli") if _RULE.fullmatch(text)} - {
        "application/json"
    }
    said = {
        f"schema/{word}"
        for name in KINDS.values()
        for word in keywords(load_structure(name))
        if word not in _SAYS_NOTHING
    }
    checked = {f"webhook/{row.name}" for row in list_plain_rows() if row.type is str}
    assert sorted(problem_headings()) == sorted(rules | said | checked)


def test_every_kind_of_an_error_is_explained() -> None:
    kinds = {
        str(node.value.value)
        for node in nodes("core")
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target) == "kind"
        and isinstance(node.value, ast.Constant)
    }
    ended = {str(node.args[1].value) for node in nodes("cli") if is_end(node)}
    outcomes = first_arguments("Failure", "core", "cli", ".")
    assert sorted(headings("Kinds of errors")) == sorted({*kinds, *ended, *outcomes})
    printed = json.loads((ROOT / "schemas/error.schema.json").read_text())["properties"]["kind"][
        "examples"
    ]
    assert printed == sorted({*kinds, *ended} - {"invalid-manifests"})


def is_end(node: ast.AST) -> bool:
    """A call of `_end` with the kind as text."""
    named = isinstance(node, ast.Call) and getattr(node.func, "id", None) == "_end"
    return named and isinstance(node.args[1], ast.Constant)  # type: ignore[attr-defined]  `named` says that it is a call


def test_every_explanation_says_what_to_do() -> None:
    parts = re.split(r"^### (.*)$", PAGE, flags=re.MULTILINE)[1:]
    silent = [
        name for name, body in zip(parts[::2], parts[1::2], strict=True) if "*Fix*" not in body
    ]
    assert silent == ["Exit code 0", "`error`"]
