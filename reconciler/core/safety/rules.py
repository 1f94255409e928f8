"""The rules of an organisation, applied to planned webhooks.

A Rule is a Policy manifest. Its JSON Schema comes in as a function, so this module knows no
validator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal

from reconciler.core.change import POLICY_PREFIX
from reconciler.core.model.webhook import Declared, Origin, Steps
from reconciler.core.safety.planned_document import (
    find_origin,
    make_planned_document,
    manifest_path,
)

Enforce = Literal["deny", "warn"]
Faults = Callable[[dict[str, Any]], Iterable[tuple[Steps, str]]]
_MOST: Final = 10  # breaches of one rule by one webhook; more do not help a reader


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `labels` are those that a webhook must have for it, {} for every webhook; `enforce`
    is what a breach does.

    `faults` gives, for a webhook as `planned` shows it, where its schema refuses it and in which
    words, which quote no value.
    """

    name: str
    message: str
    enforce: Enforce
    labels: Mapping[str, str]
    origin: Origin
    faults: Faults = field(compare=False, repr=False)

    @property
    def id(self) -> str:
        """How violations and problems call it."""
        return POLICY_PREFIX + self.name

    def looks_at(self, labels: Mapping[str, str]) -> bool:
        """Whether a webhook with these labels has to keep it."""
        return all(labels.get(label) == value for label, value in self.labels.items())


@dataclass(frozen=True, slots=True)
class Breach:
    """One place of a webhook that a rule refuses: `path` in its manifest, `origin` where to look,
    `text` by the schema.
    """

    rule: Rule
    name: str
    path: Steps
    origin: Origin
    text: str

    @property
    def message(self) -> str:
        """The webhook, the rule's message, and the fault."""
        return f"{self.name}: {self.rule.message} ({self.text})"


def find_breaches(
    rules: Iterable[Rule], declared: Declared, literals: AbstractSet[str]
) -> Iterator[Breach]:
    """What rules refuse of one planned webhook; `literals` are the urls that may be shown in
    full.
    """
    document = [rule for rule in rules if rule.looks_at(declared.labels)]
    body = make_planned_document(declared, literals) if document else {}
    for rule in document:
        for steps, faults in islice(rule.faults(body), _MOST):
            field_name = ".".join(map(str, steps)) or "the webhook"
            yield Breach(
                rule,
                declared.spec.name,
                manifest_path(declared, steps),
                find_origin(declared, steps),
                f"{field_name}: {faults}",
            )
