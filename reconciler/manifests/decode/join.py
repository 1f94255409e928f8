"""The rules across documents: names and keys are unique, each EventSubscription has a webhook, each
webhook has an event.

The rules inside one document are in `webhooks.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.core.model.capabilities import TENANT, Capabilities, Find
from reconciler.core.model.limits import normalize_name
from reconciler.core.model.problem import Problem
from reconciler.manifests.decode.events import decode_subscriptions
from reconciler.manifests.decode.load_types import EventSubscriptionRef, TenantSpec
from reconciler.manifests.decode.refused_documents import RefusedDocuments
from reconciler.manifests.decode.selection import WebhookIndex
from reconciler.manifests.decode.webhooks import Draft
from reconciler.manifests.schemas.suggestions import suggest
from reconciler.manifests.yaml.document import Document, Path

_HINTS: Final = 20  # names looked up for hints; each costs a comparison with up to 500
# subscriptions that a run's EventSubscriptions add in all; every one costs a few hundred bytes
_JOINED: Final = 1_000_000


def check_unique(documents: Iterable[Document], rule: str, noun: str) -> list[Problem]:
    """A problem for each document whose metadata.name is used by an earlier document."""
    first_documents: dict[str, Document] = {}
    problems = []
    for document in documents:
        name = document.value["metadata"]["name"]
        first = first_documents.setdefault(name, document)
        if first is not document:
            place = first.locate(("metadata", "name"))
            message = f"a second {noun} with the name {name}; the first stands in {place}"
            problems.append(
                document.make_problem(("metadata", "name"), rule, message, "rename or remove one")
            )
    return problems


def join_subscriptions(
    drafts: list[Draft],
    documents: list[Document],
    refused_documents: RefusedDocuments,
    problems: list[Problem],
    kinds: tuple[Capabilities, ...],
) -> tuple[EventSubscriptionRef, ...]:
    """Adds the subscriptions of EventSubscriptions to their webhooks. If an EventSubscription may
    be for a refused webhook, then it may match none.
    """
    event_subscriptions: list[EventSubscriptionRef] = []
    by_key, by_label = {draft.key: draft for draft in reversed(drafts)}, _index_labels(drafts)
    remaining_hints, remaining = _HINTS, _JOINED
    for document in documents:
        subscription_places = decode_subscriptions(document, problems, kinds)
        spec = document.value["spec"]
        targets = _find_targets(spec, by_key, by_label)
        remaining -= len(targets) * len(subscription_places)
        if remaining < 0:
            problems.append(_limit_problem(document))
            break
        event_subscriptions.append(_make_reference(document, targets))
        for draft in targets:
            draft.event_subscriptions.append(document)
            for item, place in subscription_places.items():
                draft.subscription_places.setdefault(item, place)
        if not targets and not refused_documents.may_match(
            spec.get("webhook"), spec.get("selector", {}).get("matchLabels", {})
        ):
            problems.append(
                _no_match_problem(document, spec, by_key, by_label, hint=remaining_hints > 0)
            )
            remaining_hints -= 1
    return tuple(event_subscriptions)


def _limit_problem(document: Document) -> Problem:
    message = f"EventSubscriptions add over {_JOINED:,} subscriptions in all"
    return document.make_problem(
        ("spec",), "subscription/limit", message, "select fewer webhooks", key=True
    )


def _index_labels(drafts: Iterable[Draft]) -> dict[tuple[str, str], list[Draft]]:
    by_label: dict[tuple[str, str], list[Draft]] = defaultdict(list)
    for draft in drafts:
        for label in draft.labels.items():
            by_label[label].append(draft)
    return by_label


def _make_reference(document: Document, targets: Iterable[Draft]) -> EventSubscriptionRef:
    keys = frozenset(draft.key for draft in targets)
    name = document.value["metadata"]["name"]
    return EventSubscriptionRef(document.file.path, name, document.origin.line, keys)


def _find_targets(
    spec: dict[str, object], by_key: dict[str, Draft], by_label: dict[tuple[str, str], list[Draft]]
) -> list[Draft]:
    selector = spec.get("selector")
    if not isinstance(selector, dict):
        draft = by_key.get(str(spec.get("webhook")))
        return [draft] if draft is not None else []
    match_labels = selector["matchLabels"].items()
    fewest_drafts = min((by_label.get(label, []) for label in match_labels), key=len)
    return [draft for draft in fewest_drafts if match_labels <= draft.labels.items()]


def _no_match_problem(
    document: Document,
    spec: dict[str, object],
    by_key: dict[str, Draft],
    by_label: dict[tuple[str, str], list[Draft]],
    *,
    hint: bool,
) -> Problem:
    if "selector" not in spec:
        name = spec["webhook"]
        fix = suggest(name, by_key) if hint else None
        message = f"no Webhook with the name {name} is declared"
        fix = fix or "is the file that declares it among the paths?"
        return document.make_problem(
            ("spec", "webhook"), "subscription/unknown-webhook", message, fix
        )
    selector = spec["selector"]
    labels = selector["matchLabels"].items() if isinstance(selector, dict) else ()
    known_labels = [f"{label}={value}" for label, value in by_label]
    unknown_label = next((pair for pair in labels if pair not in by_label), None)
    fix = (
        suggest("=".join(unknown_label), known_labels)
        if hint and unknown_label is not None
        else None
    )
    path: Path = ("spec", "selector")
    fix = fix or "no Webhook among the paths has all these labels"
    return document.make_problem(
        path, "subscription/no-match", "the selector matches no Webhook", fix, key=True
    )


def check_names(
    drafts: list[Draft], tenants: tuple[TenantSpec, ...], problems: list[Problem], find: Find
) -> None:
    """Within the webhooks that each Tenant selects, a name is unique if the product wants that, and
    `previously` lists no declared name.
    """
    keys = {draft.key: draft for draft in reversed(drafts)}
    reported_pairs: set[tuple[int, str]] = set()
    for tenant, group in _group_by_tenant(drafts, tenants):
        kind = tenant.find_capabilities(find) if tenant is not None else TENANT
        unique = kind is not None and kind.unique_names
        first_drafts: dict[str, Draft] = {}
        for draft in group:
            first = first_drafts.setdefault(normalize_name(draft.name), draft)
            is_second = unique and first is not draft and first.key != draft.key
            if is_second and (id(draft), "") not in reported_pairs:
                reported_pairs.add((id(draft), ""))
                problems.append(_same_name_problem(draft, first))
        for draft in group:
            for number, previous_name in enumerate(
                draft.document.value["spec"].get("previously", ())
            ):
                name_holder = keys.get(previous_name) or first_drafts.get(
                    normalize_name(previous_name)
                )
                if name_holder is not None and (id(draft), previous_name) not in reported_pairs:
                    reported_pairs.add((id(draft), previous_name))
                    problems.append(_previous_name_problem(draft, number, name_holder))


def _group_by_tenant(
    drafts: list[Draft], tenants: tuple[TenantSpec, ...]
) -> Iterator[tuple[TenantSpec | None, list[Draft]]]:
    """The webhooks that each Tenant selects; all of them if there are no Tenants."""
    if not tenants:
        yield None, drafts
        return
    index = WebhookIndex([draft.document for draft in drafts])
    for tenant in tenants:
        yield tenant, [drafts[position] for position in index.select(tenant.select)]


def _previous_name_problem(draft: Draft, number: int, holder: Draft) -> Problem:
    previous_name = draft.document.value["spec"]["previously"][number]
    message = (
        f"previously names {previous_name[:60]!r}, which is declared in {holder.document.origin}"
    )
    path: Path = ("spec", "previously", number)
    return draft.document.make_problem(path, "webhook/previously", message, "remove the entry")


def _same_name_problem(draft: Draft, first: Draft) -> Problem:
    path: Path = (
        ("spec", "name") if "name" in draft.document.value["spec"] else ("metadata", "name")
    )
    message = (
        f"a second webhook with the name {draft.name[:60]!r} in the tenant; the first stands "
        f"in {first.document.origin}"
    )
    return draft.document.make_problem(
        path, "webhook/duplicate-name", message, "give it a different spec.name"
    )


def warn_of_silent(
    drafts: list[Draft], refused_documents: RefusedDocuments, problems: list[Problem]
) -> None:
    """A warning per webhook without a subscription, unless a refused document may hold some."""
    for draft in drafts:
        if not (draft.subscription_places or refused_documents.may_add_to(draft.key, draft.labels)):
            message = f"{draft.key} has no subscription: it receives nothing"
            hint = "add spec.events, or an EventSubscription"
            problems.append(
                draft.document.make_problem(
                    ("metadata", "name"), "events/none", message, hint, severity="warning"
                )
            )
