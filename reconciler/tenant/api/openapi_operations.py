"""The operations of the OpenAPI document: a line per method and path, with what it takes, answers
and refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconciler.tenant.api.openapi_requests import (
    BETWEEN,
    EMPTY,
    EVENT,
    KEY,
    MATCH,
    PAGING,
    SPAN,
    TEST,
    TEST_OPTIONS,
    make_query,
)
from reconciler.tenant.api.openapi_schemas import (
    COUNT,
    TEXT,
    TIME,
    Json,
    make_list,
    make_page,
    make_record,
    make_ref,
)
from reconciler.tenant.problems import STATUS
from reconciler.tenant.store.values.token import EVENTS, READ, WRITE


@dataclass(frozen=True, slots=True)
class Line:
    """One operation; `kinds` are the problem types that are its own, beside those that follow from
    its shape.
    """

    method: str
    path: str
    summary: str
    scope: str | None
    answer: Json | None
    status: int = 200
    parameters: tuple[Json, ...] = ()
    body: Json | None = None
    body_required: bool = True
    kinds: tuple[str, ...] = ()
    media: str = "application/json"

    @property
    def problems(self) -> tuple[str, ...]:
        """Every problem type that it can answer with."""
        kinds = ["misdirected", "defect", "overloaded", *self.kinds]
        if self.scope is not None:
            kinds += ["unauthorized", "scope", "rate", "busy", "damaged", "storage", "storage-full"]
        if self.body is not None:
            kinds += ["not-json", "timeout", "too-large", "media-type", "invalid"]
        if any(parameter["in"] == "query" for parameter in self.parameters):
            kinds.append("bad-request")
        if "cursor" in [parameter["name"] for parameter in self.parameters]:
            kinds.append("bad-cursor")
        if "{" in self.path:
            kinds.append("not-found")
        if MATCH in self.parameters:
            kinds += ["revision-required", "revision"]
        return tuple(sorted(set(kinds), key=lambda kind: (STATUS[kind][0], kind)))


_ACCEPTED: Final = make_record({"deliveries": COUNT})
_STEP: Final = make_record({"start": TIME, "succeeded": COUNT, "failed": COUNT})
_ALL: Final[Json] = {  # with `from`, `to` or `step` also in steps
    "allOf": [make_ref("Invocations"), make_record({"steps": make_list(_STEP, maxItems=1000)}, ())]
}
_CREATED: Final = (
    "bad-request",
    "owner",
    "name-taken",
    "idempotency",
    "idempotency-gone",
    "idempotency-in-progress",
)
_TESTED: Final = ("owner", "credential")
_DELIVERY: Final = make_ref("Delivery")
_TEST_PATHS: Final = ("/webhooks/test", "/webhooks/{id}/test")
_AGAIN: Final = "/webhooks/{id}/deliveries/{delivery}/redeliver"
WEBHOOK: Final = make_ref("Webhook")
LINES: Final = (
    Line(
        "GET",
        "/webhooks",
        "List webhooks",
        READ,
        make_page(WEBHOOK),
        parameters=(*PAGING, make_query("name", TEXT)),
    ),
    Line(
        "POST",
        "/webhooks",
        "Create a webhook",
        WRITE,
        WEBHOOK,
        201,
        (KEY,),
        make_ref("WebhookDetails"),
        kinds=_CREATED,
    ),
    Line(
        "POST",
        _TEST_PATHS[0],
        "Test unsaved details",
        WRITE,
        _DELIVERY,
        body=TEST,
        kinds=(*_TESTED, "not-found"),
    ),
    Line("GET", "/webhooks/{id}", "Read a webhook", READ, WEBHOOK),
    Line(
        *("PATCH", "/webhooks/{id}", "Change a webhook", WRITE, WEBHOOK),
        parameters=(MATCH,),
        body=make_ref("WebhookPatch"),
        kinds=("owner", "name-taken", "credential"),
    ),
    Line(
        "DELETE",
        "/webhooks/{id}",
        "Delete a webhook",
        WRITE,
        None,
        204,
        (MATCH,),
        kinds=("owner", "protected"),
    ),
    Line(
        *("POST", _TEST_PATHS[1], "Test a webhook", WRITE, _DELIVERY),
        body=make_record(TEST_OPTIONS, (), closed=True),
        body_required=False,
        kinds=_TESTED,
    ),
    Line(
        "GET",
        "/webhooks/{id}/deliveries",
        "List deliveries",
        READ,
        make_page(make_ref("QueuedDelivery")),
        parameters=PAGING,
    ),
    Line(
        "POST",
        _AGAIN,
        "Send again",
        WRITE,
        _ACCEPTED,
        202,
        (),
        EMPTY,
        False,
        ("owner", "disabled", "expired"),
    ),
    Line(
        *("POST", "/webhooks/{id}/redeliver", "Send failed ones again", WRITE, _ACCEPTED, 202),
        body=BETWEEN,
        kinds=("owner", "disabled"),
    ),
    Line(
        *(
            "GET",
            "/webhooks/{id}/invocations",
            "Counts over time",
            READ,
            make_record({"steps": make_list(_STEP, maxItems=1000)}),
        ),
        parameters=SPAN,
    ),
    Line("GET", "/invocations", "Counts over all webhooks", READ, _ALL, parameters=SPAN),
    Line("GET", "/events", "The catalogue of events", READ, make_ref("Catalogue")),
    Line(
        *(
            "POST",
            "/events",
            "Accept an event",
            EVENTS,
            make_record({"event_id": TEXT, "deliveries": COUNT}),
            202,
        ),
        body=EVENT,
        kinds=("event-id", "backlog"),
    ),
    Line(
        *("GET", "/healthz", "Whether it works", None, make_record({"status": {"const": "ok"}})),
        kinds=("not-running", "busy", "damaged", "storage", "storage-full"),
    ),
    Line(
        "GET", "/metrics", "Its metrics, in Prometheus' text format", READ, TEXT, media="text/plain"
    ),
    Line("GET", "/openapi.json", "This document", None, {"type": "object"}),
)
OPERATION_IDS: Final = {  # what generated clients call each operation: never changed
    "GET /webhooks": "listWebhooks",
    "POST /webhooks": "createWebhook",
    "POST /webhooks/test": "testWebhookDetails",
    "GET /webhooks/{id}": "getWebhook",
    "PATCH /webhooks/{id}": "updateWebhook",
    "DELETE /webhooks/{id}": "deleteWebhook",
    "POST /webhooks/{id}/test": "testWebhook",
    "GET /webhooks/{id}/deliveries": "listDeliveries",
    "POST /webhooks/{id}/deliveries/{delivery}/redeliver": "redeliver",
    "POST /webhooks/{id}/redeliver": "redeliverFailed",
    "GET /webhooks/{id}/invocations": "getWebhookInvocations",
    "GET /invocations": "getInvocations",
    "GET /events": "getEventCatalogue",
    "POST /events": "acceptEvent",
    "GET /healthz": "getHealth",
    "GET /metrics": "getMetrics",
    "GET /openapi.json": "getOpenApiDocument",
}
