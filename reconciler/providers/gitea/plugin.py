"""The plug-in of Gitea and Forgejo: how their REST API is spoken to.

Source: `routers/api/v1/utils/hook.go` and `services/webhook/general.go` of go-gitea/gitea. A PATCH
without events, branch filter or authorization header resets them, and one with a secret changes
nothing. The time of the last write moves with each delivery, so it is not used. A server may give
fewer hooks than a page asks for. A test is answered before it is delivered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from reconciler.core.errors import BadAnswer, NotFound, Rejected
from reconciler.core.model.auth import get_credential
from reconciler.core.model.secret import Secret
from reconciler.core.model.webhook import Subscription, Webhook
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.driver.ledger import Ledger
from reconciler.providers.driver.places import find_members, find_scope
from reconciler.providers.driver.product import Product
from reconciler.providers.gitea.capabilities import CAPABILITIES, FLEET, MISSING, RIGHTS
from reconciler.providers.gitea.events import read_events
from reconciler.providers.gitea.variables import GiteaVariables
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect, name_rights
from reconciler.providers.http.resources import (
    explain_missing,
    find,
    list_capped_pages,
    read_text,
    remove,
)
from reconciler.providers.plugin import Held, Session

_API: Final = "/api/v1"
_PAGE: Final = 50  # hooks; the most that Gitea gives, unless its own limit is another
_TYPES: Final = frozenset({"gitea", "forgejo", "gogs"})  # others are those of chat services
_SENT: Final = "Gitea sent it; it does not tell what the endpoint answered"
_HEADER: Final = (
    "it has an Authorization header, which this provider does not manage, and keeps as it is"
)


class Gitea(Product):
    """The plug-in. The token is an access token of an owner."""

    capabilities = CAPABILITIES
    dialect = Dialect(prefix="token ", bodyless=True, fault=name_rights(RIGHTS))

    def session(self, http: Client, target: Mapping[str, Any]) -> Session:
        """The calls of one repository or organisation."""
        return Hooks(http, f"{_API}{find_scope(target)}/hooks")

    def ledger(self, http: Client, target: Mapping[str, Any]) -> Ledger:
        """The Actions variables of the same repository or organisation."""
        place = f"{_API}{find_scope(target)}"
        return GiteaVariables(http, f"{place}/actions/variables", f"{place}/hooks")

    async def find_scopes(self, http: Client, target: Mapping[str, Any]) -> Sequence[str]:
        """The repositories of a list, or those of an organisation by a rule."""

        def open_pages() -> AsyncIterator[list[dict[str, Any]]]:
            return list_capped_pages(http, f"{_API}/orgs/{target['organization']}/repos", _PAGE)

        with explain_missing(MISSING):
            return await find_members(target[FLEET], "full_name", open_pages)

    def make_scope_target(self, scope: str) -> Mapping[str, Any]:
        """One repository."""
        return {"repository": scope}


class Hooks:
    """The hooks of one repository or organisation."""

    def __init__(self, http: Client, path: str) -> None:
        self._http, self._path = http, path
        self._kept: dict[str, dict[str, Any]] = {}  # what is not managed and sent back, by id

    async def held(self) -> AsyncIterator[Sequence[Held]]:
        """Every hook of Gitea's own kinds, until a page is empty. Those of chat services are never
        touched.
        """
        with explain_missing(MISSING):
            async for page in list_capped_pages(self._http, self._path, _PAGE):
                yield [self._read(item) for item in page if str(item.get("type")) in _TYPES]

    async def get(self, ident: str) -> Held | None:
        """One hook."""
        body = await find(self._http, f"{self._path}/{ident}")
        return None if body is None else self._read(body)

    async def create(self, want: Webhook, key: str) -> Held:  # noqa: ARG002  Gitea takes no such key
        """A new hook; Gitea takes a url twice, so a create is never repeated."""
        return await self._post(want, {"type": "gitea"})

    async def create_copy(self, held: Held, want: Webhook, key: str) -> Held:  # noqa: ARG002  Gitea takes no such key
        """A new hook with what the provider does not manage of the old one."""
        return await self._post(want, self._kept[held.id])

    async def _post(self, want: Webhook, more: Mapping[str, Any]) -> Held:
        body, secret = _make_body(want, more), get_credential(want.auth)
        body["config"] |= {"secret": secret} if isinstance(secret, Secret) else {}
        answer = await self._http.request("POST", self._path, json=body, idempotent=False)
        return self._read(answer.body)

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:  # noqa: ARG002  Gitea resets what is not sent
        """All of it, and what Gitea would drop. A change of auth never comes here: the driver makes
        a new hook, since Gitea keeps the old secret.
        """
        body = _make_body(want, self._kept[held.id])
        body.pop("type", None)  # it never changes
        await self._http.request("PATCH", f"{self._path}/{held.id}", json=body, idempotent=True)

    async def delete(self, held: Held) -> None:
        """What is gone already counts as deleted."""
        await remove(self._http, f"{self._path}/{held.id}")

    async def test(self, held: Held, want: Webhook, event: Subscription) -> Delivery:
        """A push event. Gitea answers before it delivers, and has no delivery log."""
        try:
            await self._http.request("POST", f"{self._path}/{held.id}/tests", idempotent=False)
        except NotFound:
            message = f"{want.name}: Gitea tests hooks of repositories only; use --via probe"
            raise Rejected(message) from None
        return Delivery(want.name, event, Verdict.INTERRUPTED, detail=_SENT)

    def _read(self, value: object) -> Held:
        """A hook of Gitea; raises BadAnswer for another shape. A secret never comes back."""
        try:
            body = dict(value) if isinstance(value, Mapping) else {}
            config, ident = body["config"], str(body["id"])
            known, unknown = read_events(map(read_text, body["events"]))
            spec = Webhook(
                name="",
                url=read_text(config["url"]),
                enabled=body["active"] is True,
                subscriptions=frozenset(Subscription(name, None, None) for name in known),
                options={
                    "content_type": config["content_type"],
                    "branch_filter": body.get("branch_filter") or "",
                },
            )
        except (KeyError, TypeError, AttributeError):
            raise BadAnswer("Gitea answered a hook of another shape") from None
        header = body.get("authorization_header")
        kept = {"type": body.get("type"), "name": body.get("name"), "events": sorted(unknown)}
        kept["authorization_header"] = Secret(str(header), "the header of a hook") if header else ""
        self._kept[ident] = {name: value for name, value in kept.items() if value}
        return Held(ident, spec, created=body.get("created_at"), health=_HEADER if header else "")


def _make_body(want: Webhook, more: Mapping[str, Any]) -> dict[str, Any]:
    """A hook as Gitea takes it, without its secret; `more` has the fields that are not managed, and
    events beside those of the manifest.
    """
    events = sorted(item.type for item in want.subscriptions)
    return {
        **more,
        "config": {"url": want.url, "content_type": want.options["content_type"]},
        "events": [*events, *more.get("events", ())],
        "branch_filter": want.options["branch_filter"],
        "active": want.enabled,
    }


PLUGIN: Final = Gitea()
