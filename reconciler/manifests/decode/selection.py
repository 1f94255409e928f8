"""Which Tenant selects which Webhook: webhooks that two Tenants of one target select, that no
Tenant selects, that the Tenant in use leaves out.

Labels alone decide. A patch changes no label.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.model.problem import Problem
from reconciler.core.model.webhook import Origin
from reconciler.core.safety.selection import LeftOut, Selection
from reconciler.manifests.decode.load_types import TenantSpec
from reconciler.manifests.decode.tenants import normalize_target
from reconciler.manifests.yaml.document import Document, Path

_MAX_NAMED: Final = 5  # webhooks that a message lists; the rest are counted
_MAX_SELECTORS: Final = 3  # selectors that a hint lists

Select = frozenset[tuple[str, str]]


@dataclass(slots=True, eq=False, repr=False)
class WebhookIndex:
    """The Webhook documents of a run, found by label; a webhook is its position among them."""

    documents: Sequence[Document]
    _by_label: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    _cache: dict[Select, Sequence[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Files every webhook under each of its labels."""
        for position, document in enumerate(self.documents):
            for label in read_labels(document).items():
                self._by_label[label].append(position)

    def select(self, match_labels: Mapping[str, str]) -> Sequence[int]:
        """The positions of the webhooks that have all these labels; all if there are no labels."""
        select = frozenset(match_labels.items())
        if select not in self._cache:
            self._cache[select] = self._find(select)
        return self._cache[select]

    def _find(self, select: Select) -> Sequence[int]:
        if not select:
            return range(len(self.documents))
        rarest = min((self._by_label.get(label, []) for label in select), key=len)
        return [
            position
            for position in rarest
            if select <= read_labels(self.documents[position]).items()
        ]


class TenantIndex:
    """Tenants, found by the labels of a webhook: thousands of Tenants must not cost minutes."""

    def __init__(self, tenants: Iterable[TenantSpec]) -> None:
        self._by_label: dict[tuple[str, str] | None, list[tuple[int, TenantSpec]]]
        self._by_label = defaultdict(list)
        for position, spec in enumerate(tenants):
            first_label = next(iter(spec.select.items()), None)
            self._by_label[first_label].append((position, spec))

    def find(self, labels: Mapping[str, str]) -> tuple[TenantSpec, ...]:
        """The Tenants that select a webhook with these labels, in their order."""
        found = [
            (position, spec)
            for label in (None, *labels.items())
            for position, spec in self._by_label.get(label, ())
            if spec.selects(labels)
        ]
        found.sort(key=lambda entry: entry[0])
        return tuple([spec for _, spec in found])


def read_labels(document: Document) -> Mapping[str, str]:
    """The labels of a Webhook."""
    webhook_labels: Mapping[str, str] = document.value["metadata"].get("labels") or {}
    return webhook_labels


def find_overlaps(
    tenants: Sequence[tuple[Document, TenantSpec]], webhooks: WebhookIndex
) -> list[Problem]:
    """An error per Tenant that selects a webhook which an earlier Tenant also selects, with an
    equal url (or local) and a different owner.
    """
    groups: dict[str, list[tuple[Document, TenantSpec]]] = defaultdict(list)
    for document, spec in tenants:
        groups[normalize_target(spec)].append((document, spec))
    return [
        problem
        for group in groups.values()
        if len(group) > 1
        for problem in _find_overlaps(group, webhooks)
    ]


