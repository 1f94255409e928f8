"""The rules of an organisation, held against planned webhooks.

A Rule is a Policy manifest; what its JSON Schema says comes in as a function, so that nothing here
knows a validator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal

from reconciler.core.change import POLICY_PREFIX
from reconciler.core.model.webhook import Declared, Origin, Steps
from reconciler.core.safety.planned_document import manifest_path, origin, planned

Enforce = Literal["deny", "warn"]
Faults = Callable[[dict[str, Any]], Iterable[tuple[Steps, str]]]
_MOST: Final = 10  # breaches of one rule by one webhook; more tell nobody more


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
    `said` by the schema.
    """

    rule: Rule
    name: str
    path: Steps
    origin: Origin
    said: str

    @property
    def message(self) -> str:
        """The webhook, what the rule wants, what its schema said."""
        return f"{self.name}: {self.rule.message} ({self.said})"


def breaches(
    rules: Iterable[Rule], declared: Declared, literals: AbstractSet[str]
) -> Iterator[Breach]:
    """What rules refuse of one planned webhook; `literals` are the urls that may be shown in
    full.
    """
    mine = [rule for rule in rules if rule.looks_at(declared.labels)]
    body = planned(declared, literals) if mine else {}
    for rule in mine:
        for steps, said in islice(rule.faults(body), _MOST):
            field_name = ".".join(map(str, steps)) or "the webhook"
            yield Breach(
                rule,
                declared.spec.name,
                manifest_path(steps),
                origin(declared, steps),
                f"{field_name}: {said}",
            )
