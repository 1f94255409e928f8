"""The violations of a plan, from the code that makes them."""

from __future__ import annotations

import ast
from pathlib import Path

from markdown_table import code, table

import reconciler.core
from reconciler.core.change import POLICY_PREFIX, Violation


def _literals(part: ast.expr) -> list[str]:
    if isinstance(part, ast.IfExp):
        return [*_literals(part.body), *_literals(part.orelse)]
    return [part.value] if isinstance(part, ast.Constant) and isinstance(part.value, str) else []


def rules() -> list[str]:
    """The rule of every `Violation` that core makes."""
    found = {f"{POLICY_PREFIX}NAME"}
    for path in Path(reconciler.core.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Violation":
                found.update(rule for part in node.args[:1] for rule in _literals(part))
    return sorted(found)


def violation_rules() -> str:
    """Every rule, whether `--accept` passes it, and a link to what to do about it."""
    rows = [
        [
            code(rule),
            "yes" if Violation(rule, "").is_acceptable else "no",
            f"[cause and fix](what-each-refusal-means.md#{rule.replace('/', '').lower()})",
        ]
        for rule in rules()
    ]
    return table(["rule", "passed by `--accept DIGEST`", ""], rows)
