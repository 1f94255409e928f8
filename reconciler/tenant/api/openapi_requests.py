"""The requests of the OpenAPI document: parameters, headers, and bodies that only requests have."""

from __future__ import annotations

from typing import Final

from reconciler.tenant.api.openapi_schemas import (
    NAME,
    TEXT,
    TIME,
    Json,
    allow_null,
    make_record,
    make_ref,
)


def make_query(name: str, schema: Json) -> Json:
    """A parameter of the query."""
    return {"name": name, "in": "query", "schema": schema}


_LIMIT: Final = make_query(
    "limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}
)
PAGING: Final = (_LIMIT, make_query("cursor", TEXT))
SPAN: Final = (
    make_query("from", TIME),
    make_query("to", TIME),
    make_query("step", {"enum": ["hour", "day"], "default": "hour"}),
)
MATCH: Final[Json] = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": TEXT,
    "example": '"3"',
    "description": "The ETag that was read, strong; several with commas, or `*`.",
}
KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "Per token and route, 24 hours: the same body again makes "
    "nothing new and answers "
    "with the webhook of now.",
}
_BOUND: Final[Json] = {"type": ["number", "null"], "minimum": 1, "maximum": 10, "default": 10}
TEST_OPTIONS: Final[Json] = {
    "event": allow_null(make_ref("Subscription")),
    "timeout_seconds": {
        **_BOUND,
        "description": "Seconds of wall clock after which the attempt is given "
        "up: verdict `timeout`.",
    },
}
TEST: Final = make_record(
    {"webhook": make_ref("Unsaved"), **TEST_OPTIONS, "id": {"type": ["string", "null"]}},
    ("webhook",),
    closed=True,
)
EVENT: Final = make_record(
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
BETWEEN: Final = make_record({"from": TIME, "to": TIME}, closed=True)
EMPTY: Final = make_record({}, closed=True)
