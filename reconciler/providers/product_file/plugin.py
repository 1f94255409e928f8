"""The plug-in of a product file: its calls as requests.

What stands where in a webhook is `fields.py`; how a listing goes on is `paging.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final
from urllib.parse import quote

from reconciler.core.errors import BadAnswer, NotFound, ProviderError
from reconciler.core.model.auth import get_credential
from reconciler.core.model.pointer import MISSING, read_pointer
from reconciler.core.model.product import Call, fill
from reconciler.core.model.product import Product as File
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.cause import find_cause
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.driver.product import Product
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect, name_rights, product_fault
from reconciler.providers.http.faults import Sent
from reconciler.providers.http.resources import explain_missing, find
from reconciler.providers.plugin import Held, Session
from reconciler.providers.product_file.fields import Fields
from reconciler.providers.product_file.paging import list_items

_MISSING: Final = (
    "spec.url is another address, or what spec.target names does not exist, or the token may not "
    "see it"
)


class ProductFile(Product):
    """The plug-in that a product file makes."""

    def __init__(self, file: File) -> None:
        self._file = file
        self.capabilities = file.capabilities
        self.dialect = make_dialect(file.spec)

    def session(self, http: Client, target: Mapping[str, Any]) -> Session:
        """The calls of one target."""
        return Webhooks(http, self._file, {name: str(text) for name, text in target.items()})


def make_dialect(spec: Mapping[str, Any]) -> Dialect:
    """How the product speaks HTTP."""
    login = spec.get("authorization", {})
    pointer = spec.get("errors", "/message")
    find_fault = name_rights(spec["rights"]) if "rights" in spec else product_fault

    def fault(sent: Sent, status: int, wait: float | None, body: object) -> ProviderError:
        message = read_pointer(body, pointer)
        return find_fault(sent, status, wait, {"message": message} if message else None)

    return Dialect(
        header=login.get("header", "Authorization"),
        prefix=login.get("prefix", "Bearer "),
        pair=login.get("pair", False),
        headers=spec.get("headers", {}),
        fault=fault,
    )


class Webhooks:
    """The webhooks of one target of a product."""

    def __init__(self, http: Client, file: File, target: Mapping[str, str]) -> None:
        self._http, self._file, self._target = http, file, target
        self._fields = Fields(file)
        # as `get` read them, by id: an update keeps what the file does not know
        self._bodies: dict[str, dict[str, Any]] = {}

    async def held(self) -> AsyncIterator[Sequence[Held]]:
        """Every webhook, page by page."""
        with explain_missing(_MISSING):
            async for items in self._list():
                yield [self._fields.read(item) for item in items]

    def _list(self) -> AsyncIterator[list[Any]]:
        call, page = self._file.calls["list"], self._file.spec["list"].get("page", {})
        return list_items(self._http, self._path(call), self._query(call), call.item, page)

    async def get(self, ident: str) -> Held | None:
        """One webhook as it is now, by its own call or out of the listing."""
        call = self._file.calls.get("get")
        body = await (self._search(ident) if call is None else self._ask(call, ident))
        if body is None:
            return None
        held = self._fields.read(body)
        self._bodies[held.id] = dict(body) if isinstance(body, Mapping) else {}
        return held

    async def _ask(self, call: Call, ident: str) -> object | None:
        body = await find(self._http, self._path(call, ident), self._query(call))
        return None if body is None else self._find(call, body)

    async def _search(self, ident: str) -> object | None:
        async for items in self._list():
            for item in items:
                if self._fields.read(item).id == ident:
                    found: object = item
                    return found
        return None

    async def create(self, want: Webhook, key: str) -> Held:  # noqa: ARG002  a product file has no such key
        """A new webhook; a create is never repeated."""
        call = self._file.calls["create"]
        body = self._filled(call.body)
        self._fields.write(body, want, None)
        answer = await self._http.request(
            call.method, self._path(call), params=self._query(call), json=body, idempotent=False
        )
        return self._fields.read(self._find(call, answer.body))

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        """PATCH gets the members that change, PUT and POST the whole webhook as `get` read it."""
        call, body = self._file.calls["update"], deepcopy(self._bodies.pop(held.id, {}))
        changed |= frozenset(self._file.spec["update"].get("always", ()))
        self._fields.remove_read_only(body, changed)
        if "options" in changed:
            self._fields.remove_secrets(body, held.spec.options.keys() - want.options.keys())
        self._fields.write(body, want, changed)
        if call.method == "PATCH":
            members = self._fields.members(changed)
            body = {name: value for name, value in body.items() if name in members}
        body |= self._filled(call.body)
        await self._http.request(
            call.method,
            self._path(call, held.id),
            params=self._query(call),
            json=body,
            idempotent=True,
        )

    async def delete(self, held: Held) -> None:
        """What is gone already counts as deleted."""
        call = self._file.calls["delete"]
        try:
            await self._http.request(
                call.method, self._path(call, held.id), params=self._query(call), idempotent=True
            )
        except NotFound:
            return

    async def test(self, held: Held, want: Webhook, event: Subscription) -> Delivery:
        """The product's test call; the endpoint's status stands in its answer."""
        call = self._file.calls["test"]
        answer = await self._http.request(
            call.method,
            self._path(call, held.id),
            params=self._query(call),
            json=self._filled(call.body),
            idempotent=False,
        )
        status = read_pointer(answer.body, call.item)
        if isinstance(status, bool) or not isinstance(status, int):
            text = f"{self._file.capabilities.provider} reached no endpoint"
            return Delivery(want.name, event, Verdict.REFUSED, detail=text)
        cause = find_cause(status, credential=get_credential(want.auth) is not None)
        return Delivery(want.name, event, cause.verdict, status, cause.text)

    def _path(self, call: Call, ident: str = "") -> str:
        values = {**self._target, **({"id": ident} if ident else {})}
        quoted = {name: quote(text, safe="") for name, text in values.items()}
        path = fill(call.path, quoted)
        if path is None:
            raise BadAnswer(f"{call.path}: the Tenant's target lacks a part of it")
        return path

    def _query(self, call: Call) -> dict[str, str | int]:
        return dict(self._filled(call.query))

    def _filled(self, texts: Mapping[str, Any]) -> dict[str, Any]:
        """The members of a query or body, without those whose placeholder has no value."""
        filled = {
            name: fill(text, self._target) if isinstance(text, str) else deepcopy(text)
            for name, text in texts.items()
        }
        return {name: text for name, text in filled.items() if text is not None}

    def _find(self, call: Call, body: object) -> object:
        found = read_pointer(body, call.item)
        if found is MISSING:
            raise BadAnswer(f"{call.path}: the answer has no {call.item}")
        return found
