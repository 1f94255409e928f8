"""The OpenAPI 3.1 document of the tenant: built here, served by `app.py`, kept in `schemas/openapi.json`.

A test holds it to the routes of `app.py` and to the file. Limits are said where `core/limits.py` has them.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.core import limits
from reconciler.core.report import Verdict
from reconciler.tenant.tokens import EVENTS, READ, WRITE

Json = dict[str, Any]

TEXT: Final[Json] = {"type": "string"}
MAYBE: Final[Json] = {"type": ["string", "null"]}
COUNT: Final[Json] = {"type": "integer", "minimum": 0}
FLAG: Final[Json] = {"type": "boolean"}
TIME: Final[Json] = {"type": "string", "format": "date-time"}
MAYBE_TIME: Final[Json] = {"type": ["string", "null"], "format": "date-time"}
NAME: Final[Json] = {"type": "string", "minLength": 1, "maxLength": limits.NAME_LENGTH}
SECRET: Final[Json] = {"type": "string", "minLength": 1, "maxLength": limits.CREDENTIAL_BYTES, "writeOnly": True}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, required: tuple[str, ...] = (), *, closed: bool = False) -> Json:
    made: Json = {"type": "object", "properties": properties}
    if required:
        made["required"] = list(required)
    if closed:
        made["additionalProperties"] = False
    return made


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _page(items: Json) -> Json:
    return _object({"items": _list(items), "next_cursor": MAYBE}, ("items", "next_cursor"))


def _auth(kind: str, fields: Json, required: tuple[str, ...] = ()) -> Json:
    version = {} if kind == "none" else {"credential_version": MAYBE}
    return _object({"type": {"const": kind}, **fields, **version}, ("type", *required))


_COUNTS: Final = _object({"succeeded": COUNT, "failed": COUNT}, ("succeeded", "failed"))
_LASTS: Final[Json] = {"last_success": MAYBE_TIME, "last_failure": MAYBE_TIME, "last_day": _COUNTS}
_TOTALS: Final = _object({"succeeded": COUNT, "failed": COUNT, **_LASTS}, ("succeeded", "failed", *_LASTS))
_DETAILS: Final[Json] = {
    "name": NAME,
    "url": {"type": "string", "format": "uri", "maxLength": limits.URL_LENGTH},
    "description": {"type": "string", "maxLength": limits.DESCRIPTION_LENGTH},
    "enabled": FLAG,
    "auth": _ref("Auth"),
    "events": _list(_ref("Subscription")),
    "managed_by": {"oneOf": [_ref("ManagedBy"), {"type": "null"}]},
    "protected": FLAG,
}
_LIVE: Final[Json] = {
    "id": TEXT,
    "revision": TEXT,
    **_DETAILS,
    "created_at": TIME,
    "updated_at": TIME,
    "invocations": _ref("Invocations"),
}
_ATTEMPT: Final = _object(
    {
        "number": COUNT,
        "time": TIME,
        "verdict": MAYBE,
        "status_code": {"type": ["integer", "null"]},
        "detail": MAYBE,
        "seconds": {"type": ["number", "null"]},
    }
)

SCHEMAS: Final[Json] = {
    "Subscription": _object({"type": NAME, "version": NAME, "severity": NAME}, ("type", "version", "severity"), closed=True),
    "Auth": {
        "description": "Secrets are accepted, never returned.",
        "oneOf": [
            _auth("none", {}),
            _auth("basic", {"username": TEXT, "password": SECRET}, ("username",)),
            _auth("bearer", {"token": SECRET}),
            _auth("apiKey", {"header": TEXT, "value": SECRET}, ("header",)),
        ],
    },
    "ManagedBy": _object({"owner": NAME, "key": TEXT, "sources": _list(TEXT), "revision": MAYBE}, ("owner", "key"), closed=True),
    "Invocations": _TOTALS,
    "WebhookDetails": _object(_DETAILS, ("name", "url"), closed=True),
    "WebhookPatch": _object({**_DETAILS, "description": MAYBE, "auth": {"oneOf": [_ref("Auth"), {"type": "null"}]}}, closed=True),
    "Webhook": _object(_LIVE, tuple(_LIVE)),
    "Delivery": _object(
        {
            "event": TEXT,
            "verdict": {"enum": [verdict.value for verdict in Verdict]},
            "status_code": {"type": ["integer", "null"]},
            "detail": MAYBE,
            "seconds": {"type": "number"},
        },
        ("event", "verdict", "status_code", "detail", "seconds"),
    ),
    "QueuedDelivery": _object(
        {
            "id": TEXT,
            "event_id": TEXT,
            "event": _ref("Subscription"),
            "state": {"enum": ["pending", "succeeded", "failed"]},
            "created_at": TIME,
            "next_attempt": MAYBE_TIME,
            "attempts": _list(_ATTEMPT),
        }
    ),
    "Problem": _object(
        {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "errors": _list(_object({"pointer": TEXT, "detail": TEXT}, ("pointer", "detail"))),
        },
        ("type", "title", "status"),
    ),
}


def _query(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "schema": schema}


_LIMIT: Final = _query("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100})
_PAGING: Final = (_LIMIT, _query("cursor", TEXT))
_SPAN: Final = (
    _query("from", TIME),
    _query("to", TIME),
    _query("step", {"enum": ["hour", "day"], "default": "hour"}),
)
_MATCH: Final[Json] = {"name": "If-Match", "in": "header", "required": True, "schema": TEXT}
_KEY: Final[Json] = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}
_ACCEPTED: Final = _object({"deliveries": COUNT}, ("deliveries",))
_STEP: Final = _object({"start": TIME, "succeeded": COUNT, "failed": COUNT}, ("start", "succeeded", "failed"))
_TEST: Final = _object(
    {"webhook": _object(_DETAILS, ("url",), closed=True), "event": _ref("Subscription"), "id": TEXT}, ("webhook",), closed=True
)
_EVENT: Final = _object(
    {"type": NAME, "version": NAME, "severity": NAME, "event": {"type": "object"}, "event_id": NAME},
    ("type", "version", "severity", "event"),
    closed=True,
)
_ACCEPTED_EVENT: Final = _object({"event_id": TEXT, "deliveries": COUNT}, ("event_id", "deliveries"))
_ONLY_EVENT: Final = _object({"event": _ref("Subscription")}, closed=True)
_BETWEEN: Final = _object({"from": TIME, "to": TIME}, ("from", "to"), closed=True)

# method, path, summary, scope, parameters, body, status, answer
_Line = tuple[str, str, str, str | None, tuple[Json, ...], Json | None, int, Json | None]
LINES: Final[tuple[_Line, ...]] = (
    ("get", "/webhooks", "List webhooks", READ, (*_PAGING, _query("name", TEXT)), None, 200, _page(_ref("Webhook"))),
    ("post", "/webhooks", "Create a webhook", WRITE, (_KEY,), _ref("WebhookDetails"), 201, _ref("Webhook")),
    ("post", "/webhooks/test", "Test unsaved details", WRITE, (), _TEST, 200, _ref("Delivery")),
    ("get", "/webhooks/{id}", "Read a webhook", READ, (), None, 200, _ref("Webhook")),
    ("patch", "/webhooks/{id}", "Change a webhook", WRITE, (_MATCH,), _ref("WebhookPatch"), 200, _ref("Webhook")),
    ("delete", "/webhooks/{id}", "Delete a webhook", WRITE, (_MATCH,), None, 204, None),
    ("post", "/webhooks/{id}/test", "Test a webhook", WRITE, (), _ONLY_EVENT, 200, _ref("Delivery")),
    ("get", "/webhooks/{id}/deliveries", "List deliveries", READ, _PAGING, None, 200, _page(_ref("QueuedDelivery"))),
    ("post", "/webhooks/{id}/deliveries/{delivery}/redeliver", "Send again", WRITE, (), None, 202, _ACCEPTED),
    ("post", "/webhooks/{id}/redeliver", "Send failed ones again", WRITE, (), _BETWEEN, 202, _ACCEPTED),
    ("get", "/webhooks/{id}/invocations", "Counts over time", READ, _SPAN, None, 200, _object({"steps": _list(_STEP)})),
    ("get", "/invocations", "Counts over all webhooks", READ, (), None, 200, _ref("Invocations")),
    ("get", "/events", "The catalogue of events", READ, (), None, 200, {"type": "object"}),
    ("post", "/events", "Accept an event", EVENTS, (), _EVENT, 202, _ACCEPTED_EVENT),
    ("get", "/healthz", "Whether it is up", None, (), None, 200, {"type": "object"}),
    ("get", "/openapi.json", "This document", None, (), None, 200, {"type": "object"}),
)
_ERROR: Final[Json] = {
    "description": "A problem document (RFC 9457)",
    "content": {"application/problem+json": {"schema": _ref("Problem")}},
}


def _operation(line: _Line) -> Json:
    method, path, summary, scope, parameters, body, status, answer = line
    in_path = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    success: Json = {"description": "Done"}
    if answer is not None:
        success["content"] = {"application/json": {"schema": answer}}
    made: Json = {
        "summary": summary,
        "security": [] if scope is None else [{"token": []}],
        "parameters": [{"name": n, "in": "path", "required": True, "schema": TEXT} for n in in_path] + list(parameters),
        "responses": {str(status): success, "default": _ERROR},
    }
    if scope is not None:
        made["description"] = f"Needs the scope `{scope}`."
    if body is not None:
        media = "application/merge-patch+json" if method == "patch" else "application/json"
        made["requestBody"] = {"required": body is not _ONLY_EVENT, "content": {media: {"schema": body}}}
    return made


def document() -> Json:
    """The whole document, ready for JSON."""
    paths: Json = {}
    for line in LINES:
        paths.setdefault(line[1], {})[line[0]] = _operation(line)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tenant webhooks: webhook-reconciler's own contract, not an Elastio API",
            "version": "1",
            "description": "Modelled on what the tenant's Settings > Webhooks page does; no public API for it is known.",
        },
        "servers": [{"url": "/public-api/v1"}],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


DOCUMENT: Final = document()
