"""Deliveries as JSON-ready dicts of the tenant's contract.

Decoding raises ValueError with a JSON pointer, without the value.
"""

from __future__ import annotations

from typing import Any

from reconciler.core.model.json_reading import JsonValue
from reconciler.core.model.webhook import Subscription
from reconciler.core.results.reports import Delivery, Verdict


def delivery_to_wire(delivery: Delivery) -> dict[str, Any]:
    """A delivery as the tenant answers it."""
    return {
        "event": delivery.event.type,
        "verdict": delivery.verdict.value,
        "status_code": delivery.status_code,
        "detail": delivery.detail,
        "seconds": round(delivery.seconds, 6),
    }


def delivery_from_wire(value: object, webhook: str, event: Subscription) -> Delivery:
    """A delivery from a tenant's answer; raises ValueError."""
    body = JsonValue(value)
    try:
        verdict = Verdict(body.get("verdict").text())
    except ValueError:
        raise ValueError("/verdict: unknown") from None
    status, seconds = body.get("status_code").value, body.get("seconds").value
    if not (
        status is None
        or (isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 999)
    ):
        raise ValueError("/status_code: not a status code")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds <= 1e6:
        raise ValueError("/seconds: not a time")
    return Delivery(
        webhook, event, verdict, status, body.get("detail").maybe_text(), float(seconds)
    )
