"""The OpenAPI 3.1 document of the tenant: built here, served by `app.py`, kept in
`schemas/openapi.json`.

The operations are in `openapi_operations.py`, what they take in `openapi_requests.py`, the schemas
in `openapi_schemas.py`. A test holds the document to the routes of `app.py` and to the file, and
every answer in the tenant's tests to it.
"""

from __future__ import annotations

from typing import Final

from reconciler.core.results.reports import Verdict
from reconciler.tenant.api.openapi_operations import LINES, OPERATION_IDS, WEBHOOK, Line
from reconciler.tenant.api.openapi_schemas import (
    COUNTS_EXAMPLE,
    SCHEMAS,
    SUBSCRIPTION,
    TEXT,
    Json,
    make_ref,
)
from reconciler.tenant.problems import STATUS
from reconciler.tenant.store.values.token import EVENTS, READ

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
    if line.answer is WEBHOOK:
        response["headers"] = _make_header("ETag", "The revision in quotes, strong")
    if line.status == 201:
        response["headers"] |= _make_header("Location", "The webhook's path")
    return response


def _make_request_body(line: Line) -> Json:
    media: Json = {"schema": line.body}
    examples = _EXAMPLES.get(f"{line.method} {line.path}")
    if examples is not None:
        media["example"] = examples[0]
    kind = "application/merge-patch+json" if line.method == "PATCH" else "application/json"
    return {"required": line.body_required, "content": {kind: media}}


def _make_operation(line: Line) -> Json:
    in_path = [part[1:-1] for part in line.path.split("/") if part.startswith("{")]
    statuses = sorted({STATUS[kind][0] for kind in line.problems})
    notes = [_NOTES.get(line.method, ""), f"Needs the scope `{line.scope}`." if line.scope else ""]
    if line.path == "/events" and line.method == "GET":
        notes[1] = f"Needs the scope `{READ}` or `{EVENTS}`."
    operation: Json = {
        "operationId": OPERATION_IDS[f"{line.method} {line.path}"],
        "summary": line.summary,
        "description": " ".join(filter(None, notes)),
        "security": [] if line.scope is None else [{"token": []}],
        "parameters": [{"name": n, "in": "path", "required": True, "schema": TEXT} for n in in_path]
        + list(line.parameters),
        "responses": {str(line.status): _make_success(line)}
        | {str(status): _make_problem(line, status) for status in statuses},
    }
    if line.body is not None:
        operation["requestBody"] = _make_request_body(line)
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
