"""What Svix's endpoints can hold and do.

Source: Svix's OpenAPI document, version 1.922.0, and the source of the open-source server
(github.com/svix/svix-webhooks) for what the document leaves open: metadata of up to 4,096 bytes,
and the headers and the signature of a delivery (`worker.rs`; docs.svix.com, "Verifying Webhooks
Manually"). What a message has is for the application to say; the sample is the body that Standard
Webhooks recommends.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.core.model.capabilities import Capabilities, Envelope, SecretRules, Signature

ALL_EVENTS: Final = "*"
"""Stands for an endpoint without a list of event types, which gets all of them. No event type of
Svix has this name.
"""

OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "rateLimit": {
        "description": "Messages per second that Svix sends to the endpoint at most.",
        "type": "integer",
        "minimum": 1,
        "maximum": 65535,
    },
    "channels": {
        "description": "Only messages of these channels; without it, those of all.",
        "type": "array",
        "minItems": 1,
        "maxItems": 10,
        "uniqueItems": True,
        "items": {"type": "string", "maxLength": 128, "pattern": "^[a-zA-Z0-9._:+-]+$"},
    },
}

RIGHTS: Final = "the token must be an API key of the environment that may read and write endpoints"

ENVELOPE: Final = Envelope(
    headers={
        "User-Agent": "Svix-Webhooks/reconciler",
        "svix-id": "{id}",
        "svix-timestamp": "{timestamp}",
    },
    words={ALL_EVENTS: {"event": "svix.ping"}},
    sample={"type": "{event}", "timestamp": "{time}", "data": {}},
    signatures=(Signature("svix-signature", "v1,", encoding="base64", signed="message"),),
    always_signed=True,
)

CAPABILITIES: Final = Capabilities(
    provider="svix",
    fields=frozenset({"name", "description", "enabled"}),
    name_pattern="[a-zA-Z0-9._-]+",
    auths=frozenset({"none", "signature"}),
    schemes=("standard",),
    needs_events=True,
    unique_names=True,
    mark="native",
    secrets=SecretRules(kept=True, visible=False, type_visible=False),
    idempotency_key=True,
    usage="log",
    test="saved",
    options={"type": "object", "additionalProperties": False, "properties": OPTIONS},
    target={
        "type": "object",
        "additionalProperties": False,
        "required": ["application"],
        "properties": {
            "application": {
                "description": "The id or the uid of an application",
                "type": "string",
                "maxLength": 256,
                "pattern": "^[a-zA-Z0-9._-]+$",
            },
        },
    },
    envelope=ENVELOPE,
)
