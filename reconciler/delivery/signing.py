"""Standard Webhooks signatures of a delivery: `v1` (HMAC-SHA256) and `v1a` (ed25519). Those of a
product stand in `core/wire/product_request.py`.

Source: the Standard Webhooks specification. What is signed is `id.timestamp.body`; the signatures
stand in one header with a space between them, one per key.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from reconciler.core.wire.product_request import ProductRequest, list_product_signatures

_Signer = Callable[[str, bytes], str]


class Message(NamedTuple):
    """What a signature covers beside the body: an id that every attempt of one event has, and the
    time of this attempt in epoch seconds.
    """

    id: str
    timestamp: int


def list_signature_headers(
    scheme: str, keys: str, message: Message | None, body: bytes | ProductRequest
) -> tuple[tuple[str, str], ...]:
    """The headers of a signed delivery: the three of Standard Webhooks, or those of the product.
    Raises ValueError as `make_signature`, and without a message.
    """
    if message is None:
        raise ValueError("a signature needs the id of the message and the time")
    if isinstance(body, ProductRequest):
        if body.envelope.signatures:
            return list_product_signatures(body, scheme, keys, *message)
        body = body.body
    return (
        ("Webhook-Id", message.id),
        ("Webhook-Timestamp", str(message.timestamp)),
        ("Webhook-Signature", make_signature(scheme, keys, *message, body)),
    )


def make_signature(scheme: str, keys: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `Webhook-Signature`; `keys` are one or two with a space between them.

    `timestamp` is in epoch seconds. Raises ValueError for a scheme that this project does not sign
    by, and for a key of another form.
    """
    if scheme not in _SIGNERS:
        raise ValueError("this project does not sign by that scheme")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(_SIGNERS[scheme](key, signed) for key in keys.split(" "))


def _sign_v1(key: str, signed: bytes) -> str:
    secret = b64decode(key.removeprefix("whsec_"), validate=True)
    return "v1," + b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def _sign_v1a(key: str, signed: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415  tens of milliseconds, and few webhooks need it
        Ed25519PrivateKey,
    )

    seed = b64decode(key.removeprefix("whsk_"), validate=True)[:32]
    return "v1a," + b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(signed)).decode()


_SIGNERS: Final[Mapping[str, _Signer]] = {"standard": _sign_v1, "standard-v1a": _sign_v1a}
