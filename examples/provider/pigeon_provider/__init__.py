"""The webhooks of Pigeon, a made-up product, as an example of a provider.

Pigeon has names that are not unique, no revision, and credentials that never come back.
`python -m pigeon_provider.server` serves it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from reconciler.core.errors import BadAnswer, NotFound
from reconciler.core.model.auth import BearerAuth, NoAuth, get_credential
from reconciler.core.model.capabilities import Capabilities, SecretRules
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.driver.product import Product
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect, product_fault
from reconciler.providers.plugin import Held, Session

CAPABILITIES: Final = Capabilities(
    provider="pigeon",
    fields=frozenset({"name", "description", "enabled"}),
    description_length=2000,
    auths=frozenset({"none", "bearer"}),
    mark="field",
    secrets=SecretRules(kept=True, visible=False),
    test="saved",
    parallelism=4,
    options={
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "urgent": {"description": "Flies first.", "type": "boolean", "default": False},
            "tags": {
                "description": "Rings on its leg.",
                "type": "array",
                "items": {"type": "string"},
                "default": [],
            },
        },
    },
    target={
        "type": "object",
        "required": ["loft"],
        "additionalProperties": False,
        "properties": {
            "loft": {"description": "Whose pigeons.", "type": "string", "pattern": "^[a-z0-9-]+$"}
        },
    },
)


class Pigeon(Product):
    """The plug-in: data, and how a session is opened."""

    capabilities = CAPABILITIES
    dialect = Dialect(header="X-Pigeon-Key", prefix="", fault=product_fault)

    def session(self, http: Client, target: Mapping[str, Any]) -> Session:
        """The calls for one loft."""
        return Loft(http, f"/lofts/{target['loft']}/hooks")


class Loft:
    """The hooks of one loft."""

    def __init__(self, http: Client, path: str) -> None:
        self._http, self._path = http, path

    async def held(self) -> AsyncIterator[Sequence[Held]]:
        """Every hook; a page has at most 50."""
        page: int | None = 1
        while page is not None:
            answer = await self._http.request(
                "GET", self._path, params={"page": page}, idempotent=True
            )
            body = _mapping(answer.body)
            yield [_held(item) for item in body["hooks"]]
            page = body["next"]

    async def get(self, ident: str) -> Held | None:
        """One hook."""
        try:
            answer = await self._http.request("GET", f"{self._path}/{ident}", idempotent=True)
        except NotFound:
            return None
        return _held(answer.body)

    async def create(self, want: Webhook, key: str) -> Held:  # noqa: ARG002  Pigeon takes no such key
        """A new hook. It is not repeated if its answer is lost: the driver looks for it."""
        answer = await self._http.request("POST", self._path, json=_body(want), idempotent=False)
        return _held(answer.body)

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        """Only what changed; Pigeon keeps the secret if it is not sent."""
        body = _body(want)
        parts = {"name": "title", "url": "target", "description": "notes", "enabled": "paused"}
        names = {parts.get(field, field) for field in changed}
        names |= {"secret"} if "auth" in changed else set()
        names |= {"urgent", "tags"} if "options" in changed else set()
        sent = {name: value for name, value in body.items() if name in names}
        await self._http.request("PATCH", f"{self._path}/{held.id}", json=sent, idempotent=True)

    async def delete(self, held: Held) -> None:
        """Gone already counts as deleted."""
        try:
            await self._http.request("DELETE", f"{self._path}/{held.id}", idempotent=True)
        except NotFound:
            return

    async def test(self, held: Held, want: Webhook, event: Subscription) -> Delivery:
        """Pigeon pings a saved hook and answers with what the endpoint said."""
        answer = await self._http.request(
            "POST", f"{self._path}/{held.id}/ping", json={"event": event.type}, idempotent=False
        )
        status = _mapping(answer.body).get("status")
        if not isinstance(status, int):
            return Delivery(want.name, event, Verdict.REFUSED, detail="no connection")
        verdict = Verdict.DELIVERED if status < 300 else Verdict.REJECTED
        return Delivery(want.name, event, verdict, status)


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswer("Pigeon answered something else than an object")
    return value


def _held(value: object) -> Held:
    """A hook of Pigeon; raises BadAnswer for another shape."""
    body = _mapping(value)
    try:
        events = frozenset(Subscription(name, None, None) for name in body["events"])
        auth = BearerAuth(Withheld()) if body["auth"] == "bearer" else NoAuth()
        options = {"urgent": body["urgent"], "tags": body["tags"]}
        spec = Webhook(
            name=body["title"],
            url=body["target"],
            description=body["notes"],
            enabled=not body["paused"],
            auth=auth,
            subscriptions=events,
            options=options,
        )
        return Held(str(body["id"]), spec)
    except (KeyError, TypeError):
        raise BadAnswer("Pigeon answered a hook of another shape") from None


def _body(want: Webhook) -> dict[str, Any]:
    """A hook as Pigeon takes it. A `Secret` is revealed by the client, not here."""
    secret = get_credential(want.auth)
    return {
        "title": want.name,
        "target": want.url,
        "notes": want.description,
        "paused": not want.enabled,
        "events": sorted(item.type for item in want.subscriptions),
        "auth": "bearer" if secret is not None else "none",
        "urgent": want.options["urgent"],
        "tags": want.options["tags"],
        **({"secret": secret} if isinstance(secret, Secret) else {}),
    }


PLUGIN: Final = Pigeon()
