"""The JSON Schemas of the OpenAPI document: what stands in bodies and answers, each with an
example.

Limits are those of `core/model/limits.py`, their patterns stand in `openapi_patterns.py`; what a
schema cannot say (NFC, when a stored secret is enough) is prose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.core.model import limits
from reconciler.core.model.capabilities import TENANT, list_auth_types
from reconciler.core.model.fields import list_common_rows
from reconciler.core.results.reports import Verdict
from reconciler.tenant.api import openapi_patterns as patterns
from reconciler.tenant.problems import API

Json = dict[str, Any]

TEXT: Final[Json] = {"type": "string"}
MAYBE: Final[Json] = {"type": ["string", "null"]}
COUNT: Final[Json] = {"type": "integer", "minimum": 0}
FLAG: Final[Json] = {"type": "boolean"}
TIME: Final[Json] = {"type": "string", "format": "date-time"}
MAYBE_TIME: Final[Json] = {"type": ["string", "null"], "format": "date-time"}
NAME: Final[Json] = {"type": "string", "pattern": patterns.NAME, "maxLength": limits.NAME_LENGTH}
NFC: Final[Json] = {
    "type": "string",
    "pattern": patterns.NAME,
    "description": f"At most {limits.NAME_LENGTH} characters in Unicode NFC",
}
MAYBE_NAME: Final[Json] = {**NAME, "type": ["string", "null"]}
REPOSITORY: Final[Json] = {
    "description": "The Git repository that manages it: host/path, without user and port.",
    "type": ["string", "null"],
    "pattern": patterns.REPOSITORY,
    "maxLength": limits.REPOSITORY_LENGTH,
}
PLAIN: Final[Json] = {
    "type": "string",
    "pattern": patterns.CREDENTIAL,
    "maxLength": limits.CREDENTIAL_BYTES,
}
USERNAME: Final[Json] = {**PLAIN, "pattern": patterns.USERNAME}
HEADER: Final[Json] = {**PLAIN, "pattern": patterns.HEADER}
SECRET: Final[Json] = {**PLAIN, "writeOnly": True}
STATUS_CODE: Final[Json] = {"type": ["integer", "null"], "minimum": 100, "maximum": 999}
SECONDS: Final[Json] = {"type": ["number", "null"], "minimum": 0}
VERDICTS: Final = [verdict.value for verdict in Verdict]

SUBSCRIPTION: Final[Json] = {
    "type": "elastio:recovery-point:create:started",
    "version": "v0",
    "severity": "info",
}
MARK: Final[Json] = {
    "owner": "payments",
    "key": "payments-oncall",
    "sources": ["webhooks/payments.yaml"],
    "revision": "4fd1c2e",
    "repository": "forge.example/acme/webhooks",
}
DETAILS_EXAMPLE: Final[Json] = {
    "name": "Payments on-call",
    "url": "https://hooks.example.com/elastio",
    "description": "",
    "enabled": True,
    "auth": {
        "type": "basic",
        "username": "elastio",
        "password": "kept-at-the-tenant",
        "credential_version": "2",
    },
    "events": [SUBSCRIPTION],
    "managed_by": MARK,
    "protected": False,
}
COUNTS_EXAMPLE: Final[Json] = {
    "succeeded": 12,
    "failed": 0,
    "last_success": "2026-01-31T12:00:00.000Z",
    "last_failure": None,
    "last_day": {"succeeded": 3, "failed": 0},
}
WEBHOOK_EXAMPLE: Final[Json] = {
    "id": "5d6f2c1e-8a57-4d1c-9f0b-2f6f0a3f7c11",
    "revision": "3",
    **DETAILS_EXAMPLE,
    "auth": {"type": "basic", "username": "elastio", "credential_version": "2"},
    "created_at": "2026-01-01T00:00:00.000Z",
    "updated_at": "2026-01-31T11:00:00.000Z",
    "invocations": COUNTS_EXAMPLE,
}


def make_ref(name: str) -> Json:
    """A reference to one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def allow_null(schema: Json) -> Json:
    """The same, or null."""
    return {"oneOf": [schema, {"type": "null"}]}


def make_record(
    properties: Json, required: tuple[str, ...] | None = None, *, closed: bool = False
) -> Json:
    """An object; all its properties are required unless some are named. `closed`: others are
    refused.
    """
    schema: Json = {"type": "object", "properties": properties}
    needed = list(properties if required is None else required)
    if needed:
        schema["required"] = needed
    if closed:
        schema["additionalProperties"] = False
    return schema


def make_list(items: Json, **more: Any) -> Json:
    """An array of these."""
    return {"type": "array", "items": items, **more}


def make_page(items: Json) -> Json:
    """One page of a listing; `next_cursor` is null on the last one."""
    return make_record({"items": make_list(items), "next_cursor": MAYBE})


def _make_auth(kind: str, fields: Json, *required: str) -> Json:
    version = {"type": "null"} if kind == "none" else MAYBE_NAME
    return make_record(
        {"type": {"const": kind}, **fields, "credential_version": version},
        ("type", *required),
        closed=True,
    )


def _make_auths(secret: Json | None = None, *, required: bool = False) -> list[Json]:
    """Every type of authentication; with `secret` with the field of its credential, which may be
    required.
    """
    schemas = []
    for row in list_auth_types(TENANT):
        fields = {row.text: _TEXTS[row.text]} if row.text else {}
        hidden = {row.credential: secret} if row.credential and secret is not None else {}
        needed = (*fields, *hidden) if required else (*fields,)
        schemas.append(_make_auth(row.name, {**fields, **hidden}, *needed))
    return schemas


