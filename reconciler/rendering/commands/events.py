"""The catalogue of events and the webhooks that receive them, as text and as
`reconciler.events/v1`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.core.model.catalogue import ELASTIO, Catalogue, EventType
from reconciler.core.model.catalogue_document import make_asyncapi
from reconciler.core.planning.switched_off import OFF
from reconciler.core.results.coverage import Coverage, Received
from reconciler.rendering.counts import show_count
from reconciler.rendering.document import to_json
from reconciler.rendering.escape import terminal

_INCOMPLETE = (
    "The catalogue is what is publicly known; a tenant accepts other events too. The "
    "severities are this project's own."
)


def _event_lines(event: EventType, catalogue: Catalogue) -> Iterator[str]:
    yield terminal(event.type)
    if event.description:
        yield f"    {terminal(event.description)}"
    if catalogue.severities:
        yield (
            f"    versions {', '.join(event.versions) if event.versions else 'not public'}; "
            f"severities {', '.join(catalogue.severities)}"
        )


def _received_lines(item: Received) -> Iterator[str]:
    yield terminal(item.type) + ("" if item.is_known else "  (not in the catalogue)")
    for severity, keys in item.by_severity.items():
        yield f"    {terminal(severity):10}{', '.join(map(terminal, keys)) or 'no webhook'}"


def _coverage_lines(coverage: Coverage) -> Iterator[str]:
    yield f"Events of {terminal(coverage.tenant)}" if coverage.tenant is not None else "Events"
    yield ""
    for item in coverage.received:
        yield from _received_lines(item)
    yield ""
    for duplicate in coverage.duplicates:
        yield (
            f"twice: {', '.join(map(terminal, duplicate.keys))} send "
            f"{terminal(str(duplicate.subscription))} to {terminal(duplicate.url)}"
        )
    for key in coverage.disabled:
        yield f"disabled: {terminal(key)} receives nothing"
    for key in coverage.switched_off or ():
        yield f"{OFF}: {terminal(key)} receives nothing"
    if coverage.duplicates or coverage.disabled or coverage.switched_off:
        yield ""
    unreceived_count = sum(not any(item.by_severity.values()) for item in coverage.received)
    total = show_count(len(coverage.received), "event type")
    yield (
        f"{total}, {unreceived_count} that no webhook receives; "
        f"{show_count(len(coverage.duplicates), 'event')} sent twice to one url."
    )


def catalogue_text(catalogue: Catalogue = ELASTIO) -> str:
    """The catalogue alone."""
    lines = [
        line for event in catalogue.by_type.values() for line in _event_lines(event, catalogue)
    ]
    remark = "" if catalogue.complete else f" {_INCOMPLETE}"
    total = show_count(len(catalogue.by_type), "event type")
    return "\n".join([*lines, "", f"{total}.{remark}"])


def asyncapi_json(catalogue: Catalogue, version: str) -> str:
    """The catalogue as an AsyncAPI 3 document."""
    return to_json(make_asyncapi(catalogue, version))


def coverage_text(coverages: Iterable[Coverage]) -> str:
    """A block a tenant: each type and severity with its receivers, what is sent twice, the summary
    last.
    """
    return "\n\n".join("\n".join(_coverage_lines(coverage)) for coverage in coverages)


def _type(event: EventType, catalogue: Catalogue) -> dict[str, Any]:
    versions = None if event.versions is None else list(event.versions)
    body = {
        "type": event.type,
        "group": event.group,
        "versions": versions,
        "severities": list(catalogue.severities),
    }
    return {**body, "description": event.description, "source": event.source}


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "tenant": coverage.tenant,
        "received": [
            {
                "type": item.type,
                "known": item.is_known,
                "receivers": {severity: list(keys) for severity, keys in item.by_severity.items()},
                "unreceived": list(item.unreceived),
            }
            for item in coverage.received
        ],
        "twice": [
            {
                "type": duplicate.subscription.type,
                "version": duplicate.subscription.version,
                "severity": duplicate.subscription.severity,
                "url": duplicate.url,
                "webhooks": list(duplicate.keys),
            }
            for duplicate in coverage.duplicates
        ],
        "disabled": list(coverage.disabled),
        **(
            {"switched_off": list(coverage.switched_off)}
            if coverage.switched_off is not None
            else {}
        ),
    }


def events_json(coverages: Iterable[Coverage], catalogue: Catalogue = ELASTIO) -> str:
    """`reconciler.events/v1`: the catalogue, and one entry of coverage per tenant; none without
    manifests.
    """
    events = [_type(event, catalogue) for event in catalogue.by_type.values()]
    return to_json(
        {
            "format": "reconciler.events/v1",
            "catalogue": {"complete": catalogue.complete, "events": events},
            "coverage": [_coverage(item) for item in coverages],
        }
    )
