"""Notices as CloudEvents, posted to a url and signed by Standard Webhooks.

Sources: CloudEvents 1.0.2, its JSON event format and HTTP binding (structured mode); the Standard
Webhooks specification. The type has no domain before it: the project owns none. A repetition has
the same id, so that a receiver can drop it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from reconciler.continuous.notifications.notice import Notice
from reconciler.continuous.notifications.notifier import NotSent
from reconciler.core.model.auth import SignatureAuth
from reconciler.core.model.capabilities import Envelope
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.core.wire.product_request import ProductRequest
from reconciler.delivery.send import Sender
from reconciler.delivery.signing import Message

TYPE_PREFIX: Final = "reconciler."
CONTENT_TYPE: Final = "application/cloudevents+json"
WAITS: Final = (1.0, 4.0, 16.0)  # seconds before the second, third and fourth try
MAX_WAIT: Final = 30.0  # seconds that a receiver may ask for
_TEMPORARY: Final = frozenset(
    {
        Verdict.TIMEOUT,
        Verdict.UNRESOLVED,
        Verdict.REFUSED,
        Verdict.BROKEN,
        Verdict.RECEIVER_ERROR,
    }
)
_TEMPORARY_STATUSES: Final = frozenset({408, 425, 429})


def make_event(notice: Notice, source: str) -> dict[str, Any]:
    """The CloudEvent of a notice. `source` is a URI reference that names the agent or operator."""
    subject = {"subject": notice.tenant} if notice.tenant else {}
    return {
        "specversion": "1.0",
        "id": notice.id,
        "source": source,
        "type": TYPE_PREFIX + notice.kind,
        **subject,
        "time": notice.time,
        "datacontenttype": "application/json",
        "data": {
            "tenant": notice.tenant,
            "state": notice.state,
            "severity": notice.severity,
            "title": notice.title,
            "lines": list(notice.lines),
            "revision": notice.revision,
            "digest": notice.digest,
        },
    }


class CloudEventNotifier:
    """Posts CloudEvents to a url. `key` is one of Standard Webhooks: `whsec_` and base64.

    `sender` is entered and closed by its owner; its address policy says which addresses may be
    reached. `clock` gives epoch seconds.
    """

    def __init__(
        self,
        url: Secret,
        key: Secret,
        sender: Sender,
        *,
        source: str,
        name: str = "cloud events",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.name: Final = name
        self._webhook = Webhook(name, url, auth=SignatureAuth("standard", key))
        self._sender, self._source, self._clock, self._sleep = sender, source, clock, sleep

    async def send(self, notice: Notice) -> None:
        """Sends it, up to four times while the failure is temporary. Raises NotSent."""
        body = json.dumps(make_event(notice, self._source), separators=(",", ":")).encode()
        request = ProductRequest(Envelope(), (("Content-Type", CONTENT_TYPE),), body, body)
        for wait in WAITS:
            delivery = await self._try(notice, request)
            if delivery.verdict is Verdict.DELIVERED:
                return
            if not _is_temporary(delivery):
                raise NotSent(_explain(delivery, 1 + WAITS.index(wait)))
            await self._sleep(max(wait, min(delivery.retry_after or 0.0, MAX_WAIT)))
        delivery = await self._try(notice, request)
        if delivery.verdict is not Verdict.DELIVERED:
            raise NotSent(_explain(delivery, 1 + len(WAITS)))

    async def _try(self, notice: Notice, request: ProductRequest) -> Delivery:
        message = Message(notice.id, int(self._clock()))
        event = Subscription(TYPE_PREFIX + notice.kind, None, None)
        try:
            return await self._sender.send(self._webhook, event, request, message=message)
        except ValueError:
            raise NotSent("the url or the signing key cannot be used") from None


def _is_temporary(delivery: Delivery) -> bool:
    return delivery.verdict in _TEMPORARY or delivery.status_code in _TEMPORARY_STATUSES


def _explain(delivery: Delivery, tries: int) -> str:
    status = f" ({delivery.status_code})" if delivery.status_code else ""
    after = f", after {tries} tries" if tries > 1 else ""
    return f"{delivery.detail or delivery.verdict.value}{status}{after}"
