"""The tenant that speaks the contract of schemas/openapi.json, as a Provider.

Decides what a lost answer, a 404 or a 412 means for a webhook. Retries and status codes are
`providers/http/client.py`'s; the shape of bodies is `core/wire/webhooks.py`'s.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from reconciler.core.errors import BadAnswer, Conflict, NotFound, Unreachable
from reconciler.core.model.capabilities import TENANT
from reconciler.core.model.webhook import Declared, Live, Owner, Subscription, Use, Webhook
from reconciler.core.results.delivery_codec import delivery_from_wire
from reconciler.core.results.reports import Delivery
from reconciler.core.wire import webhooks as codec
from reconciler.providers.http.answer import Answer, TooLarge
from reconciler.providers.http.client import Client
from reconciler.providers.http.faults import Sent, foreign
from reconciler.providers.moved import (
    is_as_declared,
    make_changed_conflict,
    make_deleted_conflict,
    with_normal_name,
    withheld,
)
from reconciler.providers.tenant.listing import LIST, MAX_SECONDS, Listing

_ID: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._~-]{0,199}"
)  # stands in paths: nothing that a url would resolve or cut
_REVISION: Final = re.compile(r"[!#-~]{1,200}")  # stands in If-Match between quotes
SHORTEST_TEST: Final = 1.0  # seconds that the contract lets a tenant's attempt take at least
LONGEST_TEST: Final = 10.0  # seconds that it takes at most, and by default
ANSWER: Final = 5.0  # seconds for the answer of a tenant after its attempt has ended

T = TypeVar("T")


def _decode(sent: Sent, make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:  # the codec's texts are pointers and fixed words
        raise foreign(sent, f"wrong shape at {error}") from None


def _checked(live: Live, pointer: str = "") -> Live:
    if not _ID.fullmatch(live.id):
        raise ValueError(f"{pointer}/id: not an id")
    if not _REVISION.fullmatch(live.revision):
        raise ValueError(f"{pointer}/revision: not a revision")
    return live


def _live(sent: Sent, answer: Answer) -> Live:
    return _decode(sent, lambda: _checked(codec.live_from_wire(answer.body)))


def _page(answer: Answer) -> tuple[tuple[Live, ...], str | None]:
    items, cursor = codec.page_from_wire(answer.body)
    return tuple(_checked(item, f"/items/{at}") for at, item in enumerate(items)), cursor


def _if_match(live: Live) -> dict[str, str]:
    return {"If-Match": f'"{live.revision}"'}


class TenantProvider:
    """A tenant behind `client`, which the caller opens and closes.

    It is listed in pages of `page_size` (1 to 500), all of them within `list_seconds`.
    """

    capabilities = TENANT
    warnings: tuple[str, ...] = ()

    def __init__(
        self, client: Client, *, page_size: int = 500, list_seconds: float = MAX_SECONDS
    ) -> None:
        self._client, self._page_size, self._list_seconds = client, page_size, list_seconds

    @property
    def storage_full(self) -> bool:
        """Whether the tenant answered that it has no room to store anything."""
        return self._client.storage_full

    def stop(self) -> None:
        """Ends every wait for another try; requests that are under way go on."""
        self._client.stop()

    def normalize(self, spec: Webhook) -> Webhook:
        """The name in NFC, a credential as the version it is known by; a literal url and an open
        `enabled` stay.
        """
        return withheld(spec)

    async def list(self) -> tuple[Live, ...]:
        """Every webhook, in the tenant's order; raises BadAnswer for a listing that is endless or
        repeats itself.
        """
        try:
            async with asyncio.timeout(self._list_seconds):
                return await self._listed()
        except TimeoutError:
            raise Unreachable(
                f"{LIST}: its list was not complete within {self._list_seconds:g} s"
            ) from None

    async def _listed(self) -> tuple[Live, ...]:
        listing, limit = Listing(), self._page_size
        while True:
            try:
                answer = await self._page(limit, listing.cursor)
            except TooLarge:
                if limit == 1:
                    raise
                limit = max(
                    limit // 8, 1
                )  # webhooks with very many subscriptions: smaller pages hold fewer of them
                continue
            items, following = _decode(LIST, partial(_page, answer))
            if not listing.goes_on(items, following, size=answer.size, limit=limit):
                return listing.webhooks

    async def _page(self, limit: int, cursor: str | None) -> Answer:
        params: dict[str, str | int] = (
            {"limit": limit} if cursor is None else {"limit": limit, "cursor": cursor}
        )
        try:
            return await self._client.request("GET", "/webhooks", params=params, idempotent=True)
        except NotFound:
            raise self._client.explained(foreign(LIST, "it has no /webhooks")) from None

    async def find_use(self, live: Live) -> Use | None:
        """What the listing counted."""
        return live.use

    async def create(self, declared: Declared, owner: Owner, *, idempotency_key: str) -> Live:
        """Makes the webhook once, however often it is sent; a name taken by our own lost first try
        is that webhook.
        """
        declared = with_normal_name(declared)
        answer = await self._client.request(
            "POST",
            "/webhooks",
            json=codec.make_create_body(declared, owner),
            headers={"Idempotency-Key": idempotency_key},
            idempotent=True,
            passing=frozenset({409}),
        )
        if answer.error is None:
            return _live(Sent("POST", "/webhooks"), answer)
        if (
            answer.tries > 1
            and isinstance(answer.error, Conflict)
            and answer.error.problem == "name-taken"
        ):
            created = await self._named(declared.spec.name)
            if created is not None and is_as_declared(created, declared, owner):
                return created
        raise answer.error

    async def _named(self, name: str) -> Live | None:
        """The one webhook of this name, None if there is none or more than one."""
        params: dict[str, str | int] = {"name": name, "limit": 2}
        answer = await self._client.request("GET", "/webhooks", params=params, idempotent=True)
        items, _ = _decode(LIST, lambda: _page(answer))
        same = [item for item in items if item.spec.name == name]
        return same[0] if len(same) == 1 else None

    async def update(self, live: Live, declared: Declared, owner: Owner) -> Live:
        """Patches what differs if `live.revision` still holds; a 412 after a lost answer is read:
        as declared means updated.
        """
        declared = with_normal_name(declared)
        path = f"/webhooks/{live.id}"
        answer = await self._client.request(
            "PATCH",
            path,
            json=codec.make_patch_body(live, declared, owner),
            headers={**_if_match(live), "Content-Type": "application/merge-patch+json"},
            idempotent=True,
            passing=frozenset({404, 412}),
        )
        if answer.error is None:
            return _live(Sent("PATCH", path), answer)
        current = None if answer.status == 404 else await self._get(live.id)
        if current is None:
            raise make_deleted_conflict(live)
        if answer.tries > 1 and is_as_declared(current, declared, owner):
            return current
        raise make_changed_conflict(live, current)

    async def _get(self, webhook_id: str) -> Live | None:
        """The webhook as it is now, None when it is gone."""
        path = f"/webhooks/{webhook_id}"
        answer = await self._client.request("GET", path, idempotent=True, passing=frozenset({404}))
        return _live(Sent("GET", path), answer) if answer.error is None else None

    async def delete(self, live: Live) -> None:
        """Deletes it if `live.revision` still holds; what is gone counts as deleted."""
        passing = frozenset({404, 412})
        path = f"/webhooks/{live.id}"
        answer = await self._client.request(
            "DELETE", path, headers=_if_match(live), idempotent=True, passing=passing
        )
        if answer.error is None:
            if answer.status != 204:
                raise BadAnswer(
                    f"DELETE {path}: the tenant answered {answer.status}, not 204: "
                    "whether it is deleted is not known"
                )
            return
        current = None if answer.status == 404 else await self._get(live.id)
        if current is not None:
            raise make_changed_conflict(live, current)

    async def test(self, spec: Webhook, live: Live | None, event: Subscription) -> Delivery:
        """One test delivery of unsaved details; a 429 is waited for until the deadline.

        Never repeated once it may have been sent. The client's timeout bounds the tenant's attempt;
        its answer may take ANSWER seconds more. Raises Unreachable when it does not come.
        """
        attempt = min(max(self._client.timeout, SHORTEST_TEST), LONGEST_TEST)
        sent, body = Sent("POST", "/webhooks/test"), codec.make_test_body(spec, live, event)
        if attempt < LONGEST_TEST:
            # The default is left out, so that a tenant that does not know the field accepts this.
            body["timeout_seconds"] = attempt
        answer = await self._client.request(
            sent.method,
            sent.path,
            json=body,
            idempotent=False,
            patient=True,
            try_seconds=max(self._client.timeout, attempt + ANSWER),
        )
        delivery = _decode(sent, lambda: delivery_from_wire(answer.body, spec.name, event))
        auth = {
            field: value
            for field, value in body["webhook"]["auth"].items()
            if field not in {"type", "credential_version"}
        }
        return replace(
            delivery, detail=self._client.shows(delivery.detail, (body["webhook"]["url"], auth))
        )