def _find_overlaps(
    group: Iterable[tuple[Document, TenantSpec]], webhooks: WebhookIndex
) -> Iterable[Problem]:
    """One problem per Tenant, with the first Tenant that it shares webhooks with.

    Two Tenants of one owner or name are a different error.
    """
    first_of: dict[int, TenantSpec] = {}
    tenants_by_select: dict[Select, TenantSpec] = {}
    for document, spec in group:
        positions = webhooks.select(spec.select)
        equal_tenant = tenants_by_select.setdefault(frozenset(spec.select.items()), spec)
        shared_positions: dict[str, list[int]] = defaultdict(list)
        if (
            equal_tenant is not spec
        ):  # it would share just the same, and thousands of Tenants must not cost minutes
            shared_positions[equal_tenant.name] = list(positions)
            tenants_by_name = {equal_tenant.name: equal_tenant}
        else:
            tenants_by_name = {}
            for position in positions:
                first = first_of.setdefault(position, spec)
                if first is not spec:
                    tenants_by_name[first.name] = first
                    shared_positions[first.name].append(position)
        other_tenant = next(
            (
                item
                for item in tenants_by_name.values()
                if item.owner != spec.owner and item.name != spec.name
            ),
            None,
        )
        if other_tenant is not None and shared_positions[other_tenant.name]:
            yield _overlap_problem(
                document,
                spec,
                other_tenant,
                [webhooks.documents[position] for position in shared_positions[other_tenant.name]],
            )


def _overlap_problem(
    document: Document, spec: TenantSpec, other_tenant: TenantSpec, shared: Sequence[Document]
) -> Problem:
    target_field = "local" if spec.local is not None else "url"
    path: Path = ("spec", "select") if spec.select else ("spec", target_field)
    target_kind = "file (local)" if spec.local is not None else "url"
    webhook_names = ", ".join(
        f"{item.value['metadata']['name']} ({_show_place(item.origin)})"
        for item in shared[:_MAX_NAMED]
    )
    suffix = f" and {len(shared) - _MAX_NAMED} more" if len(shared) > _MAX_NAMED else ""
    message = (
        f"Tenants {other_tenant.name} ({_show_place(other_tenant.origin)}) and {spec.name} have "
        f"the same {target_kind}, and both select {webhook_names}{suffix}"
    )
    hint = "give each Tenant a select that matches only its own webhooks, such as by a team label"
    return document.make_problem(path, "tenant/overlap", message, hint)


def _show_place(origin: Origin) -> str:
    return f"{origin.file}:{origin.line}"


def warn_of_unselected(tenants: Iterable[TenantSpec], webhooks: WebhookIndex) -> list[Problem]:
    """A warning for each webhook that no Tenant selects."""
    selects = {frozenset(spec.select.items()): spec.select for spec in tenants}
    if frozenset() in selects:
        return []
    positions = {position for select in selects.values() for position in webhooks.select(select)}
    texts = [Selection(labels=select).text for select in selects.values()]
    suffix = f" and {len(texts) - _MAX_SELECTORS} more" if len(texts) > _MAX_SELECTORS else ""
    selectors = "; ".join(texts[:_MAX_SELECTORS])
    hint = f"the Tenants select {selectors}{suffix}: give it such labels, or remove it"
    documents_left = (
        document
        for position, document in enumerate(webhooks.documents)
        if position not in positions
    )
    return [_unselected_problem(document, hint) for document in documents_left]


def _unselected_problem(document: Document, hint: str) -> Problem:
    path: Path = ("metadata", "labels") if read_labels(document) else ("metadata", "name")
    message = f"no Tenant selects {document.value['metadata']['name']}: no tenant has it"
    return document.make_problem(path, "webhook/unselected", message, hint, severity="warning")


def make_selection(tenant: TenantSpec | None, documents: Iterable[Document]) -> Selection:
    """What the Tenant in use selects, and the webhooks that it leaves out."""
    if tenant is None:
        return Selection()
    documents_left = (
        (document for document in documents if not tenant.selects(read_labels(document)))
        if tenant.select
        else ()
    )
    return Selection(tenant.name, tenant.select, tuple(map(_make_left_out, documents_left)))


def _make_left_out(document: Document) -> LeftOut:
    key, spec = document.value["metadata"]["name"], document.value["spec"]
    return LeftOut(key, spec.get("name", key), tuple(spec.get("previously", ())), document.origin)
