"""Which Tenant selects which Webhook: webhooks that two Tenants of one target select, that none
selects, that one leaves out.

`load.py` asks it once the Tenants and Webhooks of a run are read. Labels alone decide, which no
patch changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin
from reconciler.core.safety.selection import LeftOut, Selection
from reconciler.manifests.decode.loaded import TenantSpec
from reconciler.manifests.decode.tenants import target
from reconciler.manifests.yaml.places import Document, Path

_NAMED: Final = 5  # webhooks that a message names; the rest are counted
_SELECTS: Final = 3  # selectors that a hint names

Select = frozenset[tuple[str, str]]


@dataclass(slots=True)
class Webhooks:
    """The Webhook documents of a run, found by label; a webhook is its position among them."""

    documents: Sequence[Document]
    _by_label: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    _selected: dict[Select, Sequence[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Files every webhook under each of its labels."""
        for position, document in enumerate(self.documents):
            for label in labels(document).items():
                self._by_label[label].append(position)

    def select(self, wanted: Mapping[str, str]) -> Sequence[int]:
        """The webhooks that have all these labels, every one for none."""
        select = frozenset(wanted.items())
        if select not in self._selected:
            self._selected[select] = self._find(select)
        return self._selected[select]

    def _find(self, select: Select) -> Sequence[int]:
        if not select:
            return range(len(self.documents))
        rarest = min((self._by_label.get(label, []) for label in select), key=len)
        return [
            position for position in rarest if select <= labels(self.documents[position]).items()
        ]


def labels(document: Document) -> Mapping[str, str]:
    """The labels of a Webhook."""
    found: Mapping[str, str] = document.value["metadata"].get("labels") or {}
    return found


def overlaps(tenants: Sequence[tuple[Document, TenantSpec]], webhooks: Webhooks) -> list[Problem]:
    """An error at every Tenant that selects a webhook which an earlier one of equal url (or local)
    and another owner selects.
    """
    groups: dict[str, list[tuple[Document, TenantSpec]]] = defaultdict(list)
    for document, spec in tenants:
        groups[target(spec)].append((document, spec))
    return [
        problem
        for group in groups.values()
        if len(group) > 1
        for problem in _overlaps(group, webhooks)
    ]


def _overlaps(
    group: Iterable[tuple[Document, TenantSpec]], webhooks: Webhooks
) -> Iterable[Problem]:
    """One problem per Tenant: with the first Tenant that it shares webhooks with.

    Two of one owner or name are another error.
    """
    first_of: dict[int, TenantSpec] = {}
    equal: dict[Select, TenantSpec] = {}
    for document, spec in group:
        selected = webhooks.select(spec.select)
        earlier = equal.setdefault(frozenset(spec.select.items()), spec)
        shared: dict[str, list[int]] = defaultdict(list)
        if (
            earlier is not spec
        ):  # it would share just the same, and thousands of Tenants must not cost minutes
            shared[earlier.name] = list(selected)
            others = {earlier.name: earlier}
        else:
            others = {}
            for position in selected:
                first = first_of.setdefault(position, spec)
                if first is not spec:
                    others[first.name] = first
                    shared[first.name].append(position)
        other = next(
            (
                item
                for item in others.values()
                if item.owner != spec.owner and item.name != spec.name
            ),
            None,
        )
        if other is not None and shared[other.name]:
            yield _overlap(
                document,
                spec,
                other,
                [webhooks.documents[position] for position in shared[other.name]],
            )


def _overlap(
    document: Document, spec: TenantSpec, other: TenantSpec, shared: Sequence[Document]
) -> Problem:
    where = "local" if spec.local is not None else "url"
    path: Path = ("spec", "select") if spec.select else ("spec", where)
    what = "file (local)" if spec.local is not None else "url"
    named = ", ".join(
        f"{item.value['metadata']['name']} ({_place(item.origin)})" for item in shared[:_NAMED]
    )
    more = f" and {len(shared) - _NAMED} more" if len(shared) > _NAMED else ""
    message = (
        f"Tenants {other.name} ({_place(other.origin)}) and {spec.name} have the same "
        f"{what}, and both select {named}{more}"
    )
    hint = "give each Tenant a select that matches only its own webhooks, such as by a team label"
    return document.problem(path, "tenant/overlap", message, hint)


def _place(origin: Origin) -> str:
    return f"{origin.file}:{origin.line}"


def unselected(tenants: Iterable[TenantSpec], webhooks: Webhooks) -> list[Problem]:
    """A warning for each webhook that no Tenant selects."""
    selects = {frozenset(spec.select.items()): spec.select for spec in tenants}
    if frozenset() in selects:
        return []
    selected = {position for select in selects.values() for position in webhooks.select(select)}
    texts = [Selection(labels=select).text for select in selects.values()]
    more = f" and {len(texts) - _SELECTS} more" if len(texts) > _SELECTS else ""
    hint = (
        f"the Tenants select {'; '.join(texts[:_SELECTS])}{more}: give it such labels, or remove it"
    )
    left = (
        document for position, document in enumerate(webhooks.documents) if position not in selected
    )
    return [_unselected(document, hint) for document in left]


def _unselected(document: Document, hint: str) -> Problem:
    path: Path = ("metadata", "labels") if labels(document) else ("metadata", "name")
    message = f"no Tenant selects {document.value['metadata']['name']}: no tenant has it"
    return document.problem(path, "webhook/unselected", message, hint, severity="warning")


def selection(chosen: TenantSpec | None, documents: Iterable[Document]) -> Selection:
    """What the Tenant in use selects, and the webhooks that it leaves out."""
    if chosen is None:
        return Selection()
    left = (
        (document for document in documents if not chosen.selects(labels(document)))
        if chosen.select
        else ()
    )
    return Selection(chosen.name, chosen.select, tuple(map(_left_out, left)))


def _left_out(document: Document) -> LeftOut:
    key, spec = document.value["metadata"]["name"], document.value["spec"]
    return LeftOut(key, spec.get("name", key), tuple(spec.get("previously", ())), document.origin)
