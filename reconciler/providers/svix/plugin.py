"""The plug-in of Svix: how its REST API is spoken to.

Source: Svix's OpenAPI document, version 1.922.0, and the source of the open-source server
(github.com/svix/svix-webhooks). A path takes an endpoint's id or its uid. PATCH of `metadata`
replaces all of it. The secret changes by its own call; PATCH of `secret` is deprecated, and the
open-source server ignores it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from reconciler.core.errors import BadAnswer, Conflict, NotFound, Rejected
from reconciler.core.model.auth import get_credential
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Subscription, Use, Webhook
from reconciler.core.results.cause import find_cause
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.driver.delivery_log import find_day
from reconciler.providers.driver.product import Product
from reconciler.providers.http.answer import Answer
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect, name_rights
from reconciler.providers.http.resources import find, remove
from reconciler.providers.plugin import Held, Session
from reconciler.providers.svix.bodies import WRITERS, make_body, read_endpoint
from reconciler.providers.svix.capabilities import ALL_EVENTS, CAPABILITIES, RIGHTS

_PAGE: Final = 100  # endpoints; Svix gives up to 250
_PING: Final = "svix.ping"  # an example that Svix has for every endpoint
_LOOKS: Final = 30  # for the attempt of an example message
_PAUSE: Final = 0.5  # seconds between two of them
_FINAL: Final = frozenset({0, 2})  # statuses of an attempt that has ended: success and failure
_DISABLED: Final = "Svix sends nothing to an endpoint that is disabled"
_NO_EXAMPLE: Final = (
    "Svix has no example of this event: give its event type a schema with an example"
)
_NO_ATTEMPT: Final = (
    "Svix showed no attempt in time; an endpoint with channels gets no example message"
)


class Svix(Product):
    """The plug-in. The token is an API key of the environment."""

    capabilities = CAPABILITIES
    dialect = Dialect(fault=name_rights(RIGHTS))

    def session(self, http: Client, target: Mapping[str, Any]) -> Session:
        """The calls of one application."""
        return Endpoints(http, f"/api/v1/app/{quote(target['application'], safe='')}")


class Endpoints:
    """The endpoints of one application."""

    def __init__(self, http: Client, application: str) -> None:
        self._http, self._application = http, application
        self._path = f"{application}/endpoint"

    async def held(self) -> AsyncIterator[Sequence[Held]]:
        """Every endpoint, until Svix says that it is done."""
        iterator = ""
        while True:
            params: dict[str, str | int] = {
                "limit": _PAGE,
                **({"iterator": iterator} if iterator else {}),
            }
            try:
                answer = await self._http.request("GET", self._path, params=params, idempotent=True)
            except NotFound as error:
                hint = "there is no such application in the environment of this API key"
                raise NotFound(f"{error}: {hint}") from None
            items, following = _read_page(answer.body)
            yield [read_endpoint(item) for item in items]
            if not following:
                return
            iterator = following

    async def get(self, ident: str) -> Held | None:
        """One endpoint, by its id or uid."""
        body = await find(self._http, f"{self._path}/{quote(ident, safe='')}")
        return None if body is None else read_endpoint(body)

    async def create(self, want: Webhook, key: str) -> Held:
        """A new endpoint, once for one key. A server that keeps no keys refuses the uid at a second
        try: then the endpoint of the first is looked for.
        """
        body, secret = make_body(want, WRITERS), get_credential(want.auth)
        if isinstance(secret, Secret):
            body["secret"] = secret
        answer = await self._post("", body, key, passing=frozenset({409}))
        if answer.error is None:
            return read_endpoint(answer.body)
        made = await self.get(want.name) if answer.tries > 1 else None
        if made is not None and made.metadata == body["metadata"]:
            return made
        raise Conflict(f"{answer.error}: another endpoint has this name as its uid", ("name",))

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        """Only what changed. The key is sent before the mark, which says which one was sent."""
        body = make_body(want, changed)
        if "auth" in changed:
            secret = get_credential(want.auth)
            key = {"key": secret} if isinstance(secret, Secret) else {}  # {}: Svix makes one
            await self._post(f"/{held.id}/secret/rotate", key, uuid4().hex)
        if body:
            await self._http.request("PATCH", f"{self._path}/{held.id}", json=body, idempotent=True)

    async def delete(self, held: Held) -> None:
        """What is gone already counts as deleted."""
        await remove(self._http, f"{self._path}/{held.id}")

    async def test(self, held: Held, want: Webhook, event: Subscription) -> Delivery:
        """An example message. Svix answers before it delivers, so the verdict is that of the
        message's attempts.
        """
        if not held.spec.enabled:
            return Delivery(want.name, event, Verdict.REJECTED, detail=_DISABLED)
        kind = _PING if event.type == ALL_EVENTS else event.type
        try:
            answer = await self._http.request(
                "POST",
                f"{self._path}/{held.id}/send-example",
                json={"eventType": kind},
                idempotent=False,
            )
        except (NotFound, Rejected):
            return Delivery(want.name, event, Verdict.REJECTED, detail=_NO_EXAMPLE)
        message = str(answer.body.get("id")) if isinstance(answer.body, Mapping) else ""
        for _ in range(_LOOKS):
            status = await self._find_status(message, held)
            if status is not None:
                return _judge(status, want, event)
            await asyncio.sleep(_PAUSE)
        return Delivery(want.name, event, Verdict.TIMEOUT, detail=_NO_ATTEMPT)

    async def find_use(self, held_id: str) -> Use:
        """The messages of the last 24 hours: Svix counts them, so it is one request."""
        path = f"{self._path}/{quote(held_id, safe='')}/stats"
        since = f"{find_day():%Y-%m-%dT%H:%M:%SZ}"
        answer = await self._http.request("GET", path, params={"since": since}, idempotent=True)
        return _read_stats(answer.body)

    async def _find_status(self, message: str, held: Held) -> int | None:
        """The status that the endpoint answered to a message, 0 if no answer came; None until an
        attempt has ended.
        """
        path = f"{self._application}/attempt/msg/{quote(message, safe='')}"
        answer = await self._http.request("GET", path, params={"limit": _PAGE}, idempotent=True)
        items, _ = _read_page(answer.body)
        for item in items:
            if item.get("endpointId") == held.id and item.get("status") in _FINAL:
                status = item.get("responseStatusCode")
                return status if isinstance(status, int) else 0
        return None

    async def _post(
        self, path: str, body: object, key: str, passing: frozenset[int] = frozenset()
    ) -> Answer:
        """A POST that Svix carries out once for one key."""
        headers = {"Idempotency-Key": key}
        return await self._http.request(
            "POST",
            f"{self._path}{path}",
            json=body,
            headers=headers,
            idempotent=True,
            passing=passing,
        )


def _judge(status: int, want: Webhook, event: Subscription) -> Delivery:
    if not status:
        return Delivery(want.name, event, Verdict.REFUSED, detail="Svix reached no endpoint")
    cause = find_cause(status, credential=get_credential(want.auth) is not None)
    return Delivery(want.name, event, cause.verdict, status, cause.text)


def _read_stats(body: object) -> Use:
    values = body if isinstance(body, Mapping) else {}
    counts = [values.get(name) for name in ("success", "fail")]
    succeeded, failed = (item if isinstance(item, int) and item >= 0 else None for item in counts)
    if succeeded is None or failed is None:
        raise BadAnswer("Svix answered statistics of another shape")
    return Use(succeeded, failed)


def _read_page(body: object) -> tuple[list[dict[str, Any]], str]:
    """The items of a page, and where the next one begins; empty if this is the last."""
    values = body if isinstance(body, dict) else {}
    items, following = values.get("data"), str(values.get("iterator") or "")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadAnswer("Svix answered something else than a list")
    if values.get("done") is True:
        return items, ""
    if not items or not following:
        raise BadAnswer("Svix answered a list that never ends")
    return items, following


PLUGIN: Final = Svix()
