"""What was refused or not read to the end, and what other documents may still refer to there: one
fault is one problem.

`documents.py` fills it. The rules across documents ask it before they say that nothing has a name,
or that nothing matches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.model.limits import KEY
from reconciler.manifests.schema_texts import API
from reconciler.manifests.schemas.schema import is_valid
from reconciler.manifests.yaml.places import Document

Labels = frozenset[tuple[str, Any]] | None  # None: they are not known
_EFFORT: Final = 1_000_000  # comparisons of a run, each about 0.3 µs; beyond them everything may be
_SHORTEST: Final = {"apiVersion": API, "kind": "Webhook", "metadata": {"name": "x"}}
_PART: Final = 1_000  # characters that are searched in the time of a comparison


@dataclass(slots=True)
class Refused:
    """What is known of documents that the schema refused, and `texts` of files with a fault in
    their YAML.

    `unread`: there are files or paths of which nothing is known. `keys` are those of refused
    webhooks, `labels` their labels; `nameless` says that one has no key. `targets` are keys or
    selectors of refused EventSubscriptions. `named` holds the documents that have a valid name,
    `events` those whose events are valid by themselves.
    """

    keys: set[str] = field(default_factory=set)
    labels: set[Labels] = field(default_factory=set)
    targets: set[str | Labels] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    named: list[Document] = field(default_factory=list)
    events: list[Document] = field(default_factory=list)
    nameless: bool = False
    tenants: bool = False
    unread: bool = False
    _left: int = _EFFORT

    def add(self, document: Document) -> None:
        """Notes what a refused document may be to others."""
        value = document.value
        name = _part(value, "metadata", "name")
        known = isinstance(name, str) and KEY.fullmatch(name) is not None
        self.named.extend([document] if known else [])
        self.events.extend([document] if _has_valid_events(value) else [])
        if value.get("kind") == "EventSubscription":
            webhook = _part(value, "spec", "webhook")
            self.targets.add(
                webhook
                if isinstance(webhook, str)
                else _labels(_part(value, "spec", "selector", "matchLabels"))
            )
        elif value.get("kind") == "Tenant":
            self.tenants = True
        else:
            self.keys.update([name] if known else [])
            self.nameless |= not known
            self.labels.add(_labels(_part(value, "metadata").get("labels", {})) if known else None)

    def with_refused(self, documents: list[Document], kind: str) -> list[Document]:
        """Documents of a kind with the refused ones that have a name; in the order of their
        files.
        """
        refused = [document for document in self.named if document.value.get("kind") == kind]
        return (
            sorted([*documents, *refused], key=lambda item: (item.file.path, item.index))
            if refused
            else documents
        )

    def may_match(self, name: str | None, labels: Mapping[str, str]) -> bool:
        """Whether a refused webhook may have that name, or for None all these labels."""
        if self.unread or (name is not None and (name in self.keys or self.nameless)):
            return True
        words = [name] if name is not None else [*labels, *labels.values()]
        wanted = labels.items()
        return (
            name is None
            and any(self._tried() or known is None or wanted <= known for known in self.labels)
        ) or any(
            self._tried(len(text)) or all(word in text for word in words) for text in self.texts
        )

    def may_add_to(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a refused EventSubscription may be for the webhook of that name and these
        labels.
        """
        own = labels.items()
        return (
            self.unread
            or name in self.targets
            or any(
                self._tried() or known is None or (not isinstance(known, str) and known <= own)
                for known in self.targets
            )
            or any(self._tried(len(text)) or "EventSubscription" in text for text in self.texts)
        )

    def may_have_tenant(self) -> bool:
        """Whether there is a Tenant of which it is not known what it selects."""
        return self.unread or self.tenants or any("Tenant" in text for text in self.texts)

    def _tried(self, size: int = 0) -> bool:
        """Counts one comparison; true when there were too many."""
        self._left -= 1 + size // _PART
        return self._left < 0


def _part(value: Any, *steps: str) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _has_valid_events(value: Any) -> bool:
    events = _part(value, "spec", "events")
    return isinstance(events, list) and is_valid(
        "Webhook", {**_SHORTEST, "spec": {"url": "https://x", "events": events}}
    )


def _labels(value: Any) -> Labels:
    known = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    return frozenset(value.items()) if known else None
