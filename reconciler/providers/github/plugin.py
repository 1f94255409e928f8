"""The plug-in of GitHub: how its REST API is spoken to.

Source: GitHub's REST API documentation. A secret comes back as eight asterisks; PATCH of a hook
with a `config` replaces all of it, the secret too, while PATCH of `/config` keeps what is not sent.
A list of events is replaced as a whole. A ping is answered before it is delivered.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from reconciler.core.errors import BadAnswer, NotFound, Unauthorized
from reconciler.core.model.auth import NoAuth, SignatureAuth, get_credential
from reconciler.core.model.secret import Secret, Withheld
from reconciler.core.model.webhook import Subscription, Use, Webhook
from reconciler.core.results.cause import find_cause
from reconciler.core.results.reports import Delivery, Verdict
from reconciler.providers.driver.delivery_log import Logged, count_use, read_time
from reconciler.providers.driver.ledger import Ledger
from reconciler.providers.driver.places import find_members, find_scope
from reconciler.providers.driver.product import Product
from reconciler.providers.github.capabilities import (
    CAPABILITIES,
    EVENTS,
    FLEET,
    ORGANIZATION,
    PERMISSIONS,
    RIGHTS,
)
from reconciler.providers.github.variables import GitHubVariables
from reconciler.providers.http.client import Client
from reconciler.providers.http.dialect import Dialect, name_rights
from reconciler.providers.http.resources import (
    explain_missing,
    find,
    list_linked_pages,
    list_pages,
    read_page,
    read_text,
)
from reconciler.providers.plugin import Held, Session

_PAGE: Final = 100  # hooks; the most that GitHub gives
_LOOKS: Final = 20  # for the delivery of a ping
_PAUSE: Final = 0.5  # seconds between two of them


class GitHub(Product):
    """The plug-in. The token needs the permissions Webhooks and Variables, read and write."""

    capabilities = CAPABILITIES
    dialect = Dialect(
        headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
        limit=("x-ratelimit-remaining", "x-ratelimit-reset"),
        fault=name_rights(PERMISSIONS),
    )

    def session(self, http: Client, target: Mapping[str, Any]) -> Session:
        """The calls of one repository or organisation."""
        return Hooks(http, f"{find_scope(target)}/hooks")

    def ledger(self, http: Client, target: Mapping[str, Any]) -> Ledger:
        """The Actions variables of the same repository or organisation."""
        is_organization = "organization" in target
        path = f"{find_scope(target)}/actions/variables"
        return GitHubVariables(http, path, is_organization=is_organization)

    async def find_scopes(self, http: Client, target: Mapping[str, Any]) -> Sequence[str]:
        """The repositories of a list, or those of an organisation by a rule."""

        def open_pages() -> AsyncIterator[list[dict[str, Any]]]:
            return list_pages(http, f"/orgs/{target['organization']}/repos", _PAGE)

        with explain_missing(ORGANIZATION):
            return await find_members(target[FLEET], "full_name", open_pages)

    def make_scope_target(self, scope: str) -> Mapping[str, Any]:
        """One repository."""
        return {"repository": scope}


class Hooks:
    """The hooks of one repository or organisation."""

    def __init__(self, http: Client, path: str) -> None:
        self._http, self._path = http, path
        self._unknown: dict[str, list[str]] = {}  # events that this provider does not know, by id

    async def held(self) -> AsyncIterator[Sequence[Held]]:
        """Every hook of kind `web`, until a page is short. Those of GitHub's own services are never
        touched.
        """
        with explain_missing(RIGHTS):
            async for page in list_pages(self._http, self._path, _PAGE):
                yield [self._read(item) for item in page if item.get("name") == "web"]

    async def get(self, ident: str) -> Held | None:
        """One hook."""
        body = await find(self._http, f"{self._path}/{ident}")
        return None if body is None else self._read(body)

    async def create(self, want: Webhook, key: str) -> Held:  # noqa: ARG002  GitHub takes no such key
        """A new hook; GitHub refuses a url and events twice, and a create is never repeated."""
        body = {
            "name": "web",
            "active": want.enabled,
            "events": _write_events(want),
            "config": _write_config(want),
        }
        answer = await self._http.request("POST", self._path, json=body, idempotent=False)
        return self._read(answer.body)

    async def update(self, held: Held, want: Webhook, changed: frozenset[str]) -> None:
        """Only what changed. A secret is removed by a whole `config` without it."""
        path, config = f"{self._path}/{held.id}", _write_config(want)
        body: dict[str, Any] = {}
        if "enabled" in changed:
            body["active"] = want.enabled
        if "events" in changed:
            body["events"] = [*_write_events(want), *self._unknown[held.id]]
        removes = "auth" in changed and get_credential(want.auth) is None
        if removes:
            body["config"] = config
        if body:
            await self._http.request("PATCH", path, json=body, idempotent=True)
        parts = {"url": ("url",), "options": tuple(want.options), "auth": ("secret",)}
        names = {name for field in changed for name in parts.get(field, ())} & config.keys()
        if names and not removes:
            sent = {name: config[name] for name in sorted(names)}
            await self._http.request("PATCH", f"{path}/config", json=sent, idempotent=True)

    def _read(self, value: object) -> Held:
        """A hook; events that this provider does not know stay as they are."""
        held = _read_hook(value)
        names = {item.type for item in held.spec.subscriptions}
        unknown = self._unknown[held.id] = sorted(names - set(EVENTS))
        if not unknown:
            return held
        known = frozenset(item for item in held.spec.subscriptions if item.type in EVENTS)
        note = f"it receives {', '.join(unknown)[:200]} too, unknown to this provider, and keeps it"
        health = "; ".join(filter(None, (note, held.health)))
        return replace(held, spec=replace(held.spec, subscriptions=known), health=health)

    async def delete(self, held: Held) -> None:
        """What is gone already counts as deleted. GitHub also answers 404 to a token that may only
        read.
        """
        try:
            await self._http.request("DELETE", f"{self._path}/{held.id}", idempotent=True)
        except NotFound as error:
            if await self.get(held.id) is not None:
                raise Unauthorized(f"{error}: {RIGHTS}", object_only=True) from None

    async def test(self, held: Held, want: Webhook, event: Subscription) -> Delivery:
        """A ping. GitHub answers before it delivers, so the verdict is that of its delivery log."""
        path = f"{self._path}/{held.id}"
        before = {item.get("id") for item in await self._list_pings(path)}
        await self._http.request("POST", f"{path}/pings", idempotent=False)
        for _ in range(_LOOKS):
            new = [item for item in await self._list_pings(path) if item.get("id") not in before]
            if new:
                return _read_delivery(new[0], want, event)
            await asyncio.sleep(_PAUSE)
        detail = "GitHub's delivery log did not show the ping in time"
        return Delivery(want.name, event, Verdict.TIMEOUT, detail=detail)

    async def find_use(self, held_id: str) -> Use:
        """The events of the last 24 hours in GitHub's log, which keeps three days; pings and
        redeliveries are no use.
        """
        return await count_use(self._read_log(f"{self._path}/{held_id}/deliveries"))

    async def _read_log(self, path: str) -> AsyncIterator[list[Logged]]:
        async for page in list_linked_pages(self._http, path, _PAGE):
            yield [_read_logged(item) for item in page]

    async def _list_pings(self, path: str) -> list[dict[str, Any]]:
        """The newest ones: the log is paged by a cursor, not by numbers."""
        page = await read_page(self._http, f"{path}/deliveries", {"per_page": _PAGE})
        return [item for item in page if item.get("event") == "ping"]


def _read_delivery(item: Mapping[str, Any], want: Webhook, event: Subscription) -> Delivery:
    status = item.get("status_code")
    if isinstance(status, bool) or not isinstance(status, int) or not status:
        return Delivery(want.name, event, Verdict.REFUSED, detail="GitHub reached no endpoint")
    cause = find_cause(status, credential=get_credential(want.auth) is not None)
    return Delivery(want.name, event, cause.verdict, status, cause.text)


def _read_logged(item: Mapping[str, Any]) -> Logged:
    is_event = item.get("event") != "ping" and item.get("redelivery") is not True
    at, status = read_time(item.get("delivered_at")), item.get("status_code")
    return Logged(at, isinstance(status, int) and 200 <= status < 300, is_event)


def _read_health(response: object) -> str:
    """What GitHub says of a hook's last delivery, if that failed. It has none of hooks without
    deliveries, nor of those of organisations.
    """
    code = response.get("code") if isinstance(response, Mapping) else None
    if isinstance(code, bool) or not isinstance(code, int) or 200 <= code < 300:
        return ""
    return f"GitHub says that its last delivery failed: {code or 'it reached no endpoint'}"


def _read_hook(value: object) -> Held:
    """A hook of GitHub; raises BadAnswer for another shape."""
    try:
        body = dict(value) if isinstance(value, Mapping) else {}
        config = body["config"]
        has_secret = bool(config.get("secret"))
        spec = Webhook(
            name="",
            url=read_text(config["url"]),
            enabled=body["active"] is True,
            auth=SignatureAuth("product", Withheld()) if has_secret else NoAuth(),
            subscriptions=frozenset(
                Subscription(read_text(name), None, None) for name in body["events"]
            ),
            options={
                "content_type": config.get("content_type", "form"),
                "insecure_ssl": str(config.get("insecure_ssl", "0")),
            },
        )
        return Held(
            str(body["id"]),
            spec,
            body.get("updated_at"),
            body.get("created_at"),
            has_secret,
            health=_read_health(body.get("last_response")) if spec.enabled else "",
        )
    except (KeyError, TypeError, AttributeError):
        raise BadAnswer("GitHub answered a hook of another shape") from None


def _write_events(want: Webhook) -> list[str]:
    return sorted(item.type for item in want.subscriptions)


def _write_config(want: Webhook) -> dict[str, Any]:
    """A hook's `config`. A `Secret` is revealed by the client, not here."""
    secret = get_credential(want.auth)
    return {
        "url": want.url,
        **want.options,
        **({"secret": secret} if isinstance(secret, Secret) else {}),
    }


PLUGIN: Final = GitHub()
