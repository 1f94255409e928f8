"""The rules of providers, and the checks that prove each."""

from __future__ import annotations

from reconciler.providers.conformance.checks import CHECKS, RULES


def conformance_rules() -> str:
    """A table: the rule, what it promises, its checks."""
    rows = ["| rule | promise | checks |", "| --- | --- | --- |"]
    for rule, promise in RULES.items():
        checks = "; ".join(row.name for row in CHECKS if row.rule == rule)
        rows.append(f"| {rule} | {promise} | {checks} |")
    return "\n".join(rows)
