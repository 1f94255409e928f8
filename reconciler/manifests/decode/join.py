"""The rules across documents: names and keys once, subscriptions find their webhooks, nothing
receives nothing.

One document alone is `webhooks.py`'s business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from reconciler.core.model.capabilities import TENANT, Capabilities, Find
from reconciler.core.model.limits import normal
from reconciler.core.model.problem import Problem
from reconciler.manifests.decode.events import subscriptions
from reconciler.manifests.decode.loaded import Joined, TenantSpec
from reconciler.manifests.decode.refused import Refused
from reconciler.manifests.decode.webhooks import Draft
from reconciler.manifests.schemas.near import near
from reconciler.manifests.yaml.places import Document, Path

_HINTS: Final = 20  # names looked up for hints; each costs a comparison with up to 500
# subscriptions that a run's EventSubscriptions add in all; every one costs a few hundred bytes
_JOINED: Final = 1_000_000


def unique(documents: Iterable[Document], rule: str, what: str) -> list[Problem]:
    """A problem for each document whose metadata.name another one has before it."""
    seen: dict[str, Document] = {}
    problems = []
    for document in documents:
        name = document.value["metadata"]["name"]
        first = seen.setdefault(name, document)
        if first is not document:
            place = first.place(("metadata", "name"))
            message = f"a second {what} named {name}; the first stands in {place}"
            problems.append(
                document.problem(("metadata", "name"), rule, message, "rename or remove one")
            )
    return problems


def join(
    drafts: list[Draft],
    others: list[Document],
    refused: Refused,
    problems: list[Problem],
    kinds: tuple[Capabilities, ...],
) -> tuple[Joined, ...]:
    """Gives every webhook the subscriptions of EventSubscriptions; one that may be for a `refused`
    webhook may find none.
    """
    joined: list[Joined] = []
    by_key = {draft.key: draft for draft in reversed(drafts)}
    by_label: dict[tuple[str, str], list[Draft]] = defaultdict(list)
    for draft in drafts:
        for label in draft.labels.items():
            by_label[label].append(draft)
    hints, left = _HINTS, _JOINED
    for document in others:
        found = subscriptions(document, problems, kinds)
        spec = document.value["spec"]
        targets = _targets(spec, by_key, by_label)
        left -= len(targets) * len(found)
        if left < 0:
            message = f"EventSubscriptions add over {_JOINED:,} subscriptions in all"
            problems.append(
                document.problem(
                    ("spec",), "subscription/limit", message, "select fewer webhooks", key=True
                )
            )
            break
        keys = frozenset(draft.key for draft in targets)
        joined.append(
            Joined(
                document.file.path, document.value["metadata"]["name"], document.origin.line, keys
            )
        )
        for draft in targets:
            draft.others.append(document)
            for item, place in found.items():
                draft.places.setdefault(item, place)
        if not targets and not refused.may_match(
            spec.get("webhook"), spec.get("selector", {}).get("matchLabels", {})
        ):
            problems.append(_lost(document, spec, by_key, by_label, hint=hints > 0))
            hints -= 1
    return tuple(joined)


def _targets(
    spec: dict[str, object], by_key: dict[str, Draft], by_label: dict[tuple[str, str], list[Draft]]
) -> list[Draft]:
    selector = spec.get("selector")
    if not isinstance(selector, dict):
        draft = by_key.get(str(spec.get("webhook")))
        return [draft] if draft is not None else []
    wanted = selector["matchLabels"].items()
    smallest = min((by_label.get(label, []) for label in wanted), key=len)
    return [draft for draft in smallest if wanted <= draft.labels.items()]


def _lost(
    document: Document,
    spec: dict[str, object],
    by_key: dict[str, Draft],
    by_label: dict[tuple[str, str], list[Draft]],
    *,
    hint: bool,
) -> Problem:
    if "selector" not in spec:
        name = spec["webhook"]
        mend = near(name, by_key) if hint else None
        message = f"no Webhook named {name} is declared"
        mend = mend or "is the file that declares it among the paths?"
        return document.problem(("spec", "webhook"), "subscription/unknown-webhook", message, mend)
    selector = spec["selector"]
    labels = selector["matchLabels"].items() if isinstance(selector, dict) else ()
    known = [f"{label}={value}" for label, value in by_label]
    unknown = next((pair for pair in labels if pair not in by_label), None)
    mend = near("=".join(unknown), known) if hint and unknown is not None else None
    path: Path = ("spec", "selector")
    mend = mend or "no Webhook among the paths has all these labels"
    return document.problem(
        path, "subscription/no-match", "the selector matches no Webhook", mend, key=True
    )


def names(
    drafts: list[Draft], tenants: tuple[TenantSpec, ...], problems: list[Problem], find: Find
) -> None:
    """Within what each Tenant selects: a name once, if the product wants that; `previously` only
    what no manifest declares.
    """
    keys = {draft.key: draft for draft in reversed(drafts)}
    told: set[tuple[int, str]] = set()
    for tenant in tenants or (None,):
        group = (
            drafts
            if tenant is None
            else [draft for draft in drafts if tenant.selects(draft.labels)]
        )
        kind = find(tenant.provider) if tenant is not None else TENANT
        unique = kind is not None and kind.unique_names
        taken: dict[str, Draft] = {}
        for draft in group:
            first = taken.setdefault(normal(draft.name), draft)
            if (
                unique
                and first is not draft
                and first.key != draft.key
                and (id(draft), "") not in told
            ):
                told.add((id(draft), ""))
                problems.append(_same_name(draft, first))
        for draft in group:
            for number, old in enumerate(draft.document.value["spec"].get("previously", ())):
                first_of = keys.get(old) or taken.get(normal(old))
                if first_of is not None and (id(draft), old) not in told:
                    told.add((id(draft), old))
                    message = (
                        f"previously names {old[:60]!r}, which is declared in "
                        f"{first_of.document.origin}"
                    )
                    path: Path = ("spec", "previously", number)
                    problems.append(
                        draft.document.problem(
                            path, "webhook/previously", message, "remove the entry"
                        )
                    )


def _same_name(draft: Draft, first: Draft) -> Problem:
    path: Path = (
        ("spec", "name") if "name" in draft.document.value["spec"] else ("metadata", "name")
    )
    message = (
        f"a second webhook with the name {draft.name[:60]!r} in the tenant; the first stands "
        f"in {first.document.origin}"
    )
    return draft.document.problem(
        path, "webhook/duplicate-name", message, "give it another spec.name"
    )


def silent(drafts: list[Draft], refused: Refused, problems: list[Problem]) -> None:
    """A warning for each webhook without any subscription, except where a `refused` document may
    hold some.
    """
    for draft in drafts:
        if not (draft.places or refused.may_add_to(draft.key, draft.labels)):
            message = f"{draft.key} has no subscription: it receives nothing"
            hint = "add spec.events, or an EventSubscription"
            problems.append(
                draft.document.problem(
                    ("metadata", "name"), "events/none", message, hint, severity="warning"
                )
            )
