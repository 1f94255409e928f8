"""The OpenAPI 3.1 document of the tenant: built here, served by `app.py`, kept in
`schemas/openapi.json`.

A test holds it to the routes of `app.py` and to the file, and every answer in the tenant's tests to
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from reconciler.core.results.reports import Verdict
from reconciler.tenant.api.openapi_schemas import (
    COUNT,
    COUNTS_EXAMPLE,
    NAME,
    SCHEMAS,
    SUBSCRIPTION,
    TEXT,
    TIME,
    Json,
    allow_null,
    make_list,
    make_page,
    make_record,
    make_ref,
)
from reconciler.tenant.problems import STATUS
from reconciler.tenant.store.values.token import EVENTS, READ, WRITE


def _make_query(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "schema": schema}


_LIMIT: Final = _make_query(
    "limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}
)
_PAGING: Final = (_LIMIT, _make_query("cursor", TEXT))
_SPAN: Final = (
    _make_query("from", TIME),
    _make_query("to", TIME),
    _make_query("step", {"enum": ["hour", "day"], "default": "hour"}),
)
_MATCH: Final[Json] = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": TEXT,
    "example": '"3"',
    "description": "The ETag that was read, strong; several with commas, or `*`.",
}
_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "Per token and route, 24 hours: the same body again makes "
    "nothing new and answers "
    "with the webhook of now.",
}
_ACCEPTED: Final = make_record({"deliveries": COUNT})
_STEP: Final = make_record({"start": TIME, "succeeded": COUNT, "failed": COUNT})
_ALL: Final[Json] = {  # with `from`, `to` or `step` also in steps
    "allOf": [make_ref("Invocations"), make_record({"steps": make_list(_STEP, maxItems=1000)}, ())]
}
_BOUND: Final[Json] = {"type": ["number", "null"], "minimum": 1, "maximum": 10, "default": 10}
_AN_EVENT: Final[Json] = {
    "event": allow_null(make_ref("Subscription")),
    "timeout_seconds": {
        **_BOUND,
        "description": "Seconds of wall clock after which the attempt is given "
        "up: verdict `timeout`.",
    },
}
_TEST: Final = make_record(
    {"webhook": make_ref("Unsaved"), **_AN_EVENT, "id": {"type": ["string", "null"]}},
    ("webhook",),
    closed=True,
)
_EVENT: Final = make_record(
    {
        "type": NAME,
        "version": NAME,
        "severity": NAME,
        "event": {"type": "object"},
        "event_id": {**NAME, "type": ["string", "null"]},
    },
    ("type", "version", "severity", "event"),
    closed=True,
)
_BETWEEN: Final = make_record({"from": TIME, "to": TIME}, closed=True)
_DONE_EXAMPLE: Final[Json] = {
    "event": SUBSCRIPTION["type"],
    "verdict": Verdict.DELIVERED.value,
    "status_code": 200,
    "detail": None,
    "seconds": 0.04,
}
_EXAMPLES: Final[dict[str, tuple[Json, ...]]] = {  # operation: body, or body and answer
    "POST /webhooks/test": (
        {"webhook": {"url": "https://hooks.example.com/elastio"}, "event": SUBSCRIPTION},
        _DONE_EXAMPLE,
    ),
    "POST /webhooks/{id}/test": ({"event": SUBSCRIPTION}, _DONE_EXAMPLE),
    "POST /webhooks/{id}/redeliver": (
        {"from": "2026-01-30T00:00:00Z", "to": "2026-01-31T00:00:00Z"},
        {"deliveries": 4},
    ),
    "POST /events": (
        {**SUBSCRIPTION, "event": {"asset": "vol-1"}, "event_id": "e-1"},
        {"event_id": "e-1", "deliveries": 2},
    ),
    "GET /invocations": ({}, COUNTS_EXAMPLE),
}
_NOTES: Final = {
    "PATCH": "Unlike RFC 7396, `auth`, `events` and `managed_by` replace the whole value; `auth` "
    "left out stays, null is none.",
    "DELETE": "A protected webhook is refused; a separate PATCH lifts that.",
}


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
        if _MATCH in self.parameters:
            kinds += ["revision-required", "revision"]
        return tuple(sorted(set(kinds), key=lambda kind: (STATUS[kind][0], kind)))


_EMPTY: Final = make_record({}, closed=True)
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
_HOOK: Final = make_ref("Webhook")
LINES: Final = (
    Line(
        "GET",
        "/webhooks",
        "List webhooks",
        READ,
        make_page(_HOOK),
        parameters=(*_PAGING, _make_query("name", TEXT)),
    ),
    Line(
        "POST",
        "/webhooks",
        "Create a webhook",
        WRITE,
        _HOOK,
        201,
        (_KEY,),
        make_ref("WebhookDetails"),
        kinds=_CREATED,
    ),
    Line(
        "POST",
        _TEST_PATHS[0],
        "Test unsaved details",
        WRITE,
        _DELIVERY,
        body=_TEST,
        kinds=(*_TESTED, "not-found"),
    ),
    Line("GET", "/webhooks/{id}", "Read a webhook", READ, _HOOK),
    Line(
        *("PATCH", "/webhooks/{id}", "Change a webhook", WRITE, _HOOK),
        parameters=(_MATCH,),
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
        (_MATCH,),
        kinds=("owner", "protected"),
    ),
    Line(
        *("POST", _TEST_PATHS[1], "Test a webhook", WRITE, _DELIVERY),
        body=make_record(_AN_EVENT, (), closed=True),
        body_required=False,
        kinds=_TESTED,
    ),
    Line(
        "GET",
        "/webhooks/{id}/deliveries",
        "List deliveries",
        READ,
        make_page(make_ref("QueuedDelivery")),
        parameters=_PAGING,
    ),
    Line(
        "POST",
        _AGAIN,
        "Send again",
        WRITE,
        _ACCEPTED,
        202,
        (),
        _EMPTY,
        False,
        ("owner", "disabled", "expired"),
    ),
    Line(
        *("POST", "/webhooks/{id}/redeliver", "Send failed ones again", WRITE, _ACCEPTED, 202),
        body=_BETWEEN,
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
        parameters=_SPAN,
    ),
    Line("GET", "/invocations", "Counts over all webhooks", READ, _ALL, parameters=_SPAN),
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
        body=_EVENT,
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
_IDS: Final = {  # what generated clients call each operation: never changed
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
_HEADERS: Final = {
    401: ("WWW-Authenticate", "Bearer"),
    412: ("ETag", "Of now"),
    429: ("Retry-After", "Whole seconds"),
    503: ("Retry-After", "Whole seconds"),
}


def _make_header(name: str, description: str) -> Json:
    return {name: {"description": description, "required": True, "schema": TEXT}}


def _make_problem(line: Line, status: int) -> Json:
    """What is answered with a status of refusal: its types, and an example of the first."""
    kinds = [kind for kind in line.problems if STATUS[kind][0] == status]
    example = {"type": kinds[0], "title": STATUS[kinds[0]][1], "status": status}
    if status == 422 and "invalid" in kinds:
        example = {"type": "invalid", "title": STATUS["invalid"][1], "status": status}
        example["errors"] = [{"pointer": "/auth/token", "detail": "is required"}]
    response: Json = {
        "description": "; ".join(f"`{kind}`: {STATUS[kind][1]}" for kind in kinds),
        "content": {
            "application/problem+json": {"schema": make_ref("Problem"), "example": example}
        },
    }
    if status == 415:
        response["headers"] = _make_header(
            *(("Accept-Patch",) if line.method == "PATCH" else ("Accept",)), "What to send"
        )
    elif status in _HEADERS:
        response["headers"] = _make_header(*_HEADERS[status])
    return response


def _make_success(line: Line) -> Json:
    response: Json = {"description": "Done"}
    if line.answer is not None:
        response["content"] = {line.media: {"schema": line.answer}}
        examples = _EXAMPLES.get(f"{line.method} {line.path}")
        if examples is not None:
            response["content"][line.media]["example"] = examples[1]
    if line.answer is _HOOK:
        response["headers"] = _make_header("ETag", "The revision in quotes, strong")
    if line.status == 201:
        response["headers"] |= _make_header("Location", "The webhook's path")
    return response


def _make_operation(line: Line) -> Json:
    in_path = [part[1:-1] for part in line.path.split("/") if part.startswith("{")]
    statuses = sorted({STATUS[kind][0] for kind in line.problems})
    notes = [_NOTES.get(line.method, ""), f"Needs the scope `{line.scope}`." if line.scope else ""]
    if line.path == "/events" and line.method == "GET":
        notes[1] = f"Needs the scope `{READ}` or `{EVENTS}`."
    operation: Json = {
        "operationId": _IDS[f"{line.method} {line.path}"],
        "summary": line.summary,
        "description": " ".join(filter(None, notes)),
        "security": [] if line.scope is None else [{"token": []}],
        "parameters": [{"name": n, "in": "path", "required": True, "schema": TEXT} for n in in_path]
        + list(line.parameters),
        "responses": {str(line.status): _make_success(line)}
        | {str(status): _make_problem(line, status) for status in statuses},
    }
    if line.body is not None:
        media: dict[str, Any] = {"schema": line.body}
        examples = _EXAMPLES.get(f"{line.method} {line.path}")
        if examples is not None:
            media["example"] = examples[0]
        kind = "application/merge-patch+json" if line.method == "PATCH" else "application/json"
        operation["requestBody"] = {"required": line.body_required, "content": {kind: media}}
    return operation


_ABOUT: Final = """webhook-reconciler's own contract, not an Elastio API.
Modelled on what the tenant's Settings > Webhooks page does; no public API for it is known.

A request is checked in this order: path (404), method (405), token (401), scope (403), \
the body's size, media type and JSON
(413, 415, 400), then the webhook (404), whose it is (403), If-Match (428, 412), \
conflicts (409), and last its fields (422).
A token with an owner changes and tests only unowned webhooks and webhooks of that owner."""


def make_document() -> Json:
    """The whole document, ready for JSON."""
    paths: Json = {}
    for line in LINES:
        paths.setdefault(line.path, {})[line.method.lower()] = _make_operation(line)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tenant webhooks",
            "version": "1",
            "description": _ABOUT,
        },
        "servers": [{"url": "/public-api/v1"}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


DOCUMENT: Final = make_document()
