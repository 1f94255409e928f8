"""The webhooks that receive each event: declared webhooks against the catalogue. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.core.model.catalogue import ELASTIO, Catalogue
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Declared, Subscription

_ANY: Final = "any"


@dataclass(frozen=True, slots=True)
class Received:
    """One event type and, by severity, the sorted keys of the webhooks that receive it; `is_known`:
    the catalogue has it.
    """

    type: str
    is_known: bool
    by_severity: Mapping[str, tuple[str, ...]]

    @property
    def unreceived(self) -> tuple[str, ...]:
        """The severities that no webhook receives."""
        return tuple(severity for severity, keys in self.by_severity.items() if not keys)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One event that several webhooks send to one url; `url` in its printable form."""

    subscription: Subscription
    url: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the webhooks of one tenant receive: `tenant` is its name, None where no Tenant manifest
    says.

    `disabled` are keys of webhooks that are declared as disabled, `switched_off` of those that are
    off at the tenant, None where it was not asked: they receive nothing and count nowhere else.
    """

    tenant: str | None
    received: tuple[Received, ...]
    duplicates: tuple[Duplicate, ...]
    disabled: tuple[str, ...]
    switched_off: tuple[str, ...] | None = None


def find_coverage(
    tenant: str | None,
    declared: Iterable[Declared],
    switched_off: tuple[str, ...] | None = None,
    catalogue: Catalogue = ELASTIO,
) -> Coverage:
    """The catalogue's types first, in its order, then types that only manifests have; severities in
    the same order.

    `switched_off` are keys of webhooks that are off at the tenant, None if the tenant was not
    asked.
    """
    webhooks = sorted(declared, key=lambda item: item.key)
    active = [
        item
        for item in webhooks
        if item.spec.enabled is not False and item.key not in (switched_off or ())
    ]
    keys: dict[str, dict[str, list[str]]] = {
        kind: {severity: [] for severity in catalogue.severities or (_ANY,)}
        for kind in catalogue.by_type
    }
    for item in active:
        for event in sorted(item.spec.subscriptions, key=str):
            severity = event.severity if event.severity is not None else _ANY
            receivers = keys.setdefault(event.type, {}).setdefault(severity, [])
            receivers += (
                [item.key] if item.key not in receivers else []
            )  # it may receive two versions of the type
    received = tuple(
        Received(
            kind,
            kind in catalogue.by_type,
            {severity: tuple(keys_found) for severity, keys_found in keys_by_severity.items()},
        )
        for kind, keys_by_severity in keys.items()
    )
    disabled = tuple(item.key for item in webhooks if item.spec.enabled is False)
    return Coverage(tenant, received, _find_duplicates(active), disabled, switched_off)


def _find_duplicates(active: Iterable[Declared]) -> tuple[Duplicate, ...]:
    """Urls are compared as they are written: text with text, a reference with the same
    reference.
    """
    senders: dict[tuple[str, bool, str, Subscription], list[str]] = {}
    for item in active:
        url = item.spec.url
        hidden = isinstance(url, Secret)
        text = url.reference if isinstance(url, Secret) else url
        for event in item.spec.subscriptions:
            senders.setdefault((str(event), hidden, text, event), []).append(item.key)
    duplicates = sorted(
        ((place, keys) for place, keys in senders.items() if len(keys) > 1),
        key=lambda pair: pair[0][:3],
    )
    return tuple(Duplicate(event, url, tuple(keys)) for (_, _, url, event), keys in duplicates)
