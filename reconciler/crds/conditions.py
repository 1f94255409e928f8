"""Conditions of a JSON Schema between the fields of one object, as CEL rules.

`if`, `then`, `else`, `not`, `anyOf`, `allOf` and `required` are read as the project's schemas use
them: they ask which fields are there, and which word a field has. Another keyword in a condition
is an error, so that no rule is lost in silence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from reconciler.crds.expressions import FALSE, TRUE, Expression, both, either, make_atom, negate
from reconciler.crds.patterns import quote

_HAS: Final = re.compile(r"has\(self\.(\w+)\)")
_SAYS_NOTHING: Final = frozenset({"title", "description", "$comment"})
_CONDITIONS: Final = frozenset({"required", "properties", "not", "anyOf", "oneOf", "allOf"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL rule of an object, and the message for an object that breaks it."""

    expression: Expression
    message: str

    def find_required(self) -> str | None:
        """The field that has to be there, if the rule says nothing else."""
        text = str(self.expression)
        found = _HAS.fullmatch(text)
        return found[1] if found else None

    def as_validation(self) -> dict[str, str]:
        """As an entry of x-kubernetes-validations."""
        return {"rule": str(self.expression), "message": self.message}


@dataclass(frozen=True, slots=True)
class Scope:
    """The object that the rules are about: its name in messages, and the fields that the structural
    schema has. A field that is left out there is never present.
    """

    name: str
    fields: Collection[str]


def list_rules(schema: dict[str, Any], scope: Scope) -> Iterator[Rule]:
    """The rules of a schema itself, without those of its fields."""
    if "if" in schema:
        condition = make_condition(schema["if"], scope)
        words = _find_words(schema["if"])
        yield from _guard(condition, _list_branch_rules(schema.get("then", {}), scope, words))
        yield from _guard(negate(condition), _list_branch_rules(schema.get("else", {}), scope, ""))
    if "not" in schema:
        rule = negate(make_condition(schema["not"], scope))
        yield from _make(rule, f"{scope.name}: {_lower(schema['title'])}, not both")
    for part in schema.get("allOf", ()):
        if "$comment" not in part:  # the others are about one field, or left out with a reason
            yield from list_rules(part, scope)


def make_condition(schema: dict[str, Any], scope: Scope) -> Expression:
    """Whether an object has the fields and the words of a schema."""
    unknown = set(schema) - _SAYS_NOTHING - _CONDITIONS
    if schema.get("type") == "object":  # which the structural schema says already
        unknown -= {"type"}
    if unknown:
        raise ValueError(f"no condition that becomes a CEL rule: {', '.join(sorted(unknown))}")
    required = schema.get("required", ())
    parts = [_has(name, scope) for name in required]
    for name, field in schema.get("properties", {}).items():
        if field is not True:
            absent = FALSE if name in required else negate(_has(name, scope))
            parts.append(either([absent, _make_equal(name, field)]))
    if "not" in schema:
        parts.append(negate(make_condition(schema["not"], scope)))
    parts += [make_condition(part, scope) for part in schema.get("allOf", ())]
    if "anyOf" in schema:
        parts.append(either(make_condition(part, scope) for part in schema["anyOf"]))
    if "oneOf" in schema:
        parts.append(_make_one(schema["oneOf"], scope))
    return both(parts)


def _make_one(parts: list[dict[str, Any]], scope: Scope) -> Expression:
    """Exactly one of the conditions."""
    found = [make_condition(part, scope) for part in parts]
    pairs = [negate(both([one, other])) for n, one in enumerate(found) for other in found[n + 1 :]]
    return both([either(found), *pairs])


def _list_branch_rules(schema: dict[str, Any], scope: Scope, words: str) -> Iterator[Rule]:
    title = schema.get("title", "")
    hint = f"; add {title}" if " or " in title else ""
    for name in schema.get("required", ()):
        yield from _make(_has(name, scope), f"{scope.name} lacks the field {name!r}{hint}")
    if schema.get("additionalProperties") is False:
        known = [name for name in schema.get("properties", {}) if name in scope.fields]
        rule = both(negate(_has(name, scope)) for name in scope.fields if name not in known)
        yield from _make(
            rule, f"{scope.name} has an unknown field; known with {words}: {', '.join(known)}"
        )
    yield from list_rules(schema, scope)


def _guard(condition: Expression, rules: Iterator[Rule]) -> Iterator[Rule]:
    """The rules, for the objects that meet a condition."""
    for rule in rules:
        yield from _make(either([negate(condition), rule.expression]), rule.message)


def _make(expression: Expression, message: str) -> Iterator[Rule]:
    if expression != TRUE:
        yield Rule(expression, message)


def _find_words(condition: dict[str, Any]) -> str:
    """What a condition asks for, such as `type basic`."""
    fields = condition.get("properties", {}).items()
    return ", ".join(f"{name} {field['const']}" for name, field in fields if "const" in field)


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]


def _has(name: str, scope: Scope) -> Expression:
    return make_atom(f"has(self.{name})") if name in scope.fields else FALSE


def _make_equal(name: str, field: dict[str, Any]) -> Expression:
    words = [field["const"]] if "const" in field else field["enum"]
    return either(make_atom(f"self.{name} == {quote(word)}") for word in words)
