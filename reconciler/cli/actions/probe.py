"""Sends a test delivery from this machine: what the tenant or its product would send, signed as it
signs.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.core.errors import Rejected
from reconciler.core.model.auth import Auth, NoAuth, get_auth_type, get_scheme
from reconciler.core.model.capabilities import TENANT, Capabilities, Envelope
from reconciler.core.model.catalogue import Catalogue
from reconciler.core.model.options import list_secrets
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.reports import Delivery
from reconciler.core.wire.product_request import HMAC_SCHEMES, ProductRequest, make_product_request
from reconciler.delivery.envelope import envelope, sample_event
from reconciler.delivery.send import Sender
from reconciler.delivery.signing import Message
from reconciler.testing import Trial

_OLD: Final = 3600  # seconds; receivers take five minutes at most

_Sent = tuple[Message, bytes | ProductRequest]


@dataclass(frozen=True, slots=True)
class Imitation:
    """In whose place a probe sends: what it can do, the values of the placeholders in its envelope,
    and the events with their examples, if the Tenant names a catalogue.
    """

    capabilities: Capabilities = TENANT
    words: Mapping[str, str] = field(default_factory=dict)
    catalogue: Catalogue | None = None

    def find_example(self, event: Subscription) -> str | None:
        """The example of an event in the catalogue, as JSON text."""
        known = self.catalogue.by_type.get(event.type) if self.catalogue is not None else None
        return known.example if known is not None else None

    @property
    def default_options(self) -> dict[str, Any]:
        """The product's defaults of a webhook's options."""
        parts: Mapping[str, Any] = self.capabilities.options.get("properties", {})
        return {name: part["default"] for name, part in parts.items() if "default" in part}


class Probe:
    """Sends from this machine the same sample event that the tenant would send, within `total`
    seconds: the example of its catalogue, else a sample of its product.
    """

    def __init__(self, sender: Sender, total: float, imitation: Imitation) -> None:
        self._sender, self._total, self._imitation = sender, total, imitation
        self._sent: dict[tuple[Webhook, Subscription], _Sent] = {}

    async def __call__(self, spec: Webhook, event: Subscription, trial: Trial) -> Delivery:
        """One delivery; a replay is the one before of this webhook and event."""
        refusal = find_refusal(spec, self._imitation)
        if refusal:
            raise Rejected(f"{spec.name}: {refusal}; use --via tenant")
        now = int(time.time())
        message = Message(str(uuid.uuid4()), now - (_OLD if trial == "old timestamp" else 0))
        sent = message, self._make_body(spec, event, message, now)
        match trial:
            case "":
                self._sent[spec, event] = sent
            case "replay":
                sent = self._sent.get((spec, event), sent)
        message, body = sent
        return await self._sender.send(
            spec, event, body, message=message, is_test=True, total=self._total
        )

    def _make_body(
        self, spec: Webhook, event: Subscription, message: Message, now: int
    ) -> bytes | ProductRequest:
        """The body of a delivery; an example of the Tenant's catalogue is sent as it is."""
        imitation, example = self._imitation, self._imitation.find_example(event)
        written = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if imitation.capabilities.envelope is not None:
            dated = {"id": message.id, "timestamp": str(message.timestamp), "time": written}
            return make_product_request(
                imitation.capabilities.envelope,
                event,
                {**imitation.default_options, **spec.options},
                {**imitation.words, **dated},
                example,
            )
        if example is not None:
            return example.encode()
        return envelope(sample_event(event, event_id=message.id, time=written))


def find_refusal(spec: Webhook, imitation: Imitation) -> str:
    """Why no probe can send what the product would send; empty if one can."""
    product_envelope, defaults = imitation.capabilities.envelope, imitation.default_options
    if not _can_authenticate(spec.auth, product_envelope):
        word = get_scheme(spec.auth) or get_auth_type(spec.auth)
        return f"only its product can authenticate by {word}"
    if product_envelope is None:
        return ""
    if product_envelope.always_signed and isinstance(spec.auth, NoAuth):
        return "its product signs by a key of its own, which no manifest has"
    for name in list_secrets(spec.options):
        return f"options.{name} is a secret that only its product sends"
    for name in product_envelope.rewritten_by:
        if spec.options.get(name, defaults.get(name)) != defaults.get(name):
            return f"by options.{name} only its product can make the body"
    return ""


def _can_authenticate(auth: Auth, product_envelope: Envelope | None) -> bool:
    kind, scheme = get_auth_type(auth), get_scheme(auth)
    if product_envelope is not None and kind == "token":
        return bool(product_envelope.credential_header)
    if product_envelope is not None and product_envelope.signatures and scheme:
        return scheme in HMAC_SCHEMES
    return kind in TENANT.auths and (not scheme or scheme in TENANT.schemes)
