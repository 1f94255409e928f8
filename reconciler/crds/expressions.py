"""Expressions of CEL that are true or false: built from parts, simplified, and printed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Expression:
    """`operator` is "" for an atom, whose `text` is CEL; `!`, `&&` or `||` join `parts`."""

    operator: str
    text: str = ""
    parts: tuple[Expression, ...] = ()

    def __str__(self) -> str:
        if not self.operator:
            return self.text
        texts = [f"({part})" if len(part.parts) > 1 else str(part) for part in self.parts]
        return f"!{texts[0]}" if self.operator == "!" else f" {self.operator} ".join(texts)


TRUE: Final = Expression("", "true")
FALSE: Final = Expression("", "false")


def make_atom(text: str) -> Expression:
    """A call, or a comparison by ==."""
    return Expression("", text)


def negate(expression: Expression) -> Expression:
    """The opposite."""
    if expression in {TRUE, FALSE}:
        return FALSE if expression == TRUE else TRUE
    if expression.operator == "!":
        return expression.parts[0]
    if expression.operator:
        join = both if expression.operator == "||" else either
        return join(negate(part) for part in expression.parts)
    if " == " in expression.text:
        return make_atom(expression.text.replace(" == ", " != ", 1))
    return Expression("!", parts=(expression,))


def both(expressions: Iterable[Expression]) -> Expression:
    """All of them."""
    return _join("&&", TRUE, FALSE, expressions)


def either(expressions: Iterable[Expression]) -> Expression:
    """At least one of them."""
    return _join("||", FALSE, TRUE, expressions)


def _join(
    operator: str, neutral: Expression, decisive: Expression, expressions: Iterable[Expression]
) -> Expression:
    parts: list[Expression] = []
    for expression in expressions:
        nested = expression.parts if expression.operator == operator else (expression,)
        parts += [part for part in nested if part != neutral and part not in parts]
    if decisive in parts:
        return decisive
    if len(parts) < 2:
        return parts[0] if parts else neutral
    return Expression(operator, parts=tuple(parts))