_SCHEME: Final[Json] = {"type": "string", "enum": list(TENANT.schemes)}
_TEXTS: Final[Mapping[str, Json]] = {"username": USERNAME, "header": HEADER, "scheme": _SCHEME}
_COUNTS: Final = make_record({"succeeded": COUNT, "failed": COUNT})
_INVOCATIONS: Final = make_record(
    {
        "succeeded": COUNT,
        "failed": COUNT,
        "last_success": MAYBE_TIME,
        "last_failure": MAYBE_TIME,
        "last_day": _COUNTS,
    }
)
_EVENTS: Final = make_list(make_ref("Subscription"), uniqueItems=True)
_DESCRIPTION: Final[Json] = {
    "type": "string",
    "pattern": patterns.DESCRIPTION,
    "maxLength": limits.DESCRIPTION_LENGTH,
}
_BY_NAME: Final[Json] = {
    "name": NFC,
    "url": {"type": "string", "pattern": patterns.URL, "maxLength": limits.URL_LENGTH},
}
_BY_TYPE: Final[Mapping[type, Json]] = {str: _DESCRIPTION, bool: FLAG, int: COUNT}


def _make_values(*, given: bool) -> Json:
    """The fields that are one value, as they are given or shown; null is given for a default."""
    schemas = {}
    for row in list_common_rows():
        if row.is_simple:
            schema = _BY_NAME.get(row.name, _BY_TYPE[row.type])
            may_be_null = given and row.default is not None
            types = [schema["type"], "null"] if may_be_null else schema["type"]
            schemas[row.name] = {**schema, "type": types}
    return schemas


_GIVEN: Final[Json] = {
    **_make_values(given=True),
    "auth": allow_null(make_ref("GivenAuth")),
    "events": allow_null(_EVENTS),
    "managed_by": allow_null(make_ref("ManagedBy")),
    "protected": {"type": ["boolean", "null"]},
}
_LIVE: Final[Json] = {
    "id": TEXT,
    "revision": TEXT,
    **_make_values(given=False),
    "auth": make_ref("Auth"),
    "events": _EVENTS,
    "managed_by": allow_null(make_ref("ManagedBy")),
    "protected": FLAG,
    "created_at": TIME,
    "updated_at": TIME,
    "invocations": make_ref("Invocations"),
}
_ATTEMPT: Final = make_record(
    {
        "number": {"type": "integer", "minimum": 1},
        "time": TIME,
        "verdict": {"enum": [*VERDICTS, None]},
        "status_code": STATUS_CODE,
        "detail": MAYBE,
        "seconds": SECONDS,
    }
)
_QUEUED: Final = make_record(
    {
        "id": TEXT,
        "event_id": TEXT,
        "event": make_ref("Subscription"),
        "state": {"enum": ["pending", "succeeded", "failed"]},
        "created_at": TIME,
        "next_attempt": MAYBE_TIME,
        "attempts": make_list(_ATTEMPT),
    }
)
_DELIVERY: Final = make_record(
    {
        "event": TEXT,
        "verdict": {"enum": VERDICTS},
        "status_code": STATUS_CODE,
        "detail": MAYBE,
        "seconds": SECONDS,
    }
)
_KNOWN: Final = make_record(
    {
        "type": TEXT,
        "group": MAYBE,
        "versions": {"type": ["array", "null"], "items": TEXT},
        "severities": make_list(TEXT),
        "description": MAYBE,
        "example": {"type": ["object", "null"]},
        "source": MAYBE,
    }
)
_SECRETS: Final = (
    "Secrets are accepted, never returned. Without its secret an authentication keeps the "
    "stored one."
)

SCHEMAS: Final[Json] = {
    "Subscription": {
        **make_record({"type": NAME, "version": NAME, "severity": NAME}, closed=True),
        "example": SUBSCRIPTION,
    },
    "Auth": {"description": "As it is shown: without its secret.", "oneOf": _make_auths()},
    "GivenAuth": {"description": _SECRETS, "oneOf": _make_auths(SECRET)},
    "NewAuth": {
        "description": "With its secret, since none is stored.",
        "oneOf": _make_auths(SECRET, required=True),
    },
    "ManagedBy": {
        **make_record(
            {
                "owner": NAME,
                "key": {"type": "string", "pattern": patterns.KEY},
                "sources": make_list({**_DESCRIPTION, "minLength": 1}),
                "revision": MAYBE_NAME,
                "repository": REPOSITORY,
            },
            ("owner", "key"),
            closed=True,
        ),
        "example": MARK,
    },
    "Invocations": {**_INVOCATIONS, "example": COUNTS_EXAMPLE},
    "WebhookDetails": {
        **make_record(
            {**_GIVEN, "auth": allow_null(make_ref("NewAuth"))}, ("name", "url"), closed=True
        ),
        "example": DETAILS_EXAMPLE,
    },
    "WebhookPatch": {**make_record(_GIVEN, (), closed=True), "example": {"enabled": False}},
    "Unsaved": make_record(_GIVEN, ("url",), closed=True),
    "Webhook": {**make_record(_LIVE), "example": WEBHOOK_EXAMPLE},
    "Delivery": _DELIVERY,
    "QueuedDelivery": _QUEUED,
    "Catalogue": make_record(
        {
            "complete": FLAG,
            "note": TEXT,
            "groups": make_list(TEXT),
            "severities": make_list(TEXT),
            "events": make_list(_KNOWN),
        }
    ),
    "Problem": make_record(
        {
            "type": {"enum": sorted(API)},
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "errors": make_list(make_record({"pointer": TEXT, "detail": TEXT})),
        },
        ("type", "title", "status"),
    ),
}
