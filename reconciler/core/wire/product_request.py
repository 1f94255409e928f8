"""A delivery as a product sends it: headers, body and signature, by the product's `Envelope`. Pure.

The requests of this project's own tenant stand in `delivery/`.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from reconciler.core.model.capabilities import Envelope, Signature
from reconciler.core.model.product import fill
from reconciler.core.model.webhook import Subscription

HMAC_SCHEMES: Final = ("standard", "product")
"""The schemes of signatures that a product can have in headers of its own."""
_ABSENT: Final = object()
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProductRequest:
    """A delivery without its credential. `payload` is the JSON, `body` what is sent: the same, or a
    form with it.
    """

    envelope: Envelope
    headers: tuple[tuple[str, str], ...]
    payload: bytes
    body: bytes


def make_product_request(
    envelope: Envelope,
    event: Subscription,
    options: Mapping[str, Any],
    words: Mapping[str, str],
    example: str | None = None,
) -> ProductRequest:
    """The delivery of an event. `options` are those of the webhook, with the product's defaults;
    `words` are the values of placeholders. `example` is a body to send instead of the sample.
    """
    values = {**words, "event": event.type, "type": event.type}
    values |= envelope.words.get(event.type, {})
    values = {name: text for name, text in values.items() if text}
    sample = {**envelope.sample, **envelope.samples.get(event.type, {})}
    payload = (example or json.dumps(_fill_members(sample, values))).encode()
    is_form = envelope.form != "" and options.get(envelope.form) == "form"
    body = urlencode({"payload": payload}).encode() if is_form else payload
    headers = {"Content-Type": _FORM if is_form else _JSON}
    for name, text in envelope.headers.items():
        value = fill(text, values)
        if value is not None:
            headers[name] = value
    return ProductRequest(envelope, tuple(headers.items()), payload, body)


def _fill_members(members: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    filled = {name: _fill_value(item, values) for name, item in members.items()}
    return {name: item for name, item in filled.items() if item is not _ABSENT}


def _fill_value(value: object, values: Mapping[str, str]) -> object:
    """A part of a sample with its placeholders filled in; an object that loses all of its members
    is absent too.
    """
    if isinstance(value, str):
        text = fill(value, values)
        return _ABSENT if text is None else text
    if isinstance(value, Mapping):
        return _fill_members(value, values) or (_ABSENT if value else {})
    if isinstance(value, list | tuple):
        items = (_fill_value(item, values) for item in value)
        return [item for item in items if item is not _ABSENT]
    return value


def list_product_signatures(
    request: ProductRequest, scheme: str, keys: str, message_id: str, timestamp: int
) -> tuple[tuple[str, str], ...]:
    """The headers of the product's signatures. `timestamp` is in epoch seconds. Raises ValueError
    for a scheme without HMAC, and for a key of another form.
    """
    if scheme not in HMAC_SCHEMES:
        raise ValueError("a product's own headers have signatures by HMAC only")
    secrets = (
        [_decode_key(key) for key in keys.split(" ")] if scheme == "standard" else [keys.encode()]
    )
    texts = {
        "body": request.body,
        "payload": request.payload,
        "message": f"{message_id}.{timestamp}.".encode() + request.body,
    }
    return tuple(
        (item.header, " ".join(_sign(item, secret, texts[item.signed]) for secret in secrets))
        for item in request.envelope.signatures
    )


def _decode_key(key: str) -> bytes:
    return b64decode(key.removeprefix("whsec_"), validate=True)


def _sign(signature: Signature, secret: bytes, text: bytes) -> str:
    digest = hmac.digest(secret, text, signature.algorithm)
    shown = digest.hex() if signature.encoding == "hex" else b64encode(digest).decode()
    return signature.prefix + shown
