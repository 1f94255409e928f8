"""Sample and real events in the v0 envelope. Pure; called by the tenant and by `test --via probe`.
Sending stands in `send.py`.

Source of the shape: Elastio's public sample receiver (github.com/elastio/contrib,
elastio-webhook-handler): `version`, `deprecation_warning`, `events`, and four fields in every
event. What Elastio's own test sends is not public.
"""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.core.model.catalogue import BY_TYPE
from reconciler.core.model.webhook import Subscription

Event = dict[str, Any]

VERSION: Final = "v0"


def sample_event(subscription: Subscription, *, event_id: str, time: str) -> Event:
    """The event that a test sends: the catalogue's example of that type, else the common fields
    alone, with its severity.

    `time` is UTC as RFC 3339 text; a subscription without version gets v0.
    """
    event_type = BY_TYPE.get(subscription.type)
    example: Event = (
        json.loads(event_type.example)
        if event_type is not None and event_type.example is not None
        else {}
    )
    if subscription.severity is not None:
        example = {**example, "severity": subscription.severity}
    return real_event(subscription.type, subscription.version, example, event_id, time)


def real_event(type_: str, version: str | None, event: Event, event_id: str, time: str) -> Event:
    """An event as it is sent: what was posted, with the four common fields set and
    `deprecation_warning` present.

    `time` is UTC as RFC 3339 text; the other fields of `event` are passed on unchecked.
    """
    common = {
        "event_id": event_id,
        "event_kind": type_,
        "event_time": time,
        "event_version": version or VERSION,
    }
    return {**common, "deprecation_warning": None, **event, **common}


def envelope(event: Event) -> bytes:
    """The body of a delivery: one event in the v0 envelope, JSON in UTF-8; raises ValueError for
    NaN, which is not JSON.
    """
    body = {"version": VERSION, "deprecation_warning": None, "events": [event]}
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(
        "utf-8", "backslashreplace"
    )  # a lone surrogate has no UTF-8; this writes it as JSON's \uXXXX
