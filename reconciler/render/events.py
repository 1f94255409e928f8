"""The catalogue of events and who receives them, as text and as `reconciler.events/v1`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reconciler.core.model.catalogue import CATALOGUE, COMPLETE, SEVERITIES, EventType
from reconciler.core.planning.switched_off import OFF
from reconciler.core.results.coverage import Coverage, Received
from reconciler.render.counted import counted
from reconciler.render.document import to_json
from reconciler.render.escape import terminal

_INCOMPLETE = (
    "The catalogue is what is publicly known; a tenant accepts other events too. The "
    "severities are this project's own."
)


def _known(event: EventType) -> Iterator[str]:
    yield event.type
    if event.description:
        yield f"    {event.description}"
    yield (
        f"    versions {', '.join(event.versions) if event.versions else 'not public'}; "
        f"severities {', '.join(SEVERITIES)}"
    )


def _received(item: Received) -> Iterator[str]:
    yield terminal(item.type) + ("" if item.known else "  (not in the catalogue)")
    for severity, keys in item.by_severity.items():
        yield f"    {terminal(severity):10}{', '.join(map(terminal, keys)) or 'nobody'}"


def _covered(coverage: Coverage) -> Iterator[str]:
    yield f"Events of {terminal(coverage.tenant)}" if coverage.tenant is not None else "Events"
    yield ""
    for item in coverage.received:
        yield from _received(item)
    yield ""
    for found in coverage.twice:
        yield (
            f"twice: {', '.join(map(terminal, found.keys))} send "
            f"{terminal(str(found.subscription))} to {terminal(found.url)}"
        )
    for key in coverage.disabled:
        yield f"disabled: {terminal(key)} receives nothing"
    for key in coverage.switched_off or ():
        yield f"{OFF}: {terminal(key)} receives nothing"
    if coverage.twice or coverage.disabled or coverage.switched_off:
        yield ""
    nobody = sum(not any(item.by_severity.values()) for item in coverage.received)
    total = counted(len(coverage.received), "event type")
    yield (
        f"{total}, {nobody} that nobody receives; {counted(len(coverage.twice), 'event')} "
        "sent twice to one url."
    )


def catalogue_text() -> str:
    """The catalogue alone."""
    lines = [line for event in CATALOGUE for line in _known(event)]
    return "\n".join([*lines, "", f"{counted(len(CATALOGUE), 'event type')}. {_INCOMPLETE}"])


def coverage_text(coverages: Iterable[Coverage]) -> str:
    """A block a tenant: each type and severity with its receivers, what is sent twice, the summary
    last.
    """
    return "\n\n".join("\n".join(_covered(coverage)) for coverage in coverages)


def _type(event: EventType) -> dict[str, Any]:
    versions = None if event.versions is None else list(event.versions)
    about = {
        "type": event.type,
        "group": event.group,
        "versions": versions,
        "severities": list(SEVERITIES),
    }
    return {**about, "description": event.description, "source": event.source}


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "tenant": coverage.tenant,
        "received": [
            {
                "type": item.type,
                "known": item.known,
                "receivers": {severity: list(keys) for severity, keys in item.by_severity.items()},
                "unreceived": list(item.unreceived),
            }
            for item in coverage.received
        ],
        "twice": [
            {
                "type": found.subscription.type,
                "version": found.subscription.version,
                "severity": found.subscription.severity,
                "url": found.url,
                "webhooks": list(found.keys),
            }
            for found in coverage.twice
        ],
        "disabled": list(coverage.disabled),
        **(
            {"switched_off": list(coverage.switched_off)}
            if coverage.switched_off is not None
            else {}
        ),
    }


def events_json(coverages: Iterable[Coverage]) -> str:
    """`reconciler.events/v1`: the catalogue, and one entry of coverage for each tenant; none where
    no manifest was named.
    """
    catalogue = {"complete": COMPLETE, "events": [_type(event) for event in CATALOGUE]}
    return to_json(
        {
            "format": "reconciler.events/v1",
            "catalogue": catalogue,
            "coverage": [_coverage(item) for item in coverages],
        }
    )
