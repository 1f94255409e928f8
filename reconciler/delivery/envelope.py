"""Sample and real events in the v0 envelope. Pure: ids and times come in as arguments.

The envelope's shape is Elastio's, from its public sample receiver (github.com/elastio/contrib, elastio-webhook-handler); what
Elastio's own test sends is not public.
"""

from __future__ import annotations

import json
from typing import Any

from reconciler.core.catalogue import BY_TYPE
from reconciler.core.model import Subscription

Event = dict[str, Any]


def real_event(type_: str, version: str | None, event: Event, event_id: str, time: str) -> Event:
    """An event with the four fields that every documented example carries; `time` is RFC 3339 UTC."""
    common = {"event_id": event_id, "event_kind": type_, "event_time": time, "event_version": version or "v0"}
    return {"deprecation_warning": None, **event, **common}


def sample_event(subscription: Subscription, *, event_id: str, time: str) -> Event:
    """The catalogue's example of that type, with this id and time; only the common fields where no example is public."""
    known = BY_TYPE.get(subscription.type)
    example: Event = json.loads(known.example) if known is not None and known.example else {}
    return real_event(subscription.type, subscription.version, example, event_id, time)


def envelope(event: Event) -> bytes:
    """The body of one delivery."""
    return json.dumps({"version": "v0", "deprecation_warning": None, "events": [event]}).encode()
