"""Handlers of events: list the catalogue, accept one."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from starlette.responses import Response

from reconciler.core.model import limits
from reconciler.core.model.catalogue import CATALOGUE, COMPLETE, SEVERITIES
from reconciler.core.model.webhook import Subscription
from reconciler.tenant.api.endpoint import Call, reply
from reconciler.tenant.problems import FieldError, make_invalid
from reconciler.tenant.requests.body import Reader
from reconciler.tenant.requests.strict import find_surrogates, write_canonical
from reconciler.tenant.store.values.event import NewEvent

_KNOWN: Final = [
    {
        "type": known.type,
        "group": known.group,
        "versions": None if known.versions is None else list(known.versions),
        "severities": list(SEVERITIES),
        "description": known.description,
        "example": None if known.example is None else json.loads(known.example),
        "source": known.source,
    }
    for known in CATALOGUE
]
_CATALOGUE: Final = {
    "complete": COMPLETE,
    "note": "What is null is not public. The severities are this project's own: Elastio's values "
    "are not public.",
    "groups": sorted({known.group for known in CATALOGUE if known.group is not None}),
    "severities": list(SEVERITIES),
    "events": _KNOWN,
}


async def list_events(_call: Call) -> Response:
    """`GET /events`."""
    return reply(_CATALOGUE)


def _read_event(value: Any, own_id: str) -> NewEvent:
    """A posted event; raises 422."""
    errors: list[FieldError] = []
    reader = Reader(value, "", errors)
    parts = [reader.read_text(name, limits.name) or "" for name in ("type", "version", "severity")]
    event_id = reader.read_optional_text("event_id", limits.name)
    present, event = "event" in reader, reader.take("event")
    if reader.is_object and not isinstance(event, dict):
        reader.add_fault("event", "must be an object" if present else "is required")
    errors += find_surrogates(event, "/event")
    reader.end()
    if errors:
        raise make_invalid(errors)
    digest = hashlib.sha256(write_canonical([*parts, event])).digest()
    return NewEvent(
        event_id or own_id, Subscription(*parts), write_canonical(event).decode("ascii"), digest
    )


async def accept_event(call: Call) -> Response:
    """`POST /events`: 202 once the event and its deliveries are stored."""
    event = _read_event(await call.read_json(), call.store.new_id())
    now, most = call.store.clock(), call.tenant.max_pending
    accepted = await call.store.queue.accept(event, now, most)
    if call.tenant.engine is not None:
        call.tenant.engine.note_arrival(accepted.webhook_ids, now)
    return reply({"event_id": event.id, "deliveries": accepted.deliveries}, 202)
