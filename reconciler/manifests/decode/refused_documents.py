"""Documents that were refused or not read to the end, and what other documents may still refer to
there. So one fault makes one problem.

`documents.py` fills it. The rules across documents ask it before they report that a name or a match
does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.core.model.limits import KEY
from reconciler.manifests.schema_texts import API
from reconciler.manifests.schemas.schema import is_valid
from reconciler.manifests.yaml.document import Document

Labels = frozenset[tuple[str, Any]] | None  # None: they are not known
_EFFORT: Final = 1_000_000  # comparisons of a run, each about 0.3 µs; beyond them everything may be
_SHORTEST: Final = {"apiVersion": API, "kind": "Webhook", "metadata": {"name": "x"}}
_PART: Final = 1_000  # characters that are searched in the time of a comparison


@dataclass(slots=True, eq=False, repr=False)
class RefusedDocuments:
    """What is known of documents that the schema refused, and the `texts` of files with a fault in
    their YAML.

    `is_incomplete`: nothing is known of some files or paths. `keys` and `labels` are those of
    refused webhooks; `has_nameless`: a refused webhook has no key. `targets` are keys or selectors
    of refused EventSubscriptions. `named_documents` have a valid name. `events` holds the documents
    whose events are valid by themselves.
    """

    keys: set[str] = field(default_factory=set)
    labels: set[Labels] = field(default_factory=set)
    targets: set[str | Labels] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    named_documents: list[Document] = field(default_factory=list)
    events: list[Document] = field(default_factory=list)
    has_nameless: bool = False
    has_tenant: bool = False
    is_incomplete: bool = False
    _remaining: int = _EFFORT

    def add(self, document: Document) -> None:
        """Notes what other documents may refer to in a refused document."""
        value = document.value
        name = _get_part(value, "metadata", "name")
        has_name = isinstance(name, str) and KEY.fullmatch(name) is not None
        self.named_documents.extend([document] if has_name else [])
        self.events.extend([document] if _has_valid_events(value) else [])
        if value.get("kind") == "EventSubscription":
            webhook = _get_part(value, "spec", "webhook")
            self.targets.add(
                webhook
                if isinstance(webhook, str)
                else _read_labels(_get_part(value, "spec", "selector", "matchLabels"))
            )
        elif value.get("kind") == "Tenant":
            self.has_tenant = True
        else:
            self.keys.update([name] if has_name else [])
            self.has_nameless |= not has_name
            self.labels.add(
                _read_labels(_get_part(value, "metadata").get("labels", {})) if has_name else None
            )

    def include_refused(self, documents: list[Document], kind: str) -> list[Document]:
        """Documents of a kind, with the refused ones that have a name, in the order of their
        files.
        """
        refused_documents = [
            document for document in self.named_documents if document.value.get("kind") == kind
        ]
        return (
            sorted([*documents, *refused_documents], key=lambda item: (item.file.path, item.index))
            if refused_documents
            else documents
        )

    def may_match(self, name: str | None, labels: Mapping[str, str]) -> bool:
        """Whether a refused webhook may have that name; if it is None, all these labels."""
        if self.is_incomplete or (name is not None and (name in self.keys or self.has_nameless)):
            return True
        words = [name] if name is not None else [*labels, *labels.values()]
        match_labels = labels.items()
        return (
            name is None
            and any(
                self._count_comparison() or refused_labels is None or match_labels <= refused_labels
                for refused_labels in self.labels
            )
        ) or any(
            self._count_comparison(len(text)) or all(word in text for word in words)
            for text in self.texts
        )

    def may_add_to(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a refused EventSubscription may be for the webhook of that name and these
        labels.
        """
        webhook_labels = labels.items()
        return (
            self.is_incomplete
            or name in self.targets
            or any(
                self._count_comparison()
                or target is None
                or (not isinstance(target, str) and target <= webhook_labels)
                for target in self.targets
            )
            or any(
                self._count_comparison(len(text)) or "EventSubscription" in text
                for text in self.texts
            )
        )

    def may_have_tenant(self) -> bool:
        """Whether a Tenant may exist whose selection is not known."""
        return self.is_incomplete or self.has_tenant or any("Tenant" in text for text in self.texts)

    def _count_comparison(self, size: int = 0) -> bool:
        """Counts one comparison; true if the limit is passed."""
        self._remaining -= 1 + size // _PART
        return self._remaining < 0


def _get_part(value: Any, *steps: str) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _has_valid_events(value: Any) -> bool:
    events = _get_part(value, "spec", "events")
    return isinstance(events, list) and is_valid(
        "Webhook", {**_SHORTEST, "spec": {"url": "https://x", "events": events}}
    )


def _read_labels(value: Any) -> Labels:
    is_valid_labels = isinstance(value, dict) and all(
        isinstance(text, str) for text in value.values()
    )
    return frozenset(value.items()) if is_valid_labels else None
