"""The product's own fields of a webhook, `spec.options`, by the JSON Schema of its provider.

A property with `x-secret: true` is a secret: a manifest has a reference there, `Webhook.options` a
`Secret` if it is to be sent, else a `Withheld`, since a product does not return it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.core.model.secret import Secret, Withheld

KEYWORD: Final = "x-secret"
"""The keyword of a property whose values are secrets."""

Options = Mapping[str, Any]


def find_part(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The schema of one option, by its name or a pattern of names; empty if there is none."""
    found: Mapping[str, Any] | None = schema.get("properties", {}).get(name)
    if found is not None:
        return found
    patterns: Mapping[str, Mapping[str, Any]] = schema.get("patternProperties", {})
    return next((part for text, part in patterns.items() if re.search(text, name)), {})


def list_parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The name and schema of each option; a pattern of names goes by its title."""
    yield from schema.get("properties", {}).items()
    for text, part in schema.get("patternProperties", {}).items():
        yield part.get("title", text), part


def is_secret(part: Mapping[str, Any]) -> bool:
    """Whether the values of an option are secrets."""
    return part.get(KEYWORD) is True


def is_hidden(value: object) -> bool:
    """Whether the value of an option is a secret, to be sent or withheld."""
    return isinstance(value, Secret | Withheld)


def list_secrets(options: Options) -> dict[str, Secret]:
    """The options that are secrets to be sent."""
    return {name: value for name, value in options.items() if isinstance(value, Secret)}


def withhold(options: Options) -> Options:
    """The options as a product answers them: of a secret the version only."""
    if not any(isinstance(value, Secret) for value in options.values()):
        return options
    return {
        name: Withheld(value.version) if isinstance(value, Secret) else value
        for name, value in options.items()
    }
