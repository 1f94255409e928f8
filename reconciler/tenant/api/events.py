"""Events: the catalogue, and accepting one. Handlers of `app.py`."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from starlette.responses import Response

from reconciler.core.model import limits
from reconciler.core.model.catalogue import CATALOGUE, COMPLETE, SEVERITIES
from reconciler.core.model.webhook import Subscription
from reconciler.tenant.api.endpoint import Call, reply
from reconciler.tenant.problems import FieldError, invalid
from reconciler.tenant.requests.body import Reader
from reconciler.tenant.requests.strict import canonical, surrogates
from reconciler.tenant.store.rows import events
from reconciler.tenant.store.rows.events import NewEvent

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


async def catalogue(_call: Call) -> Response:
    """`GET /events`."""
    return reply(_CATALOGUE)


def _new_event(value: Any, own_id: str) -> NewEvent:
    """A posted event; raises 422."""
    errors: list[FieldError] = []
    reader = Reader(value, "", errors)
    parts = [reader.text(name, limits.name) or "" for name in ("type", "version", "severity")]
    event_id = reader.maybe_text("event_id", limits.name)
    present, event = "event" in reader, reader.take("event")
    if reader.is_object and not isinstance(event, dict):
        reader.fault("event", "must be an object" if present else "is required")
    errors += surrogates(event, "/event")
    reader.end()
    if errors:
        raise invalid(errors)
    digest = hashlib.sha256(canonical([*parts, event])).digest()
    return NewEvent(
        event_id or own_id, Subscription(*parts), canonical(event).decode("ascii"), digest
    )


async def accept(call: Call) -> Response:
    """`POST /events`: 202 once the event and its deliveries are stored."""
    event = _new_event(await call.json(), call.store.new_id())
    now, most = call.store.clock(), call.tenant.max_pending
    accepted = await call.store.write(
        lambda c: events.accept(c, event, now, call.store.new_id, most)
    )
    if call.tenant.engine is not None:
        call.tenant.engine.arrived(accepted.webhook_ids, now)
    return reply({"event_id": event.id, "deliveries": accepted.deliveries}, 202)
