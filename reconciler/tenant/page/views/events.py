"""Settings > Events: the catalogue by group, and which webhooks receive each event. What is not
public is marked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from reconciler.core.model.catalogue import BY_TYPE, CATALOGUE, COMPLETE, SEVERITIES, EventType
from reconciler.delivery.envelope import VERSION
from reconciler.tenant.page.session.visit import Visit
from reconciler.tenant.store.values.receivers import NO_RECEIVERS, Receivers

_DOCS: Final = "https://docs.elastio.com/"


@dataclass(frozen=True, slots=True)
class Row:
    """One type of event as it is shown; `known` is None for one that only webhooks know."""

    type: str
    known: EventType | None
    receivers: Receivers
    body: str

    @property
    def documented(self) -> bool:
        """Whether Elastio's documentation has it; else only its sample code does."""
        return self.known is not None and self.known.source.startswith(_DOCS)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the catalogue; the name is None where the group is not public."""

    name: str | None
    rows: tuple[Row, ...]


def _format_body(event: EventType | None) -> str:
    """The whole body of a delivery as it is documented, for reading; empty without a public
    example.
    """
    if event is None or event.example is None:
        return ""
    body = {"version": VERSION, "deprecation_warning": None, "events": [json.loads(event.example)]}
    return json.dumps(body, indent=2, ensure_ascii=False)


def make_groups(receivers: Mapping[str, Receivers]) -> tuple[Group, ...]:
    """The catalogue, groups in its order."""
    names = dict.fromkeys(event.group for event in CATALOGUE)
    return tuple(
        Group(
            name,
            tuple(
                Row(event.type, event, receivers.get(event.type, NO_RECEIVERS), _format_body(event))
                for event in CATALOGUE
                if event.group == name
            ),
        )
        for name in names
    )


def list_unknown(receivers: Mapping[str, Receivers]) -> tuple[Row, ...]:
    """What webhooks receive and the catalogue does not know."""
    return tuple(
        Row(kind, None, hooks, "") for kind, hooks in receivers.items() if kind not in BY_TYPE
    )


async def show_events(visit: Visit) -> Response:
    """`GET /settings/events`."""
    receivers = await visit.store.webhooks.list_receivers()
    shown, others = make_groups(receivers), list_unknown(receivers)
    unreceived = [row.type for group in shown for row in group.rows if not row.receivers.enabled]
    values = {
        "groups": shown,
        "strangers": others,
        "unreceived": unreceived,
        "severities": SEVERITIES,
        "complete": COMPLETE,
    }
    return visit.render("events.html", at="events", **values)
